/** Two forecasters on the same targets: one observation an origin, pooled over symbols and steps (SPEC 7). */
import { dieboldMariano } from './diebold-mariano';
import type { DieboldMariano } from './diebold-mariano';
import { isFiniteNumber } from './metric';
import type { EpochMs } from './types';

/** How one forecast did, over all its steps. */
export interface OriginLoss {
  readonly symbol: string;
  /** Close of the last candle the forecast rests on. */
  readonly origin: EpochMs;
  /** Mean pinball loss over the steps, divided by the last close. */
  readonly loss: number;
  /** Mean error over the steps, without a unit: symmetric, or over the last close. */
  readonly error: number;
  /** Share of the steps inside the 80 % interval. */
  readonly inside80: number;
}

export interface ForecastComparison {
  /** Origins at which both sides have a forecast of at least one symbol. */
  readonly origins: number;
  readonly from: EpochMs | null;
  readonly to: EpochMs | null;
  /** Means over origins, of the mean over symbols. */
  readonly challengerLoss: number;
  readonly rivalLoss: number;
  readonly challengerError: number;
  readonly rivalError: number;
  readonly coverage80: number;
  /** Loss of the challenger over the rival's, by symbol. */
  readonly bySymbol: ReadonlyMap<string, number>;
  /** What both were scored on, as text to be hashed. */
  readonly targets: string;
  /** Null when there are too few origins for a test. */
  readonly test: DieboldMariano | null;
}

/** Origins whose forecasts share targets with one origin's: all but one of the steps. */
export function overlapOf(steps: number): number {
  return steps - 1;
}

/**
 * Compares at the newest `limit` origins where both were scored in full. Losses that are not finite numbers are left out,
 * on both sides. Null when nothing is left.
 */
export function compareForecasts(
  challenger: readonly OriginLoss[],
  rival: readonly OriginLoss[],
  { steps, limit }: { readonly steps: number; readonly limit: number },
): ForecastComparison | null {
  const rivals = new Map(rival.filter(isFiniteLoss).map((loss) => [keyOf(loss), loss]));
  const byOrigin = new Map<EpochMs, Paired[]>();
  for (const own of challenger.filter(isFiniteLoss)) {
    const other = rivals.get(keyOf(own));
    if (other === undefined) continue;
    const list = byOrigin.get(own.origin) ?? [];
    list.push({ own, other });
    byOrigin.set(own.origin, list);
  }
  const origins = [...byOrigin.keys()].toSorted((a, b) => a - b).slice(-limit);
  if (origins.length === 0) return null;
  const rows = origins.map((origin) => byOrigin.get(origin) ?? []);
  const pairs = rows.flat();
  const mean = (value: (pair: Paired) => number): number => average(rows.map((row) => average(row.map(value))));
  return {
    origins: origins.length,
    from: origins[0] ?? null,
    to: origins.at(-1) ?? null,
    challengerLoss: mean(({ own }) => own.loss),
    rivalLoss: mean(({ other }) => other.loss),
    challengerError: mean(({ own }) => own.error),
    rivalError: mean(({ other }) => other.error),
    coverage80: mean(({ own }) => own.inside80),
    bySymbol: ratiosBySymbol(pairs),
    targets: pairs
      .map(({ own }) => keyOf(own))
      .toSorted()
      .join('\n'),
    test: dieboldMariano(
      rows.map((row) => average(row.map(({ own, other }) => own.loss - other.loss))),
      overlapOf(steps),
    ),
  };
}

interface Paired {
  readonly own: OriginLoss;
  readonly other: OriginLoss;
}

function ratiosBySymbol(pairs: readonly Paired[]): Map<string, number> {
  const symbols = [...new Set(pairs.map(({ own }) => own.symbol))].toSorted();
  return new Map(
    symbols.map((symbol) => {
      const of = pairs.filter(({ own }) => own.symbol === symbol);
      return [symbol, average(of.map(({ own }) => own.loss)) / average(of.map(({ other }) => other.loss))];
    }),
  );
}

/** The largest ratio of one symbol; NaN where one can not be told, which no gate lets pass. */
export function worstRatio(comparison: ForecastComparison): number {
  return Math.max(...comparison.bySymbol.values());
}

function keyOf({ symbol, origin }: OriginLoss): string {
  return `${symbol} ${origin}`;
}

function isFiniteLoss({ loss, error, inside80 }: OriginLoss): boolean {
  return [loss, error, inside80].every(isFiniteNumber);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
