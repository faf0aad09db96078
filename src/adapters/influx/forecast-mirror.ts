/**
 * The champion's forecasts in InfluxDB, for dashboards. The ledger of the state store is the record; this is a copy that
 * nothing waits for: what can not be written is dropped and counted.
 */
import { QUANTILE_LEVELS } from '../../domain/quantiles';
import { shiftSlots } from '../../domain/timeframe';
import type { ForecastLedger, ForecastRecord } from '../../ports/forecast-ledger';
import { InfluxConnection } from './connection';
import type { InfluxOptions } from './influx-options';
import { pairTags } from './line-protocol';

export interface ForecastMirror {
  /** The ledger as it was, whose champions are copied too. */
  readonly ledger: ForecastLedger;
  /** Forecasts written, and dropped, since the start. */
  readonly counts: { readonly mirrored: number; readonly failed: number };
  /** Resolves when what was handed over has been written or dropped. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

interface MirrorOptions {
  readonly influx: InfluxOptions;
  readonly source: string;
  /** Hears why forecasts were dropped, and how many have been so far. */
  readonly onFailure?: (reason: string, failed: number) => void;
}

/** Forecasts that wait at most; 24 lines each. */
const MOST_WAITING = 500;
const LINES_OF_ONE_REQUEST = 5000;
const TIMEOUT_MS = 5000;
const MEASUREMENT = 'forecast';

export function mirrorForecasts(
  ledger: ForecastLedger,
  { influx, source, onFailure = () => {} }: MirrorOptions,
): ForecastMirror {
  const connection = new InfluxConnection({ ...influx, timeoutMs: TIMEOUT_MS });
  const counts = { mirrored: 0, failed: 0 };
  const waiting: ForecastRecord[] = [];
  let sending: Promise<void> | null = null;
  const drop = (count: number, reason: string): void => {
    counts.failed += count;
    onFailure(reason, counts.failed);
  };
  const send = async (): Promise<void> => {
    for (let batch = waiting.splice(0, batchSize(waiting)); batch.length > 0;) {
      try {
        await connection.write(batch.flatMap((record) => forecastLines(source, record)));
        counts.mirrored += batch.length;
      } catch (error) {
        drop(batch.length, error instanceof Error ? error.message : String(error));
      }
      batch = waiting.splice(0, batchSize(waiting));
    }
    sending = null;
  };
  const hand = (records: readonly ForecastRecord[]): void => {
    const champions = records.filter(({ role }) => role === 'champion');
    const room = MOST_WAITING - waiting.length;
    waiting.push(...champions.slice(0, room));
    if (champions.length > room) drop(champions.length - room, 'InfluxDB is too slow: too many forecasts wait for it');
    if (waiting.length > 0) sending ??= send();
  };
  return {
    ledger: {
      append: async (records) => {
        await ledger.append(records);
        hand(records);
      },
      latest: (...args) => ledger.latest(...args),
      list: (...args) => ledger.list(...args),
      unscored: (...args) => ledger.unscored(...args),
      recordScores: (...args) => ledger.recordScores(...args),
      scores: (...args) => ledger.scores(...args),
    },
    counts,
    settled: async () => {
      await sending;
    },
    close: async () => {
      await sending;
      connection.close();
    },
  };
}

function batchSize(waiting: readonly ForecastRecord[]): number {
  return Math.max(1, Math.floor(LINES_OF_ONE_REQUEST / Math.max(1, waiting[0]?.quantiles.length ?? 1)));
}

/** Issue time as the point's time, the step as a tag, the model's version as a field: the number of series stays bounded. */
function forecastLines(source: string, record: ForecastRecord): string[] {
  const { pair, issuedAt, dataThrough, lastClose, quantiles } = record;
  const tags = pairTags(source, pair);
  const shared = [
    `model_version=${quoted(record.modelVersion)}`,
    `family=${quoted(record.family)}`,
    `data_through=${dataThrough}i`,
    `last_close=${lastClose}`,
  ].join(',');
  return quantiles.map((row, index) => {
    const levels = QUANTILE_LEVELS.map((level, k) => `q${level}=${row[k] ?? Number.NaN}`).join(',');
    const target = shiftSlots(pair.timeframe, dataThrough, index + 1);
    return `${MEASUREMENT},${tags},step=${index + 1} ${levels},target=${target}i,${shared} ${issuedAt}`;
  });
}

/** A string field. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', ' ')}"`;
}
