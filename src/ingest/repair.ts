import { countRanges, intersectRanges, mergeRanges, subtractRanges } from '../domain/coverage';
import { PipelineError } from '../domain/errors';
import { PAGE_SIZES } from '../domain/gap-decision';
import { isOnGrid, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { findMovedEarliest } from './earliest';
import { disputedGaps, dueBatch, holePieces, knownGap, withAsk } from './hole-pieces';
import { storePage } from './stored-page';
import { fetchVerifiedPage, otherLimit } from './verified-page';
import type { ErrorCode } from '../domain/errors';
import type { Candle, EpochMs, Pair, SlotRange, TimeframeId } from '../domain/types';
import type { Exchange, RequestPriority } from '../ports/exchange';
import type { HolePiece } from './hole-pieces';
import type { VerifiedPage } from './verified-page';
import type { IngestPorts } from './ingest-ports';

export interface RepairRequest {
  readonly pair: Pair;
  /** Also the time that the gap ledger counts asks by. */
  readonly asOf: EpochMs;
  /** Default: from the first to the last stored candle. */
  readonly range?: SlotRange;
  /** Default `fill`. */
  readonly priority?: RequestPriority;
  /**
   * Stop after this many requests; what is left is for the next run. A search for the exchange's earliest candle, one a run
   * at most, comes on top. Default: none.
   */
  readonly maxRequests?: number;
  /** Hears of every request when what it told is durable. */
  readonly onProgress?: (summary: RepairSummary) => void;
  readonly signal?: AbortSignal;
}

/** All but `requests` are numbers of slots. */
export interface RepairSummary {
  /** Without a candle now, whatever the ledger says of them. */
  readonly missing: number;
  /** Answers about a slot; one that was asked twice counts twice. */
  readonly asked: number;
  readonly found: number;
  /** Decided in this run: the exchange has nothing there. */
  readonly confirmed: number;
  /** Not stored and not decided. */
  readonly undecided: number;
  readonly requests: number;
}

/**
 * Looks for holes in the whole stored range and asks the exchange for them again, by windows of a page, so that many
 * holes near each other cost one request. Candles found are stored; about the rest the ledger learns that it was asked,
 * and what `decideGap` makes of that. After each request everything it told is durable. A hole about which no answer can
 * be believed is left out, and told when all others have been asked for.
 * @throws PipelineError what the exchange throws; for a hole that was left out `page_rejected`, `unsupported_timeframe`,
 *   `store_refused`, or `empty_response` when answers lacked candles that are stored.
 */
export async function repair(ports: IngestPorts, request: RepairRequest): Promise<RepairSummary> {
  const { pair, range } = request;
  const { timeframe } = pair;
  const holes = await ports.candles.holes(pair, range);
  const known = await ports.gapLedger.list(pair);
  await forgetFilled(ports, pair, known, holes, range);
  const run = new Repair(ports, request, holes);
  const pieces = holePieces(timeframe, holes, known);
  run.undecided = countRanges(timeframe, pieces);
  await run.askAll(pieces);
  await run.askAll(await run.givenNoMore());
  run.tellFailure();
  return run.summary();
}

/** The ledger may say "missing" of a slot that was stored since: the store is right. */
async function forgetFilled(
  ports: IngestPorts,
  pair: Pair,
  known: readonly SlotRange[],
  holes: readonly SlotRange[],
  range: SlotRange | undefined,
): Promise<void> {
  if (known.length === 0) return;
  const extent = await ports.candles.extent(pair);
  if (extent === null) return;
  const looked = range ?? { from: extent.first, to: extent.last };
  const stale = subtractRanges(pair.timeframe, intersectRanges(pair.timeframe, known, [looked]), holes);
  if (stale.length > 0) await ports.gapLedger.resolve(pair, stale);
}

/** Failures of one answer: about other slots the exchange may answer well. */
const OF_ONE_ANSWER: ReadonlySet<ErrorCode> = new Set(['page_rejected', 'unsupported_timeframe']);
/** After so many failures in a row all holes of a window are left out with its first one, so that requests stay few. */
const LEFT_OUT_ALONE = 10;

interface WindowAnswer {
  readonly candles: readonly Candle[];
  /** Slots for which the exchange had rows that can not be believed. */
  readonly refused: readonly SlotRange[];
  readonly askedAt: EpochMs;
}

interface StoredPage {
  readonly stored: number;
  /** Slots whose rows the store itself would not take. */
  readonly setAside: readonly SlotRange[];
}

/** A window about which no answer can be believed. */
interface WindowFailure {
  /** Null: two answers without candles, where candles are stored. */
  readonly error: PipelineError | null;
  /** The last slot that both answers speak of. */
  readonly end: EpochMs;
  readonly askedAt: EpochMs;
}

/** What two answers without candles would say of pieces in whose window candles are stored. */
interface Doubt extends WindowFailure {
  readonly told: readonly HolePiece[];
}

class Repair {
  undecided = 0;
  private asked = 0;
  private found = 0;
  private confirmed = 0;
  private requests = 0;
  /** Open time of the oldest candle in any answer of this run: the exchange's earliest is no later. */
  private oldestGiven: EpochMs = Infinity;
  private failuresInARow = 0;
  /** The first failure over pieces that were left out. */
  private failure: PipelineError | null = null;
  private doubts: Doubt[] = [];
  private readonly missing: number;
  private readonly exchange: Pick<Exchange, 'fetchPage' | 'largestPage' | 'supports'>;

  constructor(
    private readonly ports: IngestPorts,
    private readonly request: RepairRequest,
    private readonly holes: readonly SlotRange[],
  ) {
    const { exchange } = ports;
    this.missing = countRanges(request.pair.timeframe, holes);
    this.exchange = {
      largestPage: exchange.largestPage,
      supports: (timeframe) => exchange.supports(timeframe),
      fetchPage: async (page) => {
        this.requests++;
        const answer = await exchange.fetchPage(page);
        if (page.timeframe === request.pair.timeframe)
          this.oldestGiven = Math.min(this.oldestGiven, answer.candles[0]?.openTime ?? Infinity);
        return answer;
      },
    };
  }

  mayAsk(): boolean {
    return this.requests < (this.request.maxRequests ?? Number.POSITIVE_INFINITY);
  }

  summary(): RepairSummary {
    const { asked, found, confirmed, undecided, requests } = this;
    return { missing: this.missing - found, asked, found, confirmed, undecided, requests };
  }

  tellFailure(): void {
    if (this.failure !== null) throw this.failure;
    const first = this.doubts[0]?.told[0];
    if (first === undefined) return;
    throw new PipelineError(
      'empty_response',
      `${pairKey(this.request.pair)}: nothing from ${new Date(first.from).toISOString()} on, where candles are stored`,
    );
  }

  /** Asks about `pieces` until each is found, decided, left out or not due any more. */
  async askAll(pieces: readonly HolePiece[]): Promise<void> {
    const { pair, asOf } = this.request;
    for (let batch = dueBatch(pair, pieces, asOf); batch !== null && this.mayAsk();) {
      batch = dueBatch(pair, [...batch.others, ...(await this.ask(batch.due, batch.pageSize))], asOf);
    }
  }

  /**
   * Some exchanges give their oldest candles no more after a time. Where that explains answers that were doubted, the
   * earliest candle found anew is remembered and they count as asks: what is still missing then.
   */
  async givenNoMore(): Promise<HolePiece[]> {
    if (this.doubts.length === 0) return [];
    const { candles, clock, pairState } = this.ports;
    const { pair } = this.request;
    const from = (await pairState.earliest(pair))?.openTime ?? (await candles.extent(pair))?.first;
    if (from === undefined) return [];
    const to = Math.min(...this.doubts.map(({ end }) => end));
    const openTime = await findMovedEarliest(this.exchange, this.request, { from, to });
    if (openTime === null || this.oldestGiven < openTime) return [];
    await pairState.setEarliest(pair, { openTime, provenAt: clock.now() });
    const explained = this.doubts.filter(({ end }) => end < openTime);
    this.doubts = this.doubts.filter(({ end }) => end >= openTime);
    const still: HolePiece[] = [];
    for (const { told, askedAt } of explained)
      still.push(...(await this.settle(told, { candles: [], refused: [], askedAt })));
    return still;
  }

  /**
   * Asks once about each of `due` (ascending), and gives back what is still missing, with the ask counted; without those
   * about which no answer can be believed in this run. Of a hole whose front is such, the rest comes after all others.
   */
  private async ask(due: readonly HolePiece[], pageSize: number): Promise<HolePiece[]> {
    const { timeframe } = this.request.pair;
    const after: HolePiece[] = [];
    const later: HolePiece[] = [];
    let next = 0;
    let rest: HolePiece | undefined;
    const piece = (): HolePiece | undefined => rest ?? due[next];
    const take = (through: EpochMs): HolePiece[] => {
      const told: HolePiece[] = [];
      for (let inside = piece(); inside !== undefined && inside.from <= through; inside = piece()) {
        told.push({ ...inside, to: Math.min(inside.to, through) });
        rest = inside.to > through ? { ...inside, from: shiftSlots(timeframe, through, 1) } : undefined;
        if (rest === undefined) next++;
      }
      return told;
    };
    for (let first = piece(); first !== undefined && this.mayAsk(); first = piece()) {
      const told = await this.window(first, this.slotsOf(pageSize));
      if ('candles' in told) {
        this.failuresInARow = 0;
        after.push(...(await this.settle(take(told.through), told)));
        continue;
      }
      const alone = this.failuresInARow++ < LEFT_OUT_ALONE;
      this.leaveOut({ ...told, told: take(alone ? Math.min(first.to, told.end) : told.end) });
      if (rest === undefined) continue;
      later.push(rest);
      rest = undefined;
      next++;
    }
    const unasked = rest === undefined ? due.slice(next) : [rest, ...due.slice(next + 1)];
    return [...after, ...unasked, ...later];
  }

  private leaveOut(doubt: Doubt): void {
    if (doubt.error === null) this.doubts.push(doubt);
    else this.failure ??= doubt.error;
  }

  /** What the exchange looks at of a page of that size: a whole one of its own, or half of it. */
  private slotsOf(pageSize: number): number {
    return Math.max(1, Math.floor((pageSize * this.ports.exchange.largestPage) / PAGE_SIZES.first));
  }

  /** The candles from the start of `piece`, and the last slot about which the answer says anything. */
  private async window(
    { from }: HolePiece,
    pageSize: number,
  ): Promise<(WindowAnswer & { readonly through: EpochMs }) | WindowFailure> {
    const { timeframe } = this.request.pair;
    const end = shiftSlots(timeframe, from, pageSize - 1);
    const askedAt = this.ports.clock.now();
    // Both asks agree on no more than the smaller window.
    const failed = { end: shiftSlots(timeframe, from, Math.min(pageSize, otherLimit(pageSize)) - 1), askedAt };
    try {
      let page = await this.page(from, pageSize);
      if (page.candles.length === 0 && !(await this.mayBeEmpty(from, end))) {
        // Some empty answers come from the bounds of the window.
        page = await this.page(from, otherLimit(pageSize));
        if (page.candles.length === 0) return { ...failed, error: null };
      }
      const through = page.candles.at(-1)?.openTime ?? end;
      return { candles: page.candles, refused: slotRanges(timeframe, page.quarantined), through, askedAt };
    } catch (error) {
      if (error instanceof PipelineError && OF_ONE_ANSWER.has(error.code)) return { ...failed, error };
      throw error;
    }
  }

  private async page(since: EpochMs, limit: number): Promise<VerifiedPage> {
    const { pair, asOf, priority, signal } = this.request;
    signal?.throwIfAborted();
    return fetchVerifiedPage(
      this.exchange,
      { ...pair, since, asOf, limit, priority: priority ?? 'fill', ...(signal === undefined ? {} : { signal }) },
      (rows) => this.ports.pairState.quarantine(pair, rows, this.ports.clock.now()),
    );
  }

  /**
   * Whether an answer without candles can be right about a window: no stored candle lies in it, or it ends before the first
   * candle that the exchange has. All others are faults (P2).
   */
  private async mayBeEmpty(from: EpochMs, end: EpochMs): Promise<boolean> {
    if (this.holes.some((hole) => hole.from <= from && end <= hole.to)) return true;
    const earliest = await this.ports.pairState.earliest(this.request.pair);
    return earliest !== null && end < earliest.openTime;
  }

  /** Stores what an answer holds of the pieces it spoke of, and tells the ledger of the rest. */
  private async settle(told: readonly HolePiece[], { candles, refused, askedAt }: WindowAnswer): Promise<HolePiece[]> {
    const { pair, asOf, onProgress } = this.request;
    const { timeframe } = pair;
    const foundSlots = intersectRanges(timeframe, told, slotRanges(timeframe, candles));
    const { stored, setAside } = await this.store(candlesIn(candles, foundSlots), askedAt);
    const disputed = disputedGaps(timeframe, told, [...refused, ...setAside], asOf);
    const still = withAsk(timeframe, told, mergeRanges(timeframe, [...foundSlots, ...refused]), asOf);
    const gaps = [...still.map((piece) => knownGap(timeframe, piece, asOf)), ...disputed];
    if (gaps.length > 0) await this.ports.gapLedger.record(pair, gaps);
    const confirmed = countRanges(
      timeframe,
      gaps.filter(({ state }) => state !== 'suspect'),
    );
    this.asked += countRanges(timeframe, told);
    this.found += stored;
    this.confirmed += confirmed;
    this.undecided -= stored + confirmed;
    onProgress?.(this.summary());
    return still;
  }

  /** A page that the store refuses is left out like a hole: what the exchange answered of other slots stands. */
  private async store(found: readonly Candle[], askedAt: EpochMs): Promise<StoredPage> {
    const { pair } = this.request;
    if (found.length === 0) return { stored: 0, setAside: [] };
    try {
      const { refused } = await storePage(this.ports, pair, found, askedAt);
      return { stored: found.length - refused.length, setAside: slotRanges(pair.timeframe, refused) };
    } catch (error) {
      if (!(error instanceof PipelineError && error.code === 'store_refused')) throw error;
      this.failure ??= error;
      return { stored: 0, setAside: [] };
    }
  }
}

function slotRanges(timeframe: TimeframeId, rows: readonly { readonly openTime: EpochMs | null }[]): SlotRange[] {
  const ranges = rows.flatMap(({ openTime }) =>
    openTime !== null && isOnGrid(timeframe, openTime) ? [{ from: openTime, to: openTime }] : [],
  );
  return mergeRanges(timeframe, ranges);
}

/** `candles` and `ranges` are ascending. */
function candlesIn(candles: readonly Candle[], ranges: readonly SlotRange[]): Candle[] {
  let next = 0;
  return candles.filter(({ openTime }) => {
    while ((ranges[next]?.to ?? Number.POSITIVE_INFINITY) < openTime) next++;
    return openTime >= (ranges[next]?.from ?? Number.POSITIVE_INFINITY);
  });
}
