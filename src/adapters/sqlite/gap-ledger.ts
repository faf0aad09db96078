import { sql } from 'kysely';
import { intersectRanges, mergeRanges, subtractRanges } from '../../domain/coverage';
import { closeOf, parseTimeframe, shiftSlots } from '../../domain/timeframe';
import type { Pair, SlotRange, TimeframeId } from '../../domain/types';
import type { GapLedger, GapState, GapSummary, KnownGap } from '../../ports/gap-ledger';
import type { StateConnection, StateDatabase } from './state-database';

const MONTH = parseTimeframe('1M');

/** Gaps as disjoint ranges; neighbours about which the same is known are one range. */
export class SqliteGapLedger implements GapLedger {
  constructor(private readonly state: StateDatabase) {}

  async list(pair: Pair): Promise<KnownGap[]> {
    return this.state.read((db) => gapsOf(db, pair));
  }

  async record(pair: Pair, gaps: readonly KnownGap[]): Promise<void> {
    const told = disjoint(pair.timeframe, gaps);
    const span = spanOf(pair.timeframe, told);
    if (span === null) return;
    await this.state.write(async (db) => {
      const known = await gapsOf(db, pair, span);
      await replace(db, pair, span, joined(pair.timeframe, [...without(pair.timeframe, known, told), ...told]));
    });
  }

  async resolve(pair: Pair, ranges: readonly SlotRange[]): Promise<void> {
    const ascending = mergeRanges(pair.timeframe, ranges);
    const span = spanOf(pair.timeframe, ascending);
    if (span === null) return;
    // Called after every write of candles and nearly always for slots the ledger does not hold: a look is cheap.
    const held = await this.state.read((db) => gapsOf(db, pair, span));
    if (intersectRanges(pair.timeframe, held, ascending).length === 0) return;
    await this.state.write(async (db) =>
      replace(db, pair, span, without(pair.timeframe, await gapsOf(db, pair, span), ascending)),
    );
  }

  async markOutages({ timeframe, ...pair }: Pair, outages: readonly SlotRange[]): Promise<boolean> {
    return this.state.write(async (db) => {
      const known = await gapsOf(db, { timeframe, ...pair });
      const decided = known.filter(({ state }) => state !== 'suspect');
      const down = mergeRanges(timeframe, outages);
      const told = joined(timeframe, [
        ...within(timeframe, decided, down).map((gap): KnownGap => ({ ...gap, state: 'outage' })),
        ...without(timeframe, decided, down).map((gap): KnownGap => ({
          ...gap,
          state: gap.failed === true ? 'outage' : 'confirmed_empty',
        })),
      ]);
      if (JSON.stringify(told) === JSON.stringify(decided)) return false;
      const span = spanOf(timeframe, told);
      const suspects = known.filter(({ state }) => state === 'suspect');
      if (span === null) return false;
      const inSpan = suspects.filter(({ from, to }) => to >= span.from && from <= span.to);
      await replace(db, { timeframe, ...pair }, span, [...told, ...inSpan]);
      return true;
    });
  }

  async summary({ symbol, timeframe }: Pair): Promise<GapSummary> {
    const stepMs = closeOf(timeframe, 0);
    const rows = await this.state.read((db) =>
      db
        .selectFrom('gap')
        .select((select) => [
          'state',
          select.fn.countAll<number>().as('ranges'),
          // Months differ in length: a range of them is counted as months, not as milliseconds.
          timeframe === MONTH
            ? sql<number>`sum((strftime('%Y', to_open / 1000, 'unixepoch') - strftime('%Y', from_open / 1000, 'unixepoch')) * 12
                + strftime('%m', to_open / 1000, 'unixepoch') - strftime('%m', from_open / 1000, 'unixepoch') + 1)`.as(
                'slots',
              )
            : sql<number>`sum((to_open - from_open) / ${stepMs} + 1)`.as('slots'),
        ])
        .where((where) => where.and({ symbol, timeframe }))
        .groupBy('state')
        .execute(),
    );
    const of = (state: GapState) => {
      const row = rows.find((candidate) => candidate.state === state);
      return { ranges: row?.ranges ?? 0, slots: row?.slots ?? 0 };
    };
    return { suspect: of('suspect'), confirmed_empty: of('confirmed_empty'), outage: of('outage') };
  }
}

