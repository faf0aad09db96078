import { PipelineError } from '../domain/errors';
import { lastClosedOpen, openOf, shiftSlots, slotAt, slotIndex } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { EpochMs, Pair } from '../domain/types';
import type { Exchange, RequestPriority } from '../ports/exchange';

export interface EarliestRequest {
  readonly pair: Pair;
  readonly asOf: EpochMs;
  /** Default `fill`. */
  readonly priority?: RequestPriority;
  readonly signal?: AbortSignal;
}

/** Before any exchange of coins opened. */
const BEFORE_ALL = Date.UTC(2010, 0, 1);
/** Not more than any exchange gives at a time, so that an empty answer speaks of all the slots it was asked for. */
const PROBE = 100;
const SECOND_PROBE = 40;
/** Probes that disagree are repeated this many times. */
const ATTEMPTS = 3;

/**
 * The open time of the exchange's first closed candle of a pair, on which two probes of different size agree (F73); null
 * when it has none yet. Asked about the time before a listing, exchanges answer its first candles, nothing, or a row of
 * zeros; the last two lead to a search by halves over the calendar.
 * @throws PipelineError `bad_response` when no two probes agree, and whatever the exchange throws.
 */
export async function findEarliest(exchange: Exchange, request: EarliestRequest): Promise<EpochMs | null> {
  const { timeframe } = request.pair;
  const probe = createProbe(exchange, request);
  const start = openOf(timeframe, BEFORE_ALL);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = (await probe(start, PROBE)) ?? (await search(probe, request, start));
    const second = await confirm(probe, request, first, start);
    if (first === second) return first;
  }
  throw new PipelineError('bad_response', `${pairKey(request.pair)}: two probes never agreed on the first candle`);
}

/** Open time of the first valid candle at or after `since`, as far as a page of `limit` reaches. */
type Probe = (since: EpochMs, limit: number) => Promise<EpochMs | null>;

function createProbe(exchange: Exchange, { pair, asOf, priority, signal }: EarliestRequest): Probe {
  return async (since, limit) => {
    signal?.throwIfAborted();
    const page = await exchange.fetchPage({
      ...pair,
      since,
      asOf,
      limit,
      priority: priority ?? 'fill',
      ...(signal === undefined ? {} : { signal }),
    });
    return page.candles[0]?.openTime ?? null;
  };
}

/** A probe of another size that begins shortly before the candle found: an earlier one there would be seen. */
async function confirm(
  probe: Probe,
  { pair: { timeframe } }: EarliestRequest,
  first: EpochMs | null,
  start: EpochMs,
): Promise<EpochMs | null> {
  if (first === null) return probe(start, SECOND_PROBE);
  return probe(Math.max(start, shiftSlots(timeframe, first, -SECOND_PROBE / 2)), SECOND_PROBE);
}

/**
 * For exchanges that answer only about the window asked for. Keeps one window that holds candles and one before it that
 * does not, and halves the way between them until no slot is left between.
 */
async function search(
  probe: Probe,
  { pair: { timeframe }, asOf }: EarliestRequest,
  start: EpochMs,
): Promise<EpochMs | null> {
  let empty = slotIndex(timeframe, start);
  const newest = slotIndex(timeframe, lastClosedOpen(timeframe, asOf, 0)) - PROBE + 1;
  let held = Math.max(empty, newest);
  let first = await probe(slotAt(timeframe, held), PROBE);
  if (first === null) return null;
  while (held - empty > PROBE) {
    const middle = Math.floor((empty + held) / 2);
    const found = await probe(slotAt(timeframe, middle), PROBE);
    if (found === null) empty = middle;
    else {
      held = middle;
      first = found;
    }
  }
  return first;
}
