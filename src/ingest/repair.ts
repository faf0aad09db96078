import { countRanges, intersectRanges, mergeRanges, subtractRanges } from '../domain/coverage';
import { PipelineError } from '../domain/errors';
import { PAGE_SIZES } from '../domain/gap-decision';
import { isOnGrid, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { disputedGaps, dueBatch, holePieces, knownGap, withAsk } from './hole-pieces';
import { storePage } from './stored-page';
import { fetchVerifiedPage, otherLimit } from './verified-page';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';
import type { RequestPriority } from '../ports/exchange';
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
  /** Stop after this many requests; what is left is for the next run. Default: none. */
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
 * and what `decideGap` makes of that. After each request everything it told is durable.
 * @throws PipelineError what the exchange throws, and `empty_response` when answers lacked candles that are stored: then
 *   all other holes have been asked for.
 */
export async function repair(ports: IngestPorts, request: RepairRequest): Promise<RepairSummary> {
  const { pair, range } = request;
  const { timeframe } = pair;
  const holes = await ports.candles.holes(pair, range);
  const known = await ports.gapLedger.list(pair);
  await forgetFilled(ports, pair, known, holes, range);
  const run = new Repair(ports, request, holes);
  let pieces = holePieces(timeframe, holes, known);
  run.undecided = countRanges(timeframe, pieces);
  for (let batch = dueBatch(pair, pieces, request.asOf); batch !== null && run.mayAsk();) {
    pieces = [...batch.others, ...(await run.ask(batch.due, batch.pageSize))];
    batch = dueBatch(pair, pieces, request.asOf);
  }
  run.refuseDoubted();
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

interface WindowAnswer {
  readonly candles: readonly Candle[];
  /** Slots for which the exchange had rows that can not be believed. */
  readonly refused: readonly SlotRange[];
  readonly askedAt: EpochMs;
}

class Repair {
  undecided = 0;
  private asked = 0;
  private found = 0;
  private confirmed = 0;
  private requests = 0;
  /** Open time of the first hole that was left out, because nothing can be believed of the answers about it. */
  private doubted: EpochMs | null = null;
  private readonly missing: number;

  constructor(
    private readonly ports: IngestPorts,
    private readonly request: RepairRequest,
    private readonly holes: readonly SlotRange[],
  ) {
    this.missing = countRanges(request.pair.timeframe, holes);
  }

  mayAsk(): boolean {
    return this.requests < (this.request.maxRequests ?? Number.POSITIVE_INFINITY);
  }

  summary(): RepairSummary {
    const { asked, found, confirmed, undecided, requests } = this;
    return { missing: this.missing - found, asked, found, confirmed, undecided, requests };
  }

  refuseDoubted(): void {
    if (this.doubted === null) return;
    throw new PipelineError(
      'empty_response',
      `${pairKey(this.request.pair)}: nothing from ${new Date(this.doubted).toISOString()} on, where candles are stored`,
    );
  }

  /**
   * Asks once about each of `due` (ascending), and gives back what is still missing, with the ask counted; without those
   * about which no answer can be believed in this run.
   */
  async ask(due: readonly HolePiece[], pageSize: number): Promise<HolePiece[]> {
    const after: HolePiece[] = [];
    let next = 0;
    let rest: HolePiece | undefined;
    const piece = (): HolePiece | undefined => rest ?? due[next];
    for (let first = piece(); first !== undefined; first = piece()) {
      if (!this.mayAsk()) break;
      const { through, doubtful, ...answer } = await this.window(first, this.slotsOf(pageSize));
      const told: HolePiece[] = [];
      for (let inside = piece(); inside !== undefined && inside.from <= through; inside = piece()) {
        told.push({ ...inside, to: Math.min(inside.to, through) });
        rest =
          inside.to > through ? { ...inside, from: shiftSlots(this.request.pair.timeframe, through, 1) } : undefined;
        if (rest === undefined) next++;
      }
      if (doubtful) this.doubted ??= first.from;
      else after.push(...(await this.settle(told, answer)));
    }
    return rest === undefined ? [...after, ...due.slice(next)] : [...after, rest, ...due.slice(next + 1)];
  }

  /** What the exchange looks at of a page of that size: a whole one of its own, or half of it. */
  private slotsOf(pageSize: number): number {
    return Math.max(1, Math.floor((pageSize * this.ports.exchange.largestPage) / PAGE_SIZES.first));
  }

  /** The candles from the start of `piece`, and the last slot about which the answer says anything. */
  private async window({ from }: HolePiece, pageSize: number) {
    const { timeframe } = this.request.pair;
    const end = shiftSlots(timeframe, from, pageSize - 1);
    const askedAt = this.ports.clock.now();
    let page = await this.page(from, pageSize);
    let doubtful = page.candles.length === 0 && !(await this.mayBeEmpty(from, end));
    // Some empty answers come from the bounds of the window.
    if (doubtful) page = await this.page(from, otherLimit(pageSize));
    const last = page.candles.at(-1)?.openTime;
    doubtful &&= last === undefined;
    const refused = page.quarantined.flatMap(({ openTime }) =>
      openTime !== null && isOnGrid(timeframe, openTime) ? [{ from: openTime, to: openTime }] : [],
    );
    return { candles: page.candles, refused: mergeRanges(timeframe, refused), through: last ?? end, doubtful, askedAt };
  }

  private async page(since: EpochMs, limit: number): Promise<VerifiedPage> {
    const { pair, asOf, priority, signal } = this.request;
    signal?.throwIfAborted();
    const page = await fetchVerifiedPage(
      this.ports.exchange,
      { ...pair, since, asOf, limit, priority: priority ?? 'fill', ...(signal === undefined ? {} : { signal }) },
      (rows) => this.ports.pairState.quarantine(pair, rows, this.ports.clock.now()),
    );
    this.requests += page.requests;
    return page;
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
    const slots = candles.map(({ openTime }) => ({ from: openTime, to: openTime }));
    const foundSlots = intersectRanges(timeframe, told, slots);
    const found = candlesIn(candles, foundSlots);
    if (found.length > 0) await storePage(this.ports, pair, found, askedAt);
    const disputed = disputedGaps(timeframe, told, refused, asOf);
    const still = withAsk(timeframe, told, mergeRanges(timeframe, [...foundSlots, ...refused]), asOf);
    const gaps = [...still.map((piece) => knownGap(timeframe, piece, asOf)), ...disputed];
    if (gaps.length > 0) await this.ports.gapLedger.record(pair, gaps);
    const confirmed = countRanges(
      timeframe,
      gaps.filter(({ state }) => state !== 'suspect'),
    );
    this.asked += countRanges(timeframe, told);
    this.found += found.length;
    this.confirmed += confirmed;
    this.undecided -= found.length + confirmed;
    onProgress?.(this.summary());
    return still;
  }
}

/** `candles` and `ranges` are ascending. */
function candlesIn(candles: readonly Candle[], ranges: readonly SlotRange[]): Candle[] {
  let next = 0;
  return candles.filter(({ openTime }) => {
    while ((ranges[next]?.to ?? Number.POSITIVE_INFINITY) < openTime) next++;
    return openTime >= (ranges[next]?.from ?? Number.POSITIVE_INFINITY);
  });
}