/** Ascending, without overlaps; where two speak of a slot the later one of the list is right. */
function disjoint(timeframe: TimeframeId, gaps: readonly KnownGap[]): KnownGap[] {
  const ascending = gaps.toSorted((a, b) => a.from - b.from);
  const overlaps = ascending.some((gap, k) => gap.from <= (ascending[k - 1]?.to ?? Number.NEGATIVE_INFINITY));
  if (!overlaps) return ascending;
  let result: KnownGap[] = [];
  for (const gap of gaps) result = [...without(timeframe, result, [gap]), gap].toSorted((a, b) => a.from - b.from);
  return result;
}

/** From one slot before the first to one slot after the last, so that neighbours can be joined; null for none. */
function spanOf(timeframe: TimeframeId, ascending: readonly SlotRange[]): SlotRange | null {
  const [first, last] = [ascending[0], ascending.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { from: shiftSlots(timeframe, first.from, -1), to: shiftSlots(timeframe, last.to, 1) };
}

/** Both ascending and without overlaps; each gap is held only against the ranges that touch it. */
function without(timeframe: TimeframeId, gaps: readonly KnownGap[], removed: readonly SlotRange[]): KnownGap[] {
  let next = 0;
  return gaps.flatMap((gap) => {
    while ((removed[next]?.to ?? Number.POSITIVE_INFINITY) < gap.from) next++;
    let end = next;
    while ((removed[end]?.from ?? Number.POSITIVE_INFINITY) <= gap.to) end++;
    if (end === next) return [gap];
    return subtractRanges(timeframe, [gap], removed.slice(next, end)).map((left) => ({ ...gap, ...left }));
  });
}

/** The parts of gaps that lie in `ranges`; both ascending and without overlaps. */
function within(timeframe: TimeframeId, gaps: readonly KnownGap[], ranges: readonly SlotRange[]): KnownGap[] {
  let next = 0;
  return gaps.flatMap((gap) => {
    while ((ranges[next]?.to ?? Number.POSITIVE_INFINITY) < gap.from) next++;
    let end = next;
    while ((ranges[end]?.from ?? Number.POSITIVE_INFINITY) <= gap.to) end++;
    if (end === next) return [];
    return intersectRanges(timeframe, [gap], ranges.slice(next, end)).map((part) => ({ ...gap, ...part }));
  });
}

function joined(timeframe: TimeframeId, gaps: readonly KnownGap[]): KnownGap[] {
  const result: KnownGap[] = [];
  for (const gap of gaps.toSorted((a, b) => a.from - b.from)) {
    const before = result.at(-1);
    if (before !== undefined && shiftSlots(timeframe, before.to, 1) === gap.from && sameFacts(before, gap))
      result[result.length - 1] = { ...before, to: gap.to };
    else result.push(gap);
  }
  return result;
}

function sameFacts(a: KnownGap, b: KnownGap): boolean {
  return (
    a.state === b.state &&
    a.asks === b.asks &&
    a.firstAskedAt === b.firstAskedAt &&
    a.lastAskedAt === b.lastAskedAt &&
    (a.failed ?? false) === (b.failed ?? false)
  );
}

/** The gaps that reach into the span, whole; all without one. */
async function gapsOf(db: StateConnection, { symbol, timeframe }: Pair, span?: SlotRange): Promise<KnownGap[]> {
  const all = db
    .selectFrom('gap')
    .select([
      'from_open as from',
      'to_open as to',
      'state',
      'asks',
      'first_asked_at as firstAskedAt',
      'last_asked_at as lastAskedAt',
      'failed',
    ])
    .where((where) => where.and({ symbol, timeframe }));
  const wanted = span === undefined ? all : all.where('to_open', '>=', span.from).where('from_open', '<=', span.to);
  const rows = await wanted.orderBy('from_open').execute();
  return rows.map(({ failed, ...gap }) => (failed === 1 ? { ...gap, failed: true } : gap));
}

/** Rows of one insert; SQLite bounds the number of values. */
const BATCH = 100;

async function replace(
  db: StateConnection,
  { symbol, timeframe }: Pair,
  span: SlotRange,
  gaps: readonly KnownGap[],
): Promise<void> {
  await db
    .deleteFrom('gap')
    .where((where) => where.and({ symbol, timeframe }))
    .where('to_open', '>=', span.from)
    .where('from_open', '<=', span.to)
    .execute();
  const rows = gaps.map(({ from, to, state, asks, firstAskedAt, lastAskedAt, failed }) => ({
    symbol,
    timeframe,
    from_open: from,
    to_open: to,
    state,
    asks,
    first_asked_at: firstAskedAt,
    last_asked_at: lastAskedAt,
    failed: failed === true ? 1 : 0,
  }));
  for (let at = 0; at < rows.length; at += BATCH) {
    await db
      .insertInto('gap')
      .values(rows.slice(at, at + BATCH))
      .execute();
  }
}
