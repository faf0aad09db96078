/** A published folder as the publisher leaves it, made with the publisher's own builders from made-up candles. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeOf, shiftSlots, openOf } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import {
  pairKey,
  parseSymbol,
  type Candle,
  type EpochMs,
  type Pair,
  type TimeframeId,
} from '../../../src/domain/types';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { scoreForecast } from '../../../src/domain/scores';
import type { Clock } from '../../../src/ports/clock';
import type { ForecastRecord } from '../../../src/ports/forecast-ledger';
import type { DocumentReference, PublicationRow } from '../../../src/ports/publication';
import { canonicalDocument } from '../../../src/publish/canonical-json';
import {
  historySchema,
  manifestSchema,
  opsManifestSchema,
  predictionSchema,
  unscoredQuality,
  type PastForecasts,
  type Quality,
} from '../../../src/publish/documents';
import { buildHistory } from '../../../src/publish/history';
import { buildManifests } from '../../../src/publish/manifest';
import { pastForecasts } from '../../../src/publish/past';
import { buildPrediction } from '../../../src/publish/prediction';

export const HOUR = 3_600_000;
/** What a row names before its first export, and once its documents are not whole. */
export const NO_DOCUMENTS = { history: null, prediction: null, dataThrough: null, predictionDataThrough: null };

export interface PairFixture {
  readonly symbol: string;
  readonly timeframe: string;
  /** How many slots before the last closed one the data ends. */
  readonly behind?: number;
  /** How many slots earlier than the history the prediction's data ends; null for no prediction. */
  readonly predictionBehind?: number | null;
  readonly price?: number;
  readonly candles?: number;
  readonly row?: Partial<PublicationRow>;
  readonly quality?: Partial<Quality>;
}

export interface Fixture {
  readonly publicDir: string;
  readonly opsDir: string;
  publish(pairs: readonly PairFixture[], options?: PublishOptions): void;
  /** Removes the folder. */
  remove(): void;
}

export interface PublishOptions {
  readonly now?: EpochMs;
  readonly generation?: number;
  readonly source?: string;
  readonly nextExpectedCommit?: EpochMs;
  /** Keys of pairs whose objects the publisher found damaged. */
  readonly damaged?: readonly string[];
}

/** A clock that stands still until it is told otherwise; its monotonic side runs, so that caches expire. */
export function standingClock(start: EpochMs): Clock & { set(now: EpochMs): void } {
  let now = start;
  return { now: () => now, monotonic: () => performance.now(), set: (next) => (now = next) };
}

