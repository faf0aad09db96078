/** One folder as three hours of a deployment leave it, for the checker to judge; the truth is what is stored. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { loadConfig } from '../../../src/config/config';
import { HOUR, lastBoundary } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { Candle, EpochMs, Pair } from '../../../src/domain/types';
import { openStores } from '../../../temporal/stores';
import type { Stores } from '../../../temporal/stores';
import type { Truth, Values } from '../../checker/market-truth';
import { metadataOf } from '../../ports/model-registry-contract';
import { candlesThrough, exportOf, pairOf, recordThrough, SOURCE } from '../publish/example';

const HOURLY = pairOf('BTC/USDT', '1h');
const DAILY = pairOf('BTC/USDT', '1d');
/** The newest boundary; the hour before is in the first generation, and the last one only judges anew. */
export const THROUGH = Date.UTC(2024, 5, 1, 12);
export const MIDNIGHT = lastBoundary(DAILY.timeframe, THROUGH);
/** When the run of a boundary has begun. */
export const asOf = (through: EpochMs): EpochMs => through + 7_000;

export interface SmallDeployment {
  /** As `check` takes it. */
  readonly folder: string;
  readonly truth: Truth;
}

/** `hours` and `days`: candles of BTC/USDT that the market has; of 1d too few to forecast from, which the manifest says. */
export async function smallDeployment({ hours = 300, days = 100 } = {}): Promise<SmallDeployment> {
  const dataDir = mkdtempSync(join(tmpdir(), 'coin-predict-checker-'));
  const clock = { now: () => asOf(THROUGH), monotonic: () => 0 };
  mkdirSync(join(dataDir, SOURCE));
  const settings = { EXCHANGE: SOURCE, SYMBOLS: HOURLY.symbol, TIMEFRAMES: '1h,1d' };
  const stores = await openStores(loadConfig({ DATA_DIR: dataDir, ...settings }, null), SOURCE, clock);
  const hourly = candlesThrough(HOURLY, THROUGH, hours);
  const daily = candlesThrough(DAILY, MIDNIGHT, days);
  await stores.candles.write(HOURLY, hourly, asOf(THROUGH));
  await stores.candles.write(DAILY, daily, asOf(THROUGH));
  await stores.state.pairState.setSymbolState({
    symbol: HOURLY.symbol,
    activation: 'ready',
    since: MIDNIGHT - HOUR,
    reason: null,
  });
  await recordRuns(stores);
  await publish(stores, hourly, daily);
  await stores.close();
  const market = new Map([
    [HOURLY.timeframe as string, valuesOf(hourly)],
    [DAILY.timeframe as string, valuesOf(daily)],
  ]);
  return { folder: join(dataDir, SOURCE), truth: (_, timeframe) => market.get(timeframe) ?? new Map() };
}

function valuesOf(candles: readonly Candle[]): ReadonlyMap<number, Values> {
  return new Map(
    candles.map(({ openTime, open, high, low, close, volume }) => [openTime, [open, high, low, close, volume]]),
  );
}

async function recordRuns({ state: { runLog } }: Stores): Promise<void> {
  const runs: readonly (readonly [Pair, EpochMs])[] = [
    [DAILY, MIDNIGHT],
    [HOURLY, THROUGH - HOUR],
    [HOURLY, THROUGH],
  ];
  for (const [{ timeframe }, boundary] of runs) {
    const run = { timeframe, workflowId: `cycle-${timeframe}`, runId: `${timeframe} ${boundary}`, round: 1 };
    const startedAt = asOf(boundary);
    const endedAt = startedAt + 1_000;
    await runLog.begin({ ...run, asOf: startedAt, startedAt, trigger: 'schedule' });
    const counts = { pairs: 1, failed: 0, newCandles: 1 };
    await runLog.end(run.runId, 1, { firstPassAt: endedAt, endedAt, outcome: 'published', ...counts });
    await runLog.recordBoundaries([{ timeframe, boundary, outcome: 'done', reason: '', recordedAt: endedAt }]);
  }
}

async function publish(stores: Stores, hourly: readonly Candle[], daily: readonly Candle[]): Promise<void> {
  const { publisher, state } = stores;
  const commit = (through: EpochMs) =>
    publisher.commitManifest({ asOf: asOf(through), nextExpectedCommit: THROUGH + HOUR });
  const tooFew = `${daily.length} of 120 closed candles`;
  await publisher.exportPair({
    ...exportOf(HOURLY, MIDNIGHT),
    pair: DAILY,
    rules: defaultRules(DAILY.timeframe),
    candles: daily,
    prediction: null,
    gateReason: tooFew,
  });
  // Without its forecast, and from the first candle on.
  const before = hourly.slice(0, -1);
  await publisher.exportPair({ ...exportOf(HOURLY, THROUGH - HOUR), candles: before, prediction: null });
  await commit(THROUGH - HOUR);
  const record = recordThrough(HOURLY, hourly, asOf(THROUGH));
  const { timeframe } = HOURLY;
  const first = { timeframe, version: record.modelVersion, previous: null, at: record.issuedAt } as const;
  await state.models.register(metadataOf(record.modelVersion, { timeframe, fits: [] }));
  await state.models.changeChampion({ ...first, kind: 'first', by: 'configuration', reason: 'named' });
  await state.forecastLedger.append([record, { ...record, role: 'naive' }]);
  await publisher.exportPair(
    exportOf(HOURLY, THROUGH, 30, {
      candles: hourly.slice(-30),
      prediction: {
        ...required(exportOf(HOURLY, THROUGH).prediction),
        record,
      },
    }),
  );
  await commit(THROUGH);
  await commit(THROUGH);
}

/** Statements on a database of the folder, as nobody but a fault would make them. */
export function damage(folder: string, file: 'candles.db' | 'state.db', ...statements: readonly string[]): void {
  const database = new Database(join(folder, file));
  try {
    for (const statement of statements) database.exec(statement);
  } finally {
    database.close();
  }
}

export interface ManifestBody {
  entries: { readonly key: string; serve_allowed: boolean }[];
}

/** Changes a kept generation, and what is recorded of it with it. */
export function rewriteGeneration(folder: string, generation: number, change: (body: ManifestBody) => void): void {
  const file = join(folder, 'public', 'generations', `${generation}.json`);
  const before = readFileSync(file, 'utf8');
  const body = JSON.parse(before) as ManifestBody;
  change(body);
  const text = JSON.stringify(body);
  const inForce = join(folder, 'public', 'manifest.json');
  if (readFileSync(inForce, 'utf8') === before) writeFileSync(inForce, text);
  writeFileSync(file, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  damage(
    folder,
    'state.db',
    `UPDATE generation SET manifest_sha256 = '${sha256}', manifest_bytes = ${text.length} WHERE generation = ${generation}`,
  );
}

export function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the deployment does not hold it');
  return value;
}
