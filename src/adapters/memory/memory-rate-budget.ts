import { PipelineError } from '../../domain/errors';
import type { Clock } from '../../ports/clock';
import type { RequestPriority } from '../../ports/exchange';
import type { RateBudget } from '../../ports/rate-budget';

export interface MemoryRateBudgetOptions {
  readonly clock: Clock;
  /** Resolves after that many milliseconds on `clock`. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Weight usable in any 60 s, for each exchange. Default 3000: half of Binance's 6000. */
  readonly capacity?: number;
}

const WINDOW = 60_000;
const DEFAULT_CAPACITY = 3000;
/** Fills leave the rest of the window to live requests, so that a boundary never finds it used up. */
const FILL_SHARE = 0.7;
const DEFAULT_MAX_WAIT = 10_000;
/** Waiting is by asking again: a ban may come, or a live request that goes first. */
const POLL = 250;

interface Grant {
  /** On the monotonic clock, so that a clock put back does not stretch the window. */
  readonly at: number;
  readonly weight: number;
  readonly priority: RequestPriority;
}

interface Ban {
  /** On the monotonic clock. */
  readonly until: number;
  readonly code: 'rate_limited' | 'exchange_banned' | 'exchange_blocked';
}

class Ledger {
  private grants: Grant[] = [];
  private banned: Ban | null = null;
  liveWaiting = 0;

  constructor(private readonly capacity: number) {}

  /** Milliseconds until the ban ends, 0 without one; `now` is on the monotonic clock. */
  banLeft(now: number): number {
    return Math.max(0, (this.banned?.until ?? now) - now);
  }

  get banCode(): Ban['code'] {
    return this.banned?.code ?? 'rate_limited';
  }

  ban(ban: Ban): void {
    if (this.banned === null || ban.until > this.banned.until) this.banned = ban;
  }

  /** Milliseconds until `weight` fits, 0 when it does; `now` is on the monotonic clock. */
  waitFor(weight: number, priority: RequestPriority, now: number): number {
    this.grants = this.grants.filter(({ at }) => at > now - WINDOW);
    const overall = waitUntilBelow(this.grants, this.capacity - weight, now);
    if (priority === 'live') return overall;
    const fills = this.grants.filter((grant) => grant.priority === 'fill');
    return Math.max(overall, waitUntilBelow(fills, this.capacity * FILL_SHARE - weight, now));
  }

  grant(grant: Grant): void {
    this.grants.push(grant);
  }
}

/** Milliseconds until the weight of `grants` (in order of time) has fallen to `limit`, or to nothing at all. */
function waitUntilBelow(grants: readonly Grant[], limit: number, now: number): number {
  let used = grants.reduce((sum, { weight }) => sum + weight, 0);
  let wait = 0;
  for (const { at, weight } of grants) {
    if (used <= limit) break;
    used -= weight;
    wait = at + WINDOW - now;
  }
  return wait;
}

/** A {@link RateBudget} of one process, for tests and for runs that share nothing. */
export function createMemoryRateBudget(options: MemoryRateBudgetOptions): RateBudget {
  const { clock, sleep, capacity = DEFAULT_CAPACITY } = options;
  const ledgers = new Map<string, Ledger>();
  const ledgerOf = (exchange: string): Ledger => {
    const ledger = ledgers.get(exchange) ?? new Ledger(capacity);
    ledgers.set(exchange, ledger);
    return ledger;
  };
  return {
    async take(exchange, weight, priority, signal, maxWaitMs = DEFAULT_MAX_WAIT) {
      const ledger = ledgerOf(exchange);
      const deadline = clock.monotonic() + maxWaitMs;
      if (priority === 'live') ledger.liveWaiting++;
      try {
        for (;;) {
          signal?.throwIfAborted();
          const at = clock.monotonic();
          const left = { banned: ledger.banLeft(at), full: ledger.waitFor(weight, priority, at) };
          refuseLongWait(exchange, ledger, left, deadline - at);
          const goesAfterLive = priority === 'fill' && ledger.liveWaiting > 0;
          const wait = Math.max(left.banned, left.full, goesAfterLive ? POLL : 0);
          if (wait === 0) return ledger.grant({ at, weight, priority });
          await sleep(Math.min(wait, POLL));
        }
      } finally {
        if (priority === 'live') ledger.liveWaiting--;
      }
    },
    async ban(exchange, until, code) {
      ledgerOf(exchange).ban({ until: clock.monotonic() + until - clock.now(), code });
    },
    async bannedUntil(exchange) {
      const left = ledgerOf(exchange).banLeft(clock.monotonic());
      return left > 0 ? clock.now() + left : null;
    },
  };
}

/** @throws PipelineError when the wait is longer than `allowed` milliseconds. */
function refuseLongWait(
  exchange: string,
  ledger: Ledger,
  left: { readonly banned: number; readonly full: number },
  allowed: number,
): void {
  if (left.banned > allowed) {
    throw new PipelineError(
      ledger.banCode,
      `${exchange} may not be asked for another ${Math.ceil(left.banned / 1000)} s`,
      { retryAfterMs: left.banned },
    );
  }
  if (left.full > allowed) {
    throw new PipelineError(
      'rate_limited',
      `the request budget of ${exchange} is used up for another ${Math.ceil(left.full / 1000)} s`,
      { retryAfterMs: left.full },
    );
  }
}
