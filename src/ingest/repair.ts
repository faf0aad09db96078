import { countRanges, intersectRanges, mergeRanges, subtractRanges } from '../domain/coverage';
import { PipelineError } from '../domain/errors';
import { PAGE_SIZES } from '../domain/gap-decision';
import { isOnGrid, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { disputedGaps, dueBatch, holePieces, knownGap, withAsk } from './hole-pieces';
import { storePage } from './stored-page';
import { fetchVerifiedPage } from './verified-page';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';
import type { RequestPriority } from '../ports/exchange';
import type { HolePiece } from './hole-pieces';
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
 * @throws PipelineError what the exchange throws, and `empty_response` when an answer lacks candles that are stored.
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

  /** Asks once about each of `due` (ascending), and gives back what is still missing, with the ask counted. */
  async ask(due: readonly HolePiece[], pageSize: number): Promise<HolePiece[]> {
    const after: HolePiece[] = [];
    let next = 0;
    let rest: HolePiece | undefined;
    const piece = (): HolePiece | undefined => rest ?? due[next];
    for (let first = piece(); first !== undefined; first = piece()) {
      if (!this.mayAsk()) break;
      const { through, ...answer } = await this.window(first, this.slotsOf(pageSize));
      const told: HolePiece[] = [];
      for (let inside = piece(); inside !== undefined && inside.from <= through; inside = piece()) {
        told.push({ ...inside, to: Math.min(inside.to, through) });
        rest =
          inside.to > through ? { ...inside, from: shiftSlots(this.request.pair.timeframe, through, 1) } : undefined;
        if (rest === undefined) next++;
      }
      after.push(...(await this.settle(told, answer)));
    }
    return rest === undefined ? [...after, ...due.slice(next)] : [...after, rest, ...due.slice(next + 1)];
  }

  /** What the exchange looks at of a page of that size: a whole one of its own, or half of it. */
  private slotsOf(pageSize: number): number {
    return Math.max(1, Math.floor((pageSize * this.ports.exchange.largestPage) / PAGE_SIZES.first));
  }

  /** One request: the candles from the start of `piece`, and the last slot about which the answer says anything. */
  private async window(piece: HolePiece, pageSize: number) {
    const { pair, asOf, priority, signal } = this.request;
    signal?.throwIfAborted();
    const askedAt = this.ports.clock.now();
    const page = await fetchVerifiedPage(
      this.ports.exchange,
      {
        ...pair,
        since: piece.from,
        asOf,
        limit: pageSize,
        priority: priority ?? 'fill',
        ...(signal === undefined ? {} : { signal }),
      },
      (rows) => this.ports.pairState.quarantine(pair, rows, askedAt),
    );
    this.requests += page.requests;
    const last = page.candles.at(-1)?.openTime;
    const refused = page.quarantined.flatMap(({ openTime }) =>
      openTime !== null && isOnGrid(pair.timeframe, openTime) ? [{ from: openTime, to: openTime }] : [],
    );
    return {
      candles: page.candles,
      refused: mergeRanges(pair.timeframe, refused),
      through: last ?? this.emptyThrough(piece, pageSize),
      askedAt,
    };
  }

  /** An empty answer speaks of its window only, and of none if a stored candle lies in it: then it is a fault (P2). */
  private emptyThrough({ from }: HolePiece, pageSize: number): EpochMs {
    const { pair } = this.request;
    const through = shiftSlots(pair.timeframe, from, pageSize - 1);
    const hole = this.holes.find((candidate) => candidate.from <= from && from <= candidate.to);
    if (hole === undefined || hole.to < through) {
      throw new PipelineError(
        'empty_response',
        `${pairKey(pair)}: nothing from ${new Date(from).toISOString()} on, where candles are stored`,
      );
    }
    return through;
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
