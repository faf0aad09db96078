import { intersectRanges, subtractRanges } from '../../domain/coverage';
import { shiftSlots } from '../../domain/timeframe';
import type { Pair, SlotRange, TimeframeId } from '../../domain/types';
import type { GapLedger, KnownGap } from '../../ports/gap-ledger';
import type { StateConnection, StateDatabase } from './state-database';

/** Gaps as disjoint ranges; neighbours about which the same is known are one range. */
export class SqliteGapLedger implements GapLedger {
  constructor(private readonly state: StateDatabase) {}

  async list(pair: Pair): Promise<KnownGap[]> {
    return this.state.read((db) => gapsOf(db, pair));
  }

  async record(pair: Pair, gaps: readonly KnownGap[]): Promise<void> {
    if (gaps.length === 0) return;
    await this.state.write(async (db) => {
      let known = await gapsOf(db, pair);
      for (const gap of gaps) known = [...without(pair.timeframe, known, [gap]), gap];
      await replace(db, pair, joined(pair.timeframe, known));
    });
  }

  async resolve(pair: Pair, ranges: readonly SlotRange[]): Promise<void> {
    // Called after every write of candles and nearly always for slots the ledger does not hold: a look is cheap.
    if (intersectRanges(pair.timeframe, await this.list(pair), ranges).length === 0) return;
    await this.state.write(async (db) => replace(db, pair, without(pair.timeframe, await gapsOf(db, pair), ranges)));
  }
}

function without(timeframe: TimeframeId, gaps: readonly KnownGap[], removed: readonly SlotRange[]): KnownGap[] {
  return gaps.flatMap((gap) => subtractRanges(timeframe, [gap], removed).map((left) => ({ ...gap, ...left })));
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
    a.state === b.state && a.asks === b.asks && a.firstAskedAt === b.firstAskedAt && a.lastAskedAt === b.lastAskedAt
  );
}

async function gapsOf(db: StateConnection, { symbol, timeframe }: Pair): Promise<KnownGap[]> {
  return db
    .selectFrom('gap')
    .select([
      'from_open as from',
      'to_open as to',
      'state',
      'asks',
      'first_asked_at as firstAskedAt',
      'last_asked_at as lastAskedAt',
    ])
    .where((where) => where.and({ symbol, timeframe }))
    .orderBy('from_open')
    .execute();
}

async function replace(db: StateConnection, { symbol, timeframe }: Pair, gaps: readonly KnownGap[]): Promise<void> {
  await db
    .deleteFrom('gap')
    .where((where) => where.and({ symbol, timeframe }))
    .execute();
  for (const { from, to, state, asks, firstAskedAt, lastAskedAt } of gaps) {
    const facts = { state, asks, first_asked_at: firstAskedAt, last_asked_at: lastAskedAt };
    await db
      .insertInto('gap')
      .values({ symbol, timeframe, from_open: from, to_open: to, ...facts })
      .execute();
  }
}
