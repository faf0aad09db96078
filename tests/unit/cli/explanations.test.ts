import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { MemoryPublication } from '../../../src/adapters/memory/memory-publication';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import type { MonitorMemory } from '../../../src/domain/monitor-memory';
import type { AlertOutbox } from '../../../src/ports/alert-outbox';
import type { MonitorStore } from '../../../src/ports/monitor-store';
import type { PublicationRow } from '../../../src/ports/publication';
import { BTC, healthyWorld, LAST_CLOSE } from './healthy-world';
import type { World } from './test-wiring';
import { NOW, publicationRow, scheduleView } from './test-wiring';

/** All is well but for what the monitor saw at `asOf`. */
async function watchedWorld(asOf: number): Promise<World> {
  const world = await healthyWorld();
  const told = { observations: 1, lastTold: null, degraded: null, blocked: null };
  const memory: MonitorMemory = {
    pairs: { 'BTC/USDT 1h': { ...told, status: 'corrupt', since: asOf, alert: 'corrupt BTC/USDT 1h' } },
    fills: { 'NEW/USDT 1h': { stored: 12, since: asOf, alert: null } },
    disk: null,
    manifest: null,
    store: null,
    untrained: {},
    changed: [],
  };
  const monitor = { last: async () => ({ asOf, memory }) } as unknown as MonitorStore;
  const outbox = { events: async () => [] } as unknown as AlertOutbox;
  world.state = { monitor, outbox };
  return world;
}

