/** What readers and operators are told of an export that failed, and of a forecast that it refused, over real stores and files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExport } from '../../activities/export';
import type { ActivityPorts } from '../../activities/ports';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openPublishedTree } from '../../src/adapters/files/published-tree';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { HOUR, MINUTE } from '../../src/domain/timeframe';
import { createPublisher } from '../../src/publish/publisher';
import { buildWeb } from '../../src/web/public-server';
import { inActivity } from '../activity-context';
import { closedAfterEach } from '../ports/store-fixtures';
import { candlesThrough, pairOf, quantilesAround, recordThrough, SOURCE } from '../unit/publish/example';

const BTC = pairOf('BTC/USDT', '1h');
const THROUGH = Date.UTC(2024, 5, 1, 12);
const isoOf = (at: number) => new Date(at).toISOString();
const closed = closedAfterEach();

let root: string;
let state: StateStore;
let ports: ActivityPorts;
let now: number;
let diskFault: Error | null;
const logged: object[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'export-'));
  state = closed(await openStateStore(join(root, 'state.db')));
  now = THROUGH + 10_000;
  diskFault = null;
  logged.length = 0;
  const tree = openPublishedTree({ publicDir: join(root, 'public'), opsDir: join(root, 'ops') });
  const files: typeof tree = {
    ...tree,
    putObject: async (body) => {
      if (diskFault !== null) throw diskFault;
      return tree.putObject(body);
    },
  };
  const clock = { now: () => now, monotonic: () => performance.now() };
  const log = { warn: (facts: object) => logged.push(facts), error: (facts: object) => logged.push(facts) };
  ports = {
    ...state,
    source: SOURCE,
    clock,
    log,
    candles: new MemoryCandleStore(),
    settings: { rules: defaultRules, settleMs: 2_000 },
    storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
    publisher: createPublisher({ publication: state.publication, files, source: SOURCE, clock, cycleTargetMs: MINUTE }),
  } as unknown as ActivityPorts;
  await state.pairState.setSymbolState({ symbol: BTC.symbol, activation: 'ready', since: 0, reason: null });
  await hour(0);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Time goes on to that many hours after the first boundary: candle and forecast are there. */
async function hour(k: number, price = 100): Promise<void> {
  now = THROUGH + k * HOUR + 10_000;
  const candles = candlesThrough(BTC, THROUGH + k * HOUR, 300 + k);
  await ports.candles.write(BTC, candles, now);
  const quantiles = quantilesAround(price, defaultRules(BTC.timeframe).horizon);
  await state.forecastLedger.append([{ ...recordThrough(BTC, candles, now), quantiles }]);
  await state.pairState.recordSuccess(BTC, 'predict', now);
}

async function exportAndCommit(): Promise<void> {
  const input = { source: SOURCE, timeframe: BTC.timeframe, asOf: now, symbols: [BTC.symbol], degraded: [] };
  await inActivity(() => createExport(ports)(input)).catch(() => undefined);
  await ports.publisher.commitManifest({ asOf: now, nextExpectedCommit: now + HOUR });
}

async function statusNow(): Promise<Record<string, unknown>> {
  const folders = { publicDir: join(root, 'public'), opsDir: join(root, 'ops'), pageDir: 'none', schemasDir: 'none' };
  const web = buildWeb({ ...folders, source: SOURCE, live: false, clock: ports.clock });
  try {
    return (await web.inject('/status/BTC_USDT?timeframe=1h')).json();
  } finally {
    await web.close();
  }
}

test('a failed export is published as one at every attempt, and the last success stays what it was', async () => {
  await exportAndCommit();
  expect(await statusNow()).toMatchObject({ last_success_at: isoOf(now), last_failure_at: null, failure_count: 0 });
  const succeeded = now;
  await hour(1);
  diskFault = new Error('EIO');
  for (const [attempt, failed] of [now, now + MINUTE].entries()) {
    now = failed;
    await exportAndCommit();
    expect(await statusNow()).toMatchObject({
      serve_allowed: false,
      last_success_at: isoOf(succeeded),
      last_failure_at: isoOf(failed),
      failure_count: attempt + 1,
    });
  }
  diskFault = null;
  const failed = now;
  now += MINUTE;
  await exportAndCommit();
  expect(await statusNow()).toMatchObject({
    serve_allowed: true,
    last_success_at: isoOf(now),
    last_failure_at: isoOf(failed),
    failure_count: 0,
  });
});

test('a pair whose first export fails has no success at all', async () => {
  diskFault = new Error('EIO');
  await exportAndCommit();
  expect(await statusNow()).toMatchObject({ last_success_at: null, last_failure_at: isoOf(now), failure_count: 1 });
});

test('F81 I42 a forecast that the export refuses is a failure of its stage, with its cause, until one is published', async () => {
  await exportAndCommit();
  await hour(1, -100);
  await exportAndCommit();
  expect(await statusNow()).toMatchObject({ degraded: true, last_failure_at: isoOf(now), failure_count: 1 });
  const cause = { stage: 'predict', failureCount: 1, lastCode: 'forecast_invalid', lastMessage: expect.any(String) };
  expect(await state.pairState.stages(BTC)).toContainEqual(expect.objectContaining(cause));
  expect(logged).toContainEqual(expect.objectContaining({ stage: 'predict', code: 'forecast_invalid' }));
  await hour(2);
  await exportAndCommit();
  expect(await statusNow()).toMatchObject({ degraded: false, failure_count: 0 });
});
