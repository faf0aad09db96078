import { PipelineError } from '../domain/errors';
import { KNOWN_TIMEFRAMES, closeOf, lastClosedOpen, openOf, shiftSlots, slotAt, slotIndex } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { refusedPage } from './verified-page';
import type { EpochMs, Pair, SlotRange, TimeframeId } from '../domain/types';
import type { Exchange, RequestPriority } from '../ports/exchange';

export interface EarliestRequest {
  readonly pair: Pair;
  readonly asOf: EpochMs;
  /** Default `fill`. */
  readonly priority?: RequestPriority;
  readonly signal?: AbortSignal;
}

type SearchedExchange = Pick<Exchange, 'fetchPage' | 'largestPage' | 'supports'>;

/** Before any exchange of coins opened. */
const BEFORE_ALL = Date.UTC(2010, 0, 1);
/** Not more than any exchange gives at a time, so that an empty answer speaks of all the slots it was asked for. */
const PROBE = 100;
const SECOND_PROBE = 40;
/** Probes that disagree are repeated this many times. */
const ATTEMPTS = 3;
/** All of the calendar is looked at page by page where it has no more pages than this. */
const MOST_PAGES = 100;

/**
 * The open time of the exchange's first closed candle of a pair, on which two probes of different size agree (F73); null
 * when it has none yet. Asked about the time before a listing, exchanges answer its first candles, nothing, or a row of
 * zeros; the last two are searched window by window.
 * @throws PipelineError `bad_response` when no two probes agree, and whatever the exchange throws.
 */
export async function findEarliest(exchange: SearchedExchange, request: EarliestRequest): Promise<EpochMs | null> {
  const { timeframe } = request.pair;
  const search = new WindowSearch(exchange, request);
  const start = openOf(timeframe, BEFORE_ALL);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = (await search.probe(timeframe, start, PROBE)) ?? (await search.first());
    // Of another size and from shortly before the candle found: an earlier one there would be seen.
    const before = first === null ? start : Math.max(start, shiftSlots(timeframe, first, -SECOND_PROBE / 2));
    if (first === (await search.probe(timeframe, before, SECOND_PROBE))) return first;
  }
  throw new PipelineError('bad_response', `${pairKey(request.pair)}: two probes never agreed on the first candle`);
}

/**
 * {@link findEarliest}, where the exchange gave candles from `gone.from` on once and seems to give none of `gone` any more.
 * Null when it still gives one there, and when that can not be told from an exchange that fails.
 */
export async function findMovedEarliest(
  exchange: SearchedExchange,
  request: EarliestRequest,
  gone: SlotRange,
): Promise<EpochMs | null> {
  const search = new WindowSearch(exchange, request);
  const given = await search.probe(request.pair.timeframe, gone.from, exchange.largestPage);
  if (given !== null && given <= gone.to) return null;
  try {
    const earliest = await findEarliest(exchange, request);
    // Of another size, as above: one empty answer says nothing.
    const again = await search.probe(request.pair.timeframe, gone.from, SECOND_PROBE);
    const moved = earliest !== null && earliest > gone.to && (again === null || again >= earliest);
    return moved ? earliest : null;
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'bad_response') return null;
    throw error;
  }
}

/**
 * For exchanges that answer only about the window asked for. An empty window may lie before the listing or in a halt of
 * the trade, so the coarsest timeframe is looked through from its beginning, and its first candle tells where the first
 * of the next finer one is looked for. Each timeframe has a beginning of its own, earlier or later than the coarser ones.
 *
 * Where no timeframe is coarse enough, and for what begins before all coarser ones, the calendar is halved between a
 * window with candles and an empty one: that ends behind the last halt as long as a probe.
 */
class WindowSearch {
  /** Timeframes whose candles turn out not to open on our calendar. */
  private readonly otherCalendar = new Set<TimeframeId>();

  constructor(
    private readonly exchange: SearchedExchange,
    private readonly request: EarliestRequest,
  ) {}

  async first(): Promise<EpochMs | null> {
    const { timeframe } = this.request.pair;
    return this.halved(timeframe, await this.firstOf(timeframe));
  }

