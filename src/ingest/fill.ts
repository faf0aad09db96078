import { firstOpenFrom, subtractRanges } from '../domain/coverage';
import { PipelineError } from '../domain/errors';
import { LIVE_FETCH_LIMIT, REREAD_CANDLES } from '../domain/fetch-start';
import { explainingGaps } from '../domain/gap-decision';
import { countSlots, lastClosedOpen, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { pages } from './pages';
import { storePage } from './stored-page';
import type { EpochMs, Pair, SlotRange } from '../domain/types';
import type { IngestPorts } from './ingest-ports';

export interface FillRequest {
  readonly pair: Pair;
  /** Open time from which on history is wanted. */
  readonly from: EpochMs;
  readonly asOf: EpochMs;
  /** Hears of every page when it is durable. */
  readonly onPage?: (progress: FillProgress) => void;
  readonly signal?: AbortSignal;
  /** Candles of one request. Default 1000. */
  readonly limit?: number;
}

export interface FillProgress {
  /** Candles this call added to the store. */
  readonly stored: number;
  /** Open time of the last candle stored, or null before the first. */
  readonly reached: EpochMs | null;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly requests: number;
}

/**
 * Brings a pair's history from `from` to the last closed candle into the store: what is missing before the first stored
 * candle, after the last, and in long holes between, such as an earlier fill leaves that was stopped. Short holes are
 * the repair's. Each page is durable before the next is asked for, and where to go on is read from the store, so a call
 * after a crash asks only for what is not there.
 * @throws PipelineError `empty_response` when candles are due, the store is empty and the exchange has nothing.
 */
export async function fill(ports: IngestPorts, request: FillRequest): Promise<FillProgress> {
  const { pair, asOf } = request;
  const from = firstOpenFrom(pair.timeframe, request.from);
  const to = lastClosedOpen(pair.timeframe, asOf, 0);
  let progress: FillProgress = { stored: 0, reached: null, from, to, requests: 0 };
  for (const range of await missingRanges(ports, pair, { from, to })) {
    progress = await fillRange(ports, request, range, progress);
  }
  if (from <= to && progress.stored === 0 && (await ports.candles.extent(pair)) === null) {
    throw new PipelineError(
      'empty_response',
      `${pairKey(pair)}: the exchange has no closed candle from ${new Date(from).toISOString()} on`,
    );
  }
  return progress;
}

/** Ranges to ask for, ascending. */
async function missingRanges(ports: IngestPorts, pair: Pair, wanted: SlotRange): Promise<SlotRange[]> {
  const { timeframe } = pair;
  if (wanted.from > wanted.to) return [];
  const [holes, known] = await Promise.all([ports.candles.holes(pair, wanted), ports.gapLedger.list(pair)]);
  return subtractRanges(timeframe, holes, explainingGaps(known))
    .filter(
      (hole) => hole.from === wanted.from || hole.to === wanted.to || countSlots(timeframe, hole) > LIVE_FETCH_LIMIT,
    )
    .map((hole) => (hole.to === wanted.to ? withReread(pair, hole, wanted) : hole));
}

/** The newest stored candles are read again with what follows them: they may have changed since. */
function withReread({ timeframe }: Pair, hole: SlotRange, wanted: SlotRange): SlotRange {
  return { from: Math.max(wanted.from, shiftSlots(timeframe, hole.from, -REREAD_CANDLES)), to: hole.to };
}

async function fillRange(
  ports: IngestPorts,
  request: FillRequest,
  range: SlotRange,
  before: FillProgress,
): Promise<FillProgress> {
  const { pair, asOf, onPage, signal, limit } = request;
  let progress = before;
  let askedAt = ports.clock.now();
  const runs = pages(ports.exchange, {
    ...pair,
    ...range,
    asOf,
    priority: 'fill',
    onRefused: (rows) => ports.pairState.quarantine(pair, rows, askedAt),
    ...(signal === undefined ? {} : { signal }),
    ...(limit === undefined ? {} : { limit }),
  });
  for await (const { candles, reached, requests } of runs) {
    const { inserted } = await storePage(ports, pair, candles, askedAt);
    progress = { ...progress, stored: progress.stored + inserted, reached, requests: before.requests + requests };
    onPage?.(progress);
    // Before the next page is asked for: a candle that another fetch brings later is newer than this one.
    askedAt = ports.clock.now();
  }
  return progress;
}
