/** What a candle row must be to be stored (SPEC 2.2, PROOF I01, I05, I09). */
import { DAY, isClosed, isOnGrid } from './timeframe';
import type { Candle, EpochMs, TimeframeId } from './types';

/** Why a row was refused; the word is stored with it and shown to the operator. */
export const ROW_FAULTS = [
  'malformed',
  'misaligned',
  'in_future',
  'non_finite',
  'non_positive_price',
  'negative_volume',
  'high_below_body',
  'low_above_body',
  'conflicting_duplicate',
  'absurd',
  'refused_by_store',
] as const;
export type RowFault = (typeof ROW_FAULTS)[number];

/** A row that was refused, with what is needed to look into it. */
export interface QuarantinedRow {
  readonly reason: RowFault;
  /** The open time as answered, when it was a finite number. */
  readonly openTime: number | null;
  /** The row as answered, as JSON, cut to 500 characters. */
  readonly raw: string;
}

export type RowCheck =
  | { readonly kind: 'candle'; readonly candle: Candle }
  | { readonly kind: 'forming' }
  | { readonly kind: 'fault'; readonly fault: RowFault };

/** Stamps in seconds, read as milliseconds, all lie in 1970; now and then one of them falls on the grid. */
const EARLIEST_STAMP = Date.UTC(1971, 0, 1);
/** No market comes near these; sums of squares of such numbers still stay finite. */
const HIGHEST_PRICE = 1e15;
const HIGHEST_VOLUME = 1e20;

/**
 * Judges one row `[openTime, open, high, low, close, volume]` as an exchange gave it.
 * `closedAsOf` is the earlier of the run's time and the exchange's clock. A row that opens until `newestOpen`
 * (default: `closedAsOf`) but is not closed is `forming`; one that opens later still is `in_future`.
 */
export function checkRow(
  row: unknown,
  timeframe: TimeframeId,
  closedAsOf: EpochMs,
  settleMs: number,
  newestOpen: EpochMs = closedAsOf,
): RowCheck {
  if (!Array.isArray(row) || row.length < 6) return { kind: 'fault', fault: 'malformed' };
  // Array.from: an empty place of a sparse row must count as undefined, which `every` would pass over.
  const fields: unknown[] = Array.from(row.slice(0, 6));
  if (!fields.every((field): field is number => typeof field === 'number'))
    return { kind: 'fault', fault: 'malformed' };
  const [openTime, open, high, low, close, volume] = fields as [number, number, number, number, number, number];
  if (!isOnGrid(timeframe, openTime) || openTime < EARLIEST_STAMP) return { kind: 'fault', fault: 'misaligned' };
  if (!isClosed(timeframe, openTime, closedAsOf, settleMs)) {
    return openTime <= newestOpen ? { kind: 'forming' } : { kind: 'fault', fault: 'in_future' };
  }
  // + 0: a volume of -0 would equal 0 and still be another value in a document.
  const candle: Candle = { openTime, open, high, low, close, volume: volume + 0 };
  const fault = candleFault(candle);
  return fault === null ? { kind: 'candle', candle } : { kind: 'fault', fault };
}

/** The first rule of values that a candle breaks, or null when it breaks none. */
export function candleFault(candle: Candle): RowFault | null {
  const { open, high, low, close, volume } = candle;
  if (![open, high, low, close, volume].every(Number.isFinite)) return 'non_finite';
  if (Math.min(open, high, low, close) <= 0) return 'non_positive_price';
  if (volume < 0) return 'negative_volume';
  if (Math.max(open, high, low, close) > HIGHEST_PRICE || volume > HIGHEST_VOLUME) return 'absurd';
  if (high < Math.max(open, close)) return 'high_below_body';
  if (low > Math.min(open, close)) return 'low_above_body';
  return null;
}

export function sameValues(a: Candle, b: Candle): boolean {
  return a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume;
}

export interface PageRules {
  readonly timeframe: TimeframeId;
  /** Open time of the first candle asked for. */
  readonly since: EpochMs;
  /** The earlier of the run's time and the exchange's clock. */
  readonly closedAsOf: EpochMs;
  readonly settleMs: number;
  /**
   * The latest time any clock showed. A run's time is fixed at its start, so an answer to a late retry holds slots
   * opened since: they are `forming`, not from the future. Default: one day after `closedAsOf`.
   */
  readonly newestOpen?: EpochMs;
}

