import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createHeartbeat } from '../../../src/adapters/webhook/notifiers';
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../../src/adapters/sqlite/state-store';
import { buildCli } from '../../../src/cli/cli';
import { PipelineError } from '../../../src/domain/errors';
import { EVENT_KINDS, EVENT_TABLE, eventOf } from '../../../src/domain/event';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { NOW, World } from './test-wiring';
import { NOTHING_SEEN } from '../../../src/domain/monitor-memory';

let folder: string;
let state: StateStore;
let world: World;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-alert-'));
  state = await openStateStore(join(folder, 'state.db'));
  world = new World();
  world.state = state;
});
afterEach(async () => {
  await state.close();
  rmSync(folder, { recursive: true });
});

test('a symbol in quarantine and a commit that failed are alerts of "status" too, before the first round of the monitor', async () => {
  const symbol = parseSymbol('GONE/USDT');
  await world.pairState.setSymbolState({ symbol, activation: 'quarantined', since: NOW, reason: 'not traded' });
  const facts = { key: 'manifest_failure 1h', timeframe: parseTimeframe('1h'), detail: 'the disk is full' };
  world.failedCommits = [eventOf('manifest_failure', NOW, facts)];
  await world.run('status');
  expect(world.stdout).toContain('2 alerts: 1h manifest_failure, GONE/USDT symbol_quarantined;');
});

describe('alert', () => {
  test('list shows what was told and what became of it, newest first', async () => {
    const events = [eventOf('drift', NOW - 60_000, { key: 'a', detail: 'it drifts' })];
    const memory = NOTHING_SEEN;
    await state.monitor.commitRound({ asOf: NOW, memory, events }, { receivers: ['slack'], perMinute: 10 });
    expect(await world.run('alert list')).toBe(0);
    expect(world.stdout).toMatch(/2024-05-01 14:29 +warning +drift +the system +pending +it drifts/);
    await world.run('alert list -o json');
    expect(world.json()).toMatchObject({
      muted_until: null,
      events: [{ kind: 'drift', delivery: 'pending', runbook: 'drift.md' }],
    });
  });

  test('test tells of each receiver on its own, exits with 4 when one is not reached, and enables one that is', async () => {
    await state.outbox.recordReceiver('slack', 'gone', NOW - 1, '410');
    world.notifiers = [
      { name: 'slack', kind: 'slack', send: async () => 'delivered' },
      {
        name: 'webhook',
        kind: 'webhook',
        send: async () => {
          throw new PipelineError('delivery_failed', 'webhook answered HTTP 500');
        },
      },
    ];
    expect(await world.run('alert test')).toBe(4);
    expect(world.stdout).toMatch(/slack +delivered\nwebhook +webhook answered HTTP 500/);
    expect(await state.outbox.receivers()).toMatchObject([
      { name: 'slack', disabledAt: null },
      { name: 'webhook', lastError: 'webhook answered HTTP 500' },
    ]);
  });

  test('test tries the heartbeat as well, whose address is refused like that of a receiver', async () => {
    world.notifiers = [{ name: 'slack', kind: 'slack', send: async () => 'delivered' }];
    world.heartbeat = createHeartbeat('http://watch.internal:9000/beat', { allowedHosts: new Set() });
    expect(await world.run('alert test')).toBe(4);
    expect(world.stdout).toMatch(/slack +delivered\nheartbeat +the receiver's address is refused: it is not https/);
    world.heartbeat = { ping: async () => {} };
    expect(await world.run('alert test')).toBe(0);
    expect(world.stdout).toMatch(/heartbeat +delivered/);
    expect((await state.outbox.receivers()).map(({ name }) => name)).toEqual(['slack']);
  });

  test('test without a receiver says which settings make one', async () => {
    expect(await world.run('alert test')).toBe(3);
    expect(world.stderr).toContain('ALERT_DISCORD_URL');
  });

  test('mute needs an end within a week and a reason, and can be lifted', async () => {
    expect(await world.run('alert mute --until 2024-05-01T18:00')).toBe(2);
    expect(await world.run('alert mute --until 2024-06-01 --reason disk')).toBe(2);
    expect(await world.run('alert mute --until 2024-04-01 --reason disk')).toBe(2);
    expect(await world.run('alert unmute')).toBe(7);
    expect(await world.run('alert mute --until 2024-05-01T18:00 --reason disk')).toBe(0);
    await world.run('alert list');
    expect(world.stdout).toContain('muted until 2024-05-01 18:00 UTC: disk');
    world.overrides = { clock: { now: () => NOW + 1, monotonic: () => 0 } };
    expect(await world.run('alert unmute')).toBe(0);
    await world.run('alert list');
    expect(world.stdout).not.toContain('muted until');
  });
});

describe('runbooks', () => {
  interface RuleFile {
    readonly groups: readonly {
      readonly rules: readonly { readonly alert?: string; readonly annotations?: { readonly runbook?: string } }[];
    }[];
  }
  const runbooks = join(__dirname, '..', '..', '..', 'docs', 'runbooks');
  const deploy = join(__dirname, '..', '..', '..', 'deploy');
  const names = readdirSync(runbooks).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const rules = parse(readFileSync(join(deploy, 'prometheus', 'rules', 'coin-predict.yml'), 'utf8')) as RuleFile;
  const alerts = rules.groups
    .flatMap((group) => group.rules)
    .flatMap(({ alert, annotations }) => (alert === undefined ? [] : [{ alert, path: annotations?.runbook ?? '' }]));

  test('every event and every Prometheus alert has its runbook, and every runbook one of them', () => {
    const named = new Set<string>(alerts.map(({ path }) => path.replace('docs/runbooks/', '')));
    for (const kind of EVENT_KINDS) {
      const { phase, runbook } = EVENT_TABLE[kind];
      if (phase === 'ends') expect(runbook).toBeNull();
      else {
        expect({ kind, exists: runbook !== null && existsSync(join(runbooks, runbook)) }).toEqual({
          kind,
          exists: true,
        });
        named.add(runbook ?? '');
        expect(readFileSync(join(runbooks, runbook ?? ''), 'utf8')).toContain(`\`${kind}\``);
      }
    }
    expect(names.toSorted()).toEqual([...named].toSorted());
  });

  test.each(alerts)('the rule $alert leads to a runbook that names it before its steps', ({ alert, path }) => {
    expect(path).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/);
    const [head = ''] = readFileSync(join(runbooks, '..', '..', path), 'utf8').split('## Steps');
    expect(head).toContain(`\`${alert}\``);
  });

  test.each(names)('%s gives steps, and every command in it is one that the program understands', (name) => {
    const text = readFileSync(join(runbooks, name), 'utf8');
    expect(text).toMatch(/\n## Steps\n\n1\. /);
    for (const [, command = ''] of text.matchAll(/`npx coin-predict ([^`]+)`/g)) understand(command);
  });

  /** Finds the verb and parses its words, without running it. */
  function understand(line: string): void {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    let command = buildCli(world.wiring());
    while (words[0] !== undefined) {
      const next = command.commands.find((candidate) => candidate.name() === words[0]);
      if (next === undefined) break;
      command = next;
      words.shift();
    }
    const { unknown, operands } = command.parseOptions(words);
    expect({ line, unknown }).toEqual({ line, unknown: [] });
    expect({ line, verbs: command.commands.length }).toEqual({ line, verbs: 0 });
    const { registeredArguments: known } = command;
    const required = known.filter((argument) => argument.required).length;
    const fits = operands.length >= required && operands.length <= known.length;
    expect({ line, fits }).toEqual({ line, fits: true });
  }
});
