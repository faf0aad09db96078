import type { QuarantinedRow } from '../../domain/candle';
import type { ErrorCode } from '../../domain/errors';
import { isAhead } from '../../domain/run-order';
import { pairKey } from '../../domain/types';
import type { EpochMs, MarketSymbol, Pair, Stage } from '../../domain/types';
import type { Revision } from '../../ports/candle-store';
import type { EarliestCandle, PairStateStore, StageRecord, SymbolState } from '../../ports/pair-state';

/** As many as the durable one keeps. */
const QUARANTINE_KEPT = 1000;

interface PairFacts {
  earliest: EarliestCandle | null;
  readonly stages: Map<Stage, StageRecord>;
  quarantined: (QuarantinedRow & { readonly at: EpochMs; readonly times: number })[];
  readonly revisions: (Revision & { readonly at: EpochMs })[];
}

/** For tests. */
export class MemoryPairState implements PairStateStore {
  readonly #symbols = new Map<MarketSymbol, SymbolState>();
  readonly #pairs = new Map<string, PairFacts>();

  async symbolStates(): Promise<SymbolState[]> {
    return [...this.#symbols.values()].toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
  }

  async setSymbolState(state: SymbolState, before?: SymbolState | null): Promise<boolean> {
    const standing = this.#symbols.get(state.symbol);
    const moved = standing?.activation !== before?.activation || standing?.since !== before?.since;
    if (before !== undefined && moved) return false;
    this.#symbols.set(state.symbol, state);
    return true;
  }

  async earliest(pair: Pair): Promise<EarliestCandle | null> {
    return this.#of(pair).earliest;
  }

  async setEarliest(pair: Pair, earliest: EarliestCandle): Promise<void> {
    this.#of(pair).earliest = earliest;
  }

  async recordSuccess(pair: Pair, stage: Stage, at: EpochMs): Promise<void> {
    const before = this.#stage(pair, stage);
    const outlived = isLater(before.lastFailureAt, at);
    this.#of(pair).stages.set(stage, {
      ...before,
      lastSuccessAt: isLater(before.lastSuccessAt, at) ? before.lastSuccessAt : at,
      failureCount: outlived ? before.failureCount : 0,
      sameCodeCount: outlived ? before.sameCodeCount : 0,
    });
  }

  async recordFailure(pair: Pair, stage: Stage, at: EpochMs, code: ErrorCode, message: string): Promise<void> {
    const before = this.#stage(pair, stage);
    if (before.lastFailureAt === at || isLater(before.lastFailureAt, at)) return;
    const sinceSuccess = !isLater(before.lastSuccessAt, at);
    this.#of(pair).stages.set(stage, {
      ...before,
      lastFailureAt: at,
      failureCount: before.failureCount + (sinceSuccess ? 1 : 0),
      sameCodeCount: (before.lastCode === code ? before.sameCodeCount : 0) + (sinceSuccess ? 1 : 0),
      lastCode: code,
      lastMessage: message,
    });
  }

  async stages(pair: Pair): Promise<StageRecord[]> {
    return [...this.#of(pair).stages.values()].toSorted((a, b) => (a.stage < b.stage ? -1 : 1));
  }

  async quarantine(pair: Pair, rows: readonly QuarantinedRow[], at: EpochMs): Promise<void> {
    const facts = this.#of(pair);
    for (const row of rows) {
      const index = facts.quarantined.findIndex(({ reason, raw }) => reason === row.reason && raw === row.raw);
      const known = facts.quarantined[index];
      if (known === undefined) facts.quarantined.push({ ...row, at, times: 1 });
      else if (known.at < at) facts.quarantined[index] = { ...known, at, times: known.times + 1 };
    }
    const newest = facts.quarantined.toReversed().toSorted((a, b) => b.at - a.at);
    const kept = new Set(newest.slice(0, QUARANTINE_KEPT));
    facts.quarantined = facts.quarantined.filter((row) => kept.has(row));
  }

  async quarantined(
    pair: Pair,
  ): Promise<readonly (QuarantinedRow & { readonly at: EpochMs; readonly times: number })[]> {
    return this.#of(pair).quarantined;
  }

  async recordRevisions(pair: Pair, revisions: readonly Revision[], at: EpochMs): Promise<void> {
    const known = this.#of(pair).revisions;
    for (const revision of revisions) {
      const { openTime } = revision.after;
      if (!known.some((other) => other.at === at && other.after.openTime === openTime)) known.push({ ...revision, at });
    }
  }

  async revisions(pair: Pair): Promise<readonly (Revision & { readonly at: EpochMs })[]> {
    return this.#of(pair).revisions.toSorted((a, b) => a.after.openTime - b.after.openTime || a.at - b.at);
  }

  #of(pair: Pair): PairFacts {
    const facts = this.#pairs.get(pairKey(pair)) ?? {
      earliest: null,
      stages: new Map(),
      quarantined: [],
      revisions: [],
    };
    this.#pairs.set(pairKey(pair), facts);
    return facts;
  }

  #stage(pair: Pair, stage: Stage): StageRecord {
    const never = { lastSuccessAt: null, lastFailureAt: null, lastCode: null, lastMessage: null };
    return this.#of(pair).stages.get(stage) ?? { stage, ...never, failureCount: 0, sameCodeCount: 0 };
  }
}

/** What a clock that was ahead told orders nothing. */
function isLater(stored: EpochMs | null, at: EpochMs): boolean {
  return stored !== null && stored > at && !isAhead(stored, at, at);
}