  /** Open time of the first valid candle at or after `since`, as far as a page of `limit` reaches. */
  async probe(timeframe: TimeframeId, since: EpochMs, limit: number): Promise<EpochMs | null> {
    const { pair, asOf, priority, signal } = this.request;
    signal?.throwIfAborted();
    const page = await this.exchange.fetchPage({
      symbol: pair.symbol,
      timeframe,
      since,
      asOf,
      limit,
      priority: priority ?? 'fill',
      ...(signal === undefined ? {} : { signal }),
    });
    if (page.refusal?.code === 'unsupported_timeframe') throw refusedPage(page.refusal);
    return page.candles[0]?.openTime ?? null;
  }

  /** The coarsest timeframe one of whose slots is a page of `timeframe` at most. */
  private coarser(timeframe: TimeframeId): TimeframeId | undefined {
    return KNOWN_TIMEFRAMES.findLast((coarse) => {
      const open = openOf(coarse, BEFORE_ALL);
      const slots = slotIndex(timeframe, closeOf(coarse, open)) - slotIndex(timeframe, open);
      if (slots <= 1 || slots > this.exchange.largestPage || this.otherCalendar.has(coarse)) return false;
      return this.exchange.supports(coarse).offered;
    });
  }

  private async firstOf(timeframe: TimeframeId): Promise<EpochMs | null> {
    const { asOf } = this.request;
    const coarse = this.coarser(timeframe);
    if (coarse === undefined) {
      const slots = slotIndex(timeframe, asOf) - slotIndex(timeframe, BEFORE_ALL);
      return slots > MOST_PAGES * this.exchange.largestPage ? null : this.walk(timeframe, BEFORE_ALL, asOf);
    }
    let guide = openOf(coarse, asOf);
    try {
      guide = (await this.firstOf(coarse)) ?? guide;
    } catch (error) {
      if (!(error instanceof PipelineError && error.code === 'unsupported_timeframe')) throw error;
      this.otherCalendar.add(coarse);
      return this.firstOf(timeframe);
    }
    // The coarser one may leave out the slot in which the listing lies.
    const near = await this.walk(timeframe, shiftSlots(coarse, guide, -1), closeOf(coarse, guide));
    return near ?? this.firstAfter(timeframe, coarse, guide);
  }

  /** The first candle from `from` to before `to`, looked for page by page. */
  private async walk(timeframe: TimeframeId, from: EpochMs, to: EpochMs): Promise<EpochMs | null> {
    const { largestPage } = this.exchange;
    for (let at = openOf(timeframe, from); at < to; at = shiftSlots(timeframe, at, largestPage)) {
      const found = await this.probe(timeframe, at, largestPage);
      if (found !== null) return found < to ? found : null;
    }
    return null;
  }

  /**
   * The first candle after the slot `none` of `coarse`, in which there is none: where `coarse` has candles there was trade,
   * so an empty window there lies before the beginning, and the slots may be halved.
   */
  private async firstAfter(timeframe: TimeframeId, coarse: TimeframeId, none: EpochMs): Promise<EpochMs | null> {
    const { asOf } = this.request;
    let empty = slotIndex(coarse, none);
    let held = slotIndex(coarse, asOf);
    let first = await this.walk(timeframe, slotAt(coarse, held), asOf);
    while (held - empty > 1) {
      const middle = Math.floor((empty + held) / 2);
      const traded = await this.walk(coarse, slotAt(coarse, middle), slotAt(coarse, held));
      const found = traded === null ? null : await this.walk(timeframe, traded, closeOf(coarse, traded));
      if (traded !== null && found === null) empty = slotIndex(coarse, traded);
      else held = middle;
      first = found ?? first;
    }
    return first;
  }

  /** The first candle of the run that holds `known`, or, when that is null, the newest candles. */
  private async halved(timeframe: TimeframeId, known: EpochMs | null): Promise<EpochMs | null> {
    let empty = slotIndex(timeframe, BEFORE_ALL);
    const newest = slotIndex(timeframe, lastClosedOpen(timeframe, this.request.asOf, 0)) - PROBE + 1;
    let held = known === null ? Math.max(empty, newest) : slotIndex(timeframe, known);
    let first = known ?? (await this.probe(timeframe, slotAt(timeframe, held), PROBE));
    if (first === null) return null;
    while (held - empty > PROBE) {
      const middle = Math.floor((empty + held) / 2);
      const found = await this.probe(timeframe, slotAt(timeframe, middle), PROBE);
      if (found === null) empty = middle;
      else {
        held = middle;
        first = found;
      }
    }
    return first;
  }
}
