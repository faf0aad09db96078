/** What a run needs, and what mends what is missing. */
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { checkNode } from '../../../src/cli/doctor-checks';
import { ConfigError } from '../../../src/config/config-error';
import { PipelineError } from '../../../src/domain/errors';
import type { TimeframeId } from '../../../src/domain/types';
import { healthyWorld } from './healthy-world';
import { NOW } from './test-wiring';
import type { World } from './test-wiring';

async function freeBytes(): Promise<number> {
  const { bavail, bsize } = await statfs('.');
  return bavail * bsize;
}

describe('doctor', () => {
  async function examine(world: World): Promise<Record<string, string>> {
    world.environment = {
      ...world.environment,
      WEB_PORT: '0',
      OPS_PORT: '0',
      TEMPORAL_PORT: '0',
      TEMPORAL_UI_PORT: '0',
      ...world.environment,
    };
    await world.run('doctor --json');
    const { checks } = world.json() as { checks: { name: string; state: string }[] };
    return Object.fromEntries(checks.map((check) => [check.name, check.state]));
  }
  const supports = (timeframe: TimeframeId) => ({ timeframe, offered: true, reason: null });
  const answering = { source: 'simulated', serverTime: async () => NOW, supports };

  test('Node.js too old is told with what to install', () => {
    expect(checkNode('20.11.0').state).toBe('ok');
    expect(checkNode('22.1.0').state).toBe('ok');
    expect(checkNode('20.10.9')).toMatchObject({ state: 'fail', mend: 'install Node.js 20.11 or later' });
    expect(checkNode('18.20.0').state).toBe('fail');
  });

  test('the disk must have room for what the budget still allows, not for what is stored already', async () => {
    const world = await healthyWorld();
    world.exchange = answering;
    const free = await freeBytes();
    world.environment = { ...world.environment, STORAGE_BUDGET_GB: String(Math.floor(free / 1e9) + 2) };
    world.usage = { usedBytes: 3e9, budgetBytes: Math.floor(free / 1e9) * 1e9 + 2e9 };
    expect(await examine(world)).toMatchObject({ disk: 'ok' });
    world.usage = { ...world.usage, budgetBytes: free * 2 };
    expect(await examine(world)).toMatchObject({ disk: 'warn' });
    await world.run('doctor');
    const most = Math.floor((3e9 + free) / 1e9);
    expect(world.stdout).toMatch(
      new RegExp(`disk: set STORAGE_BUDGET_GB to (${most - 1}|${most}|${most + 1}) or less`),
    );
    world.environment = { ...world.environment, STORAGE_BUDGET_SHARE: '0.9' };
    delete world.environment.STORAGE_BUDGET_GB;
    await world.run('doctor');
    expect(world.stdout).toContain('disk: lower STORAGE_BUDGET_SHARE, or free space\n');
  });

  test('all that is needed is looked at', async () => {
    const world = await healthyWorld();
    world.exchange = answering;
    const states = await examine(world);
    expect(states).toMatchObject({
      node: 'ok',
      stores: 'ok',
      WEB_PORT: 'ok',
      temporal: 'ok',
      'temporal CLI': 'ok',
      exchange: 'ok',
    });
    expect(Object.keys(states)).toContain('disk');
  });

  test('an exchange that does not answer ends with 4 and says what to set', async () => {
    const world = await healthyWorld();
    world.exchange = {
      supports,
      serverTime: async () => {
        throw new PipelineError('exchange_unreachable', 'no route');
      },
    };
    expect(await world.run('doctor')).toBe(4);
    expect(world.stdout).toMatch(/exchange: check the network; or set EXCHANGE=simulated/);
  });

  test('a replay is not asked for what it has only while it is run', async () => {
    const world = await healthyWorld();
    world.environment = { ...world.environment, EXCHANGE: 'replay' };
    const states = await examine(world);
    expect(states).toMatchObject({ stores: 'ok', 'temporal CLI': 'ok' });
    expect([states.temporal, states.exchange]).toEqual([undefined, undefined]);
  });

  test('before the first start the table is there all the same, and says what to do', async () => {
    const world = await healthyWorld();
    const undecided = async (): Promise<never> => {
      throw new PipelineError('invalid_input', 'nothing has been started yet, so EXCHANGE=auto is undecided');
    };
    world.overrides = { stores: undecided, control: undecided, exchange: undecided };
    expect(await examine(world)).toMatchObject({ node: 'ok', stores: 'warn', temporal: 'warn', exchange: 'warn' });
    expect(await world.run('doctor')).toBe(0);
    expect(world.stdout).toContain('temporal: run "npm start" first, or set EXCHANGE\n');
    expect(world.stdout).toContain('exchange: run "npm start" first, or set EXCHANGE\n');
  });

  test('an exchange that nobody knows is told with its variable, and ends with 1', async () => {
    const world = await healthyWorld();
    const sentence = 'ccxt knows no exchange "krakn". Did you mean kraken?';
    const exchange = async (): Promise<never> => {
      throw new ConfigError([{ variable: 'EXCHANGE', value: 'krakn', sentence }]);
    };
    world.overrides = { exchange };
    expect(await world.run('doctor')).toBe(1);
    expect(world.stdout).toMatch(/exchange\s+fail\s+EXCHANGE: ccxt knows no exchange "krakn"/);
    expect(world.stdout).toContain('exchange: correct EXCHANGE\n');
  });

  test('a timeframe that the exchange does not offer is told, with the variable to leave it out of', async () => {
    const world = await healthyWorld();
    world.environment = { TIMEFRAMES: '1h,1M' };
    const offers = (timeframe: TimeframeId) =>
      timeframe === '1h' ? supports(timeframe) : { timeframe, offered: false, reason: 'kraken offers only 1h' };
    world.exchange = { ...answering, supports: offers };
    expect(await examine(world)).toMatchObject({ exchange: 'ok', 'timeframe 1M': 'warn' });
    await world.run('doctor');
    expect(world.stdout).toContain('timeframe 1M: remove 1M from TIMEFRAMES\n');
  });

  test('a clock that is off is told', async () => {
    const world = await healthyWorld();
    world.exchange = { source: 'x', supports, serverTime: async () => NOW + 90_000 };
    expect(await examine(world)).toMatchObject({ exchange: 'warn' });
  });

  test('a port that is taken is told, whoever holds it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    try {
      const world = await healthyWorld();
      world.exchange = answering;
      world.environment = { WEB_PORT: String(typeof address === 'object' ? address?.port : 0) };
      expect(await examine(world)).toMatchObject({ WEB_PORT: 'warn', OPS_PORT: 'ok' });
    } finally {
      server.close();
    }
  });

  test('an own Temporal server that does not run yet is no failure; a configured one is', async () => {
    const world = await healthyWorld();
    world.exchange = answering;
    world.temporalAnswers = false;
    expect(await examine(world)).toMatchObject({ temporal: 'warn' });
    world.environment = { TEMPORAL_ADDRESS: '127.0.0.1:7233' };
    expect(await examine(world)).toMatchObject({ temporal: 'unreachable' });
  });
});