export function createFixture(): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'coin-predict-web-'));
  const publicDir = join(root, 'public');
  const opsDir = join(root, 'ops');
  for (const folder of [join(publicDir, 'objects'), join(publicDir, 'generations'), opsDir]) {
    mkdirSync(folder, { recursive: true });
  }
  let generation = 0;
  return {
    publicDir,
    opsDir,
    publish: (pairs, options = {}) => {
      generation = options.generation ?? generation + 1;
      const now = options.now ?? Date.now();
      const source = options.source ?? 'simulated';
      const damaged = new Set(options.damaged);
      // As the publisher does, the documents of a damaged pair are not named.
      const rows = pairs
        .map((pair) => rowOf(publicDir, pair, source, now))
        .map((row) => (damaged.has(pairKey(row)) ? { ...row, ...NO_DOCUMENTS } : row));
      const { manifest, opsManifest } = buildManifests(rows, {
        generation,
        generatedAt: now,
        source,
        nextExpectedCommit: options.nextExpectedCommit ?? now + HOUR,
        cycleTargetMs: 60_000,
        damaged,
      });
      const body = canonicalDocument(manifestSchema, manifest);
      writeFileSync(join(publicDir, 'generations', `${generation}.json`), body);
      writeFileSync(join(opsDir, 'manifest.json'), canonicalDocument(opsManifestSchema, opsManifest));
      writeFileSync(join(publicDir, 'manifest.json'), body);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function putObject(publicDir: string, body: string): DocumentReference {
  const sha256 = createHash('sha256').update(body).digest('hex');
  writeFileSync(join(publicDir, 'objects', `${sha256}.json`), body);
  return { sha256, bytes: Buffer.byteLength(body) };
}

function rowOf(publicDir: string, fixture: PairFixture, source: string, now: EpochMs): PublicationRow {
  const timeframe = fixture.timeframe as TimeframeId;
  const pair = { symbol: parseSymbol(fixture.symbol), timeframe };
  const rules = defaultRules(timeframe);
  const limits = {
    softMs: fixture.row?.softMs ?? rules.softMinutes * 60_000,
    hardMs: fixture.row?.hardMs ?? rules.hardMinutes * 60_000,
  };
  const dataThrough = shiftSlots(timeframe, openOf(timeframe, now), -(fixture.behind ?? 0));
  const candles = makeCandles(timeframe, dataThrough, fixture.candles ?? 120, fixture.price ?? 40_000);
  const history = buildHistory({ source, pair, candles, updatedAt: now, ...limits });
  const behind = rules.horizon === 0 ? null : (fixture.predictionBehind ?? 0);
  const noPrediction = fixture.predictionBehind === null || behind === null;
  const predicted = noPrediction ? null : candles.slice(0, candles.length - behind);
  const predictionDataThrough = noPrediction ? null : shiftSlots(timeframe, dataThrough, -behind);
  const prediction =
    predicted === null || predictionDataThrough === null
      ? null
      : buildPrediction({
          source,
          record: {
            pair,
            role: 'champion',
            issuedAt: predictionDataThrough + 7000,
            dataThrough: predictionDataThrough,
            modelVersion: `range-${'0123456789abcdef'.repeat(4)}`,
            family: 'range-volatility',
            lastClose: predicted.at(-1)?.close ?? 1,
            quantiles: makeQuantiles(predicted.at(-1)?.close ?? 1),
          },
          quality: { ...unscoredQuality('30 d'), ...fixture.quality },
          past: fixture.quality === undefined ? [] : makePast(pair, predicted),
          horizon: rules.horizon,
          candles: predicted,
          ...limits,
        });
  return {
    ...pair,
    visibility: 'visible',
    symbolState: 'ready',
    predicts: rules.horizon > 0,
    history: putObject(publicDir, canonicalDocument(historySchema, history)),
    prediction: prediction === null ? null : putObject(publicDir, canonicalDocument(predictionSchema, prediction)),
    dataThrough,
    predictionDataThrough,
    updatedAt: now,
    ...limits,
    degraded: false,
    exportBlock: null,
    gateReason: null,
    asOf: now,
    ops: {},
    ...fixture.row,
  };
}

/** What the same forecaster would have said from each earlier close, and how it would have done. */
function makePast(pair: Pair, candles: readonly Candle[]): PastForecasts {
  const { timeframe } = pair;
  const closes = candles.map((candle) => candle.close);
  const records = candles.map(({ openTime, close }): ForecastRecord => {
    const dataThrough = closeOf(timeframe, openTime);
    const quantiles = makeQuantiles(close);
    const issued = { issuedAt: dataThrough + 7000, modelVersion: 'range-0123', family: 'range-volatility' };
    return { pair, role: 'champion', dataThrough, lastClose: close, quantiles, ...issued };
  });
  const scores = records.flatMap((record, k) => {
    const { modelVersion, dataThrough, quantiles, lastClose } = record;
    const actuals = quantiles.map((_, step) => closes[k + 1 + step] ?? null);
    return scoreForecast(quantiles, lastClose, actuals).map((score) => ({
      ...score,
      pair,
      role: 'champion' as const,
      modelVersion,
      dataThrough,
    }));
  });
  return pastForecasts(timeframe, records, scores, records.at(-1)?.dataThrough ?? 0);
}

/** A quiet random walk that is the same every time. */
function makeCandles(timeframe: TimeframeId, dataThrough: EpochMs, count: number, price: number): Candle[] {
  let state = Math.round(price) % 2147483647 || 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  const candles: Candle[] = [];
  let close = price;
  for (let slot = count; slot >= 1; slot--) {
    const open = close;
    close = open * (1 + random() * 0.012);
    const high = Math.max(open, close) * (1 + Math.abs(random()) * 0.005);
    const low = Math.min(open, close) * (1 - Math.abs(random()) * 0.005);
    candles.push({ openTime: shiftSlots(timeframe, dataThrough, -slot), open, high, low, close, volume: 10 });
  }
  return candles;
}

function makeQuantiles(lastClose: number): QuantileRow[] {
  const widths = [-1.96, -1.28, -0.674, 0, 0.674, 1.28, 1.96];
  return Array.from({ length: 24 }, (_, step) =>
    widths.map((width) => lastClose * Math.exp(width * 0.004 * Math.sqrt(step + 1))),
  ) as unknown as QuantileRow[];
}
