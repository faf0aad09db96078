import { normalisePage } from '../../domain/candle';
import { PipelineError } from '../../domain/errors';
import { closeOf } from '../../domain/timeframe';
import type { EpochMs } from '../../domain/types';
import type { CandlePage, PageRefusal, PageRequest } from '../../ports/exchange';

export interface PageTimes {
  /** The earlier of the run's time, our clock and the exchange's. */
  readonly closedAsOf: EpochMs;
  /** The latest time any clock shows: a row that opens later is from the future. */
  readonly newestOpen: EpochMs;
  readonly settleMs: number;
}

/**
 * The rows of an answer, in the exchange's order, as a page of which every candle may be stored. When too much of the
 * answer is bad to believe the rest, the page has no candle, everything bad is in `quarantined`, and `refusal` says why.
 */
export function candlePage(rows: readonly unknown[], request: PageRequest, times: PageTimes): CandlePage {
  const { timeframe, since, limit } = request;
  const page = normalisePage(rows, { timeframe, since, ...times });
  const tooMany = page.pageRejected ? tooManyBad(rows, page.quarantined, request) : null;
  const refusal = otherCalendar(rows, page.quarantined, request) ?? tooMany;
  return {
    refusal,
    candles: refusal === null ? page.candles.slice(0, limit) : [],
    quarantined: page.quarantined,
    received: rows.length,
    duplicates: page.duplicates,
    forming: page.forming,
    closedAsOf: times.closedAsOf,
  };
}

/** Weeks that begin on Thursday, "months" of 30 days: a few of their rows fall on our grid by chance (P7). */
function otherCalendar(
  rows: readonly unknown[],
  quarantined: CandlePage['quarantined'],
  { symbol, timeframe }: PageRequest,
): PageRefusal | null {
  const misaligned = quarantined.filter(({ reason, openTime }) => reason === 'misaligned' && (openTime ?? 0) > 0);
  const first = misaligned[0]?.openTime;
  if (misaligned.length * 2 <= rows.length || first === undefined || first === null) return null;
  const stamp = Math.abs(first) <= 8.64e15 ? new Date(first).toISOString() : String(first);
  return {
    code: 'unsupported_timeframe',
    sentence: `${symbol} ${timeframe}: ${misaligned.length} of ${rows.length} candles do not open on our calendar, the first at ${stamp}`,
  };
}

function tooManyBad(
  rows: readonly unknown[],
  quarantined: CandlePage['quarantined'],
  { symbol, timeframe, since }: PageRequest,
): PageRefusal {
  const reasons = [...new Set(quarantined.map(({ reason }) => reason))].join(', ');
  const sentence = `${symbol} ${timeframe} from ${new Date(since).toISOString()}: ${quarantined.length} of ${rows.length} rows are bad (${reasons})`;
  return { code: 'page_rejected', sentence };
}

/** Where an exchange's own rows say when their slot ends, which ccxt leaves out. */
const CLOSE_TIME_PLACE: Readonly<Record<string, number>> = { binance: 6 };

/**
 * Daily candles open on the hourly grid too: what tells them from hourly ones is the end that the exchange names.
 * @throws PipelineError `bad_response` when most rows end elsewhere than a slot of the timeframe that was asked for.
 */
export function refuseOtherTimeframe(
  exchange: string,
  { candles }: CandlePage,
  rows: readonly unknown[],
  { symbol, timeframe }: PageRequest,
): void {
  const place = CLOSE_TIME_PLACE[exchange];
  if (place === undefined) return;
  const ends = new Map<number, number>();
  for (const row of rows) if (Array.isArray(row)) ends.set(Number(row[0]), Number(row[place]));
  const elsewhere = candles.filter(({ openTime }) => ends.get(openTime) !== closeOf(timeframe, openTime) - 1);
  if (elsewhere.length * 2 <= candles.length) return;
  const sentence = `${exchange} answered candles of another length where ${symbol} ${timeframe} was asked for`;
  throw new PipelineError('bad_response', sentence);
}