describe('status', () => {
  test('all fresh ends with 0', async () => {
    const world = await healthyWorld();
    expect(await world.run('status --json')).toBe(0);
    expect(world.json()).toEqual({
      source: 'simulated',
      generation: 1,
      generated_at: '2024-05-01T14:29:00Z',
      pairs: [
        {
          symbol: 'BTC/USDT',
          timeframe: '1h',
          status: 'fresh',
          serve_allowed: true,
          degraded: false,
          reason: null,
          visibility: 'visible',
          data_through: '2024-05-01T14:00:00Z',
          updated_at: '2024-05-01T14:00:10Z',
          age_minutes: 30,
          threshold_minutes: { soft: 65, hard: 130 },
        },
      ],
      monitored_at: null,
      alerts: [],
      fills: [],
      champions: [],
    });
  });

  test.each<[string, Partial<PublicationRow>, string]>([
    ['stale data', { dataThrough: NOW - 90 * MINUTE }, 'stale'],
    ['data past the hard limit', { dataThrough: NOW - 200 * MINUTE }, 'hard_stale'],
    ['no document', { history: null }, 'missing'],
    ['too few candles', { gateReason: '12 of 240 candles' }, 'insufficient_data'],
  ])('%s ends with 6', async (_, row, status) => {
    const world = await healthyWorld(row);
    expect(await world.run('status --json')).toBe(6);
    expect(world.json()).toMatchObject({ pairs: [{ status }] });
  });

  test('a pair that was never published is missing and not served', async () => {
    const world = await healthyWorld();
    world.publication = new MemoryPublication();
    expect(await world.run('status')).toBe(6);
    expect(world.stdout).toMatch(/BTC\/USDT 1h\s+missing\s+no\s+-/);
  });

  test('alerts, open fills and a monitor that is silent are told beside the pairs', async () => {
    const world = await watchedWorld(NOW - 5 * MINUTE);
    await world.run('status');
    expect(world.stdout).toContain('filling NEW/USDT 1h: 12 candles so far\n');
    expect(world.stdout).toContain('1 alert: BTC/USDT 1h corrupt; the monitor looked 5 min ago, which is too long\n');
    await world.run('status --json');
    expect(world.json()).toMatchObject({
      monitored_at: '2024-05-01T14:25:00Z',
      alerts: [{ event: 'corrupt', pair: 'BTC/USDT 1h' }],
      fills: [{ pair: 'NEW/USDT 1h', candles: 12 }],
    });
  });

  test('the table fits 100 columns', async () => {
    const world = await healthyWorld({ degraded: true, dataThrough: NOW - 99 * 24 * HOUR });
    await world.run('status');
    expect(Math.max(...world.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe('why', () => {
  async function explain(
    world: World,
  ): Promise<{ steps: { what: string; ok: boolean; sentence: string }[]; next: string | null }> {
    expect(await world.run('why BTC/USDT 1h --json')).toBe(0);
    return world.json() as Awaited<ReturnType<typeof explain>>;
  }

  test('a healthy pair: every step is well, from the exchange to the file, and nothing is to be done', async () => {
    const { steps, next } = await explain(await healthyWorld());
    expect(steps.map((step) => step.what)).toEqual([
      'exchange',
      'schedule',
      'store',
      'symbol',
      'gate',
      'forecast',
      'files',
      'served',
    ]);
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect(next).toBeNull();
  });

  test('what fires is told with its runbook, when no earlier step says what to do', async () => {
    const { steps, next } = await explain(await watchedWorld(NOW - MINUTE));
    expect(steps.at(-1)).toMatchObject({
      what: 'alerts',
      ok: false,
      sentence: 'The monitor looked 1 min ago: corrupt is firing; nothing was told in a week.',
    });
    expect(next).toBe('follow docs/runbooks/corrupt.md');
  });

  test('the text tells each step with its times', async () => {
    const world = await healthyWorld();
    await world.run('why BTC_USDT 1h');
    expect(world.stdout).toContain('ok  exchange  simulated answered 29 min ago.');
    expect(world.stdout).toContain('300 candles stored, the last closed 2024-05-01T14:00:00Z (30 min ago): complete.');
    expect(world.stdout).toContain('starts the next cycle in 30 min, at 2024-05-01T15:00:05Z.');
    expect(world.stdout).toMatch(/next: nothing to do\n$/);
  });

  test.each<[string, (world: World) => unknown, string, RegExp, RegExp]>([
    ['a ban', (world) => (world.bannedUntil = NOW + 5 * MINUTE), 'exchange', /no requests until .*in 5 min/, /wait/],
    [
      'a failing fetch',
      async (world) => {
        for (const ago of [3, 2, 1]) {
          await world.pairState.recordFailure(BTC, 'ingest', NOW - ago * MINUTE, 'exchange_unreachable', 'refused');
        }
      },
      'exchange',
      /stage ingest failed 3 times in a row, last 1 min ago; it last succeeded 29 min ago\. Cause: the exchange could not be reached - refused/,
      /check the network/,
    ],
    [
      'a paused schedule',
      (world) => (world.schedules = [scheduleView({ paused: true, note: 'frozen' })]),
      'schedule',
      /is paused: frozen/,
      /schedule resume cycle-1h/,
    ],
    ['no schedule', (world) => (world.schedules = []), 'schedule', /No schedule starts/, /schedule apply/],
    [
      'no Temporal',
      (world) => (world.temporalAnswers = false),
      'schedule',
      /does not answer, so no cycle starts/,
      /coin-predict up/,
    ],
    [
      'history not fetched',
      async (world) => world.pairState.setEarliest(BTC, { openTime: LAST_CLOSE - 400 * HOUR, provenAt: NOW }),
      'store',
      /100 older to fetch/,
      /data backfill --symbol BTC\/USDT --timeframe 1h/,
    ],
    [
      'a symbol being filled',
      async (world) =>
        world.pairState.setSymbolState({
          symbol: BTC.symbol,
          activation: 'backfilling',
          since: NOW - HOUR,
          reason: null,
        }),
      'symbol',
      /backfilling since .*shown once it is ready/,
      /data status/,
    ],
    [
      'too few candles',
      (world) => (world.environment = { ...world.environment, MINIMUM_SAMPLES: '1h=500' }),
      'gate',
      /300 of at least 500 candles/,
      /wait for more candles/,
    ],
    [
      'no forecast',
      (world) => (world.forecastLedger = new MemoryForecastLedger()),
      'forecast',
      /Nothing has been forecast yet/,
      /next cycle/,
    ],
    [
      'a failed export',
      async (world) => world.publication.upsert(publicationRow(BTC, { exportBlock: 'disk full' })),
      'files',
      /blocked: disk full/,
      /check the disk/,
    ],
  ])('%s is told at its step, with what to do', async (_, spoil, what, sentence, mend) => {
    const world = await healthyWorld();
    await spoil(world);
    const { steps, next } = await explain(world);
    const step = steps.find((candidate) => !candidate.ok);
    expect(step).toMatchObject({ what, ok: false });
    expect(step?.sentence).toMatch(sentence);
    expect(next).toMatch(mend);
  });

  test('a replay has no schedule, and needs none', async () => {
    const world = await healthyWorld();
    world.schedules = [];
    world.source = 'replay';
    const { steps, next } = await explain(world);
    expect(steps.find(({ what }) => what === 'schedule')).toMatchObject({
      ok: true,
      sentence: '"coin-predict replay" runs the cycles; a later --to runs it further.',
    });
    expect(next).toBeNull();
  });

  test('a timeframe that does not predict has no gate and no forecast', async () => {
    const world = await healthyWorld();
    world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h,1m' };
    await world.run('why BTC/USDT 1m --json');
    const { steps } = world.json() as { steps: { what: string }[] };
    expect(steps.map((step) => step.what)).toEqual(['exchange', 'schedule', 'store', 'symbol', 'files', 'served']);
  });
});

describe('forecast show', () => {
  test('gives steps on boundaries with the quantiles of each', async () => {
    const world = await healthyWorld();
    expect(await world.run('forecast show BTC/USDT 1h --json')).toBe(0);
    const json = world.json() as { forecast: { timestamp: string }[] };
    expect(json).toMatchObject({
      model: { family: 'range-volatility' },
      last_close: 100,
      data_through: '2024-05-01T14:00:00Z',
    });
    expect(json.forecast).toHaveLength(24);
    expect(json.forecast[0]).toEqual({
      timestamp: '2024-05-01T15:00:00Z',
      quantiles: [94, 96, 98, 100, 102, 104, 106],
    });
  });

  test('an honest track record: nothing scored is told as such', async () => {
    const world = await healthyWorld();
    await world.run('forecast show BTC/USDT 1h');
    expect(world.stdout).toContain('no forecast has been scored yet');
    expect(Math.max(...world.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('no forecast yet ends with 5 and says where to look', async () => {
    const world = await healthyWorld();
    world.forecastLedger = new MemoryForecastLedger();
    expect(await world.run('forecast show BTC/USDT 1h')).toBe(5);
    expect(world.stderr).toMatch(/no forecast of BTC\/USDT 1h yet: see "why BTC\/USDT 1h"/);
  });
});