export interface NormalisedPage {
  /** Closed, valid, on the grid, unique, ascending, all at or after `since`. */
  readonly candles: Candle[];
  readonly quarantined: QuarantinedRow[];
  /** Identical repeats that were dropped. */
  readonly duplicates: number;
  /** Rows dropped because they had not closed. */
  readonly forming: number;
  /** Slots answered with more than one set of valid values, ascending: all of them are in quarantine. */
  readonly conflicts: EpochMs[];
  /** Valid rows before `since`. */
  readonly outsideRange: number;
  /** Too much of the page was bad to believe the rest of it: store nothing of it. */
  readonly pageRejected: boolean;
}

/**
 * Sorts an answer of an exchange into what may be stored and what may not. The order of `rows` makes no difference
 * (I06, F68), and a bad row never takes a good one with it (I09), until the whole page is refused: when more than
 * 5 % of its rows are bad (a conflicting slot counts once). A single bad row beside a good one refuses no page,
 * since a live fetch asks for three or four rows.
 */
export function normalisePage(rows: readonly unknown[], rules: PageRules): NormalisedPage {
  const newestOpen = rules.newestOpen ?? rules.closedAsOf + DAY;
  const slots = new Map<EpochMs, Candle[]>();
  const refused: QuarantinedRow[] = [];
  let [duplicates, forming, outsideRange] = [0, 0, 0];
  for (const row of rows) {
    const check = checkRow(row, rules.timeframe, rules.closedAsOf, rules.settleMs, newestOpen);
    if (check.kind === 'fault') refused.push(quarantine(check.fault, row));
    else if (check.kind === 'forming') forming++;
    else if (check.candle.openTime < rules.since) outsideRange++;
    else if (!addVariant(slots, check.candle)) duplicates++;
  }
  const conflicts = [...slots].filter(([, variants]) => variants.length > 1).map(([openTime]) => openTime);
  const disputed = conflicts.flatMap((openTime) => slots.get(openTime) ?? []);
  const bad = refused.length + conflicts.length;
  return {
    candles: [...slots.values()].flatMap((variants) => (variants.length === 1 ? variants : [])).toSorted(byOpenTime),
    quarantined: [...refused, ...disputed.map(quarantineConflict)].toSorted(byTimeAndText),
    duplicates,
    forming,
    conflicts: conflicts.toSorted((a, b) => a - b),
    outsideRange,
    pageRejected: bad * 20 > rows.length && (bad > 1 || bad === rows.length),
  };
}

/** False when these very values are known for the slot already. */
function addVariant(slots: Map<EpochMs, Candle[]>, candle: Candle): boolean {
  const known = slots.get(candle.openTime);
  if (known === undefined) slots.set(candle.openTime, [candle]);
  else if (known.some((variant) => sameValues(variant, candle))) return false;
  else known.push(candle);
  return true;
}

function quarantineConflict({ openTime, open, high, low, close, volume }: Candle): QuarantinedRow {
  return quarantine('conflicting_duplicate', [openTime, open, high, low, close, volume]);
}

function quarantine(reason: RowFault, row: unknown): QuarantinedRow {
  const stamp: unknown = Array.isArray(row) ? row[0] : undefined;
  return { reason, openTime: typeof stamp === 'number' && Number.isFinite(stamp) ? stamp : null, raw: rawText(row) };
}

/** JSON turns NaN and Infinity into null, which would hide the fault: they are kept as words. */
function rawText(row: unknown): string {
  const readable = (_key: string, value: unknown): unknown =>
    (typeof value === 'number' && !Number.isFinite(value)) || typeof value === 'bigint' ? String(value) : value;
  try {
    return (JSON.stringify(row, readable) ?? String(row)).slice(0, 500);
  } catch {
    return 'a row that can not be written as JSON';
  }
}

function byOpenTime(a: Candle, b: Candle): number {
  return a.openTime - b.openTime;
}

function byTimeAndText(a: QuarantinedRow, b: QuarantinedRow): number {
  const byTime = (a.openTime ?? Number.MAX_VALUE) - (b.openTime ?? Number.MAX_VALUE);
  if (byTime !== 0) return byTime;
  if (a.raw !== b.raw) return a.raw < b.raw ? -1 : 1;
  return a.reason < b.reason ? -1 : Number(a.reason > b.reason);
}
