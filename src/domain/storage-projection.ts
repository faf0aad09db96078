/** How fast the storage fills, and what each setting would change about it (SPEC 4). */
import { daysUntilBlock } from './storage-budget';
import { DAY, HOUR, closeOf } from './timeframe';
import type { EpochMs, TimeframeId } from './types';

/** Growth is told from at least this long. */
const SHORTEST_SPAN = 6 * HOUR;

/**
 * Bytes a day, by the straight line of least squares through the readable samples; null when they span less than six
 * hours. Negative while data is removed.
 */
export function growthPerDay(
  samples: readonly { readonly at: EpochMs; readonly usedBytes: number | null }[],
): number | null {
  const known = samples.flatMap(({ at, usedBytes }) => (usedBytes === null ? [] : [{ at, usedBytes }]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < SHORTEST_SPAN) return null;
  const days = known.map(({ at }) => (at - first.at) / DAY);
  const meanDay = mean(days);
  const meanBytes = mean(known.map(({ usedBytes }) => usedBytes));
  let [covariance, variance] = [0, 0];
  for (const [index, { usedBytes }] of known.entries()) {
    const apart = (days[index] ?? 0) - meanDay;
    covariance += apart * (usedBytes - meanBytes);
    variance += apart * apart;
  }
  return covariance / variance;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export interface StoredTimeframe {
  readonly timeframe: TimeframeId;
  /** Followed now. */
  readonly symbols: number;
  readonly candles: number;
  /** Days kept, or null for ever. */
  readonly keptDays: number | null;
}

export interface StorageOption {
  readonly setting: string;
  readonly freesBytes: number;
  /** Days until block with it; null when storage would not grow. */
  readonly daysLeft: number | null;
}

export interface StorageState {
  readonly usedBytes: number | null;
  readonly budgetBytes: number | null;
  readonly bytesPerCandle: number;
  readonly timeframes: readonly StoredTimeframe[];
  readonly shortestKeptDays: number;
}

/** Bytes a day that the followed pairs add: those kept for a limited time lose as many as they gain. */
export function expectedGrowth({ timeframes, bytesPerCandle }: StorageState): number {
  const candles = timeframes.map(({ timeframe, symbols, keptDays }) =>
    keptDays === null ? (symbols * DAY) / closeOf(timeframe, 0) : 0,
  );
  return candles.reduce((sum, each) => sum + each, 0) * bytesPerCandle;
}

/** What each setting would buy, at `bytesPerDay`; most room first. */
export function storageOptions(state: StorageState, bytesPerDay: number): StorageOption[] {
  const { usedBytes, budgetBytes, bytesPerCandle, timeframes, shortestKeptDays } = state;
  if (usedBytes === null || budgetBytes === null) return [];
  const option = (setting: string, freesBytes: number, growth = bytesPerDay, budget = budgetBytes): StorageOption => ({
    setting,
    freesBytes,
    daysLeft: daysUntilBlock(usedBytes - freesBytes, budget, growth),
  });
  const options = [option('twice the budget', 0, bytesPerDay, 2 * budgetBytes)];
  for (const { timeframe, candles, keptDays } of timeframes) {
    if (keptDays === null || candles === 0) continue;
    options.push(option(`TIMEFRAMES without ${timeframe}`, candles * bytesPerCandle));
    if (keptDays > shortestKeptDays)
      options.push(
        option(
          `${timeframe} kept ${shortestKeptDays} days instead of ${keptDays}`,
          candles * bytesPerCandle * (1 - shortestKeptDays / keptDays),
        ),
      );
  }
  const symbols = Math.max(0, ...timeframes.map((each) => each.symbols));
  if (symbols > 1) options.push(option('one symbol fewer (its candles stay)', 0, bytesPerDay * (1 - 1 / symbols)));
  return options.toSorted((a, b) => b.freesBytes - a.freesBytes);
}
