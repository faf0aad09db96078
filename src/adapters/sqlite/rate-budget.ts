import { setTimeout as realSleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { PipelineError } from '../../domain/errors';
import { isAhead } from '../../domain/run-order';
import type { EpochMs } from '../../domain/types';
import { systemClock } from '../../ports/clock';
import type { Clock } from '../../ports/clock';
import type { RequestPriority } from '../../ports/exchange';
import type { RateBudget } from '../../ports/rate-budget';
import type { StateConnection, StateDatabase } from './state-database';
import type { GateTable, RequestTable } from './state-schema';

export interface BudgetOptions {
  /** Weight usable in any 60 s, by exchange. Default 3000: half of Binance's 6000. */
  readonly limits?: Readonly<Record<string, number>>;
  readonly clock?: Clock;
  /** Resolves after that many milliseconds on `clock`. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

const WINDOW = 60_000;
const DEFAULT_LIMIT = 3000;
/** Fills leave the rest of the window to live requests, so that a boundary never finds it used up. */
const FILL_SHARE = 0.7;
const DEFAULT_MAX_WAIT = 10_000;
/** Waiting is by looking again: another process may be banned meanwhile, or want to go first. */
const LOOK_AGAIN = 500;
/** How long a live request that waits holds fills back; told anew while it waits, so a dead process holds no one up. */
const LIVE_MARK = 3 * LOOK_AGAIN;

/** What one look at the shared state said. */
type Look =
  | { readonly kind: 'granted' }
  | { readonly kind: 'banned'; readonly wait: number; readonly code: GateTable['ban_code'] }
  /** `fillsHeld`: fills have been told, lately enough, that a live request waits. */
  | { readonly kind: 'full'; readonly wait: number; readonly fillsHeld: boolean }
  | { readonly kind: 'after_live'; readonly wait: number };

/** One budget and one ban gate for all processes that open the same state; what is taken is taken in a write transaction. */
export class SqliteRateBudget implements RateBudget {
  readonly #limits: Readonly<Record<string, number>>;
  readonly #clock: Clock;
  readonly #sleep: (ms: number) => Promise<unknown>;
  /** When bans that were told here end, on the monotonic clock, by exchange. */
  readonly #toldHere = new Map<string, number>();

  constructor(
    private readonly state: StateDatabase,
    { limits = {}, clock = systemClock, sleep = realSleep }: BudgetOptions = {},
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#sleep = sleep;
  }

  async take(
    exchange: string,
    weight: number,
    priority: RequestPriority,
    signal?: AbortSignal,
    maxWaitMs = DEFAULT_MAX_WAIT,
  ): Promise<void> {
    const deadline = this.#clock.monotonic() + maxWaitMs;
    for (;;) {
      signal?.throwIfAborted();
      const look = await this.#look(exchange, weight, priority);
      if (look.kind === 'granted') return;
      refuseLongWait(exchange, look, deadline - this.#clock.monotonic());
      await this.#sleep(Math.min(look.wait, LOOK_AGAIN));
    }
  }

  /** Waiting only reads; the write lock is asked for when there is something to take, or to tell fills to wait. */
  async #look(exchange: string, weight: number, priority: RequestPriority): Promise<Look> {
    const glance = await this.state.read((db) => this.#judge(db, exchange, weight, priority));
    const tellsFills = glance.kind === 'full' && priority === 'live' && !glance.fillsHeld;
    if (glance.kind !== 'granted' && !tellsFills) return glance;
    return this.state.write(
      async (db) => {
        const look = await this.#judge(db, exchange, weight, priority);
        const now = this.#clock.now();
        if (look.kind === 'granted') {
          await forgetOld(db, exchange, now);
          await db.insertInto('exchange_request').values({ exchange, at: now, weight, priority }).execute();
        } else if (look.kind === 'full' && priority === 'live') {
          await saveGate(db, { ...(await gateOf(db, exchange)), live_waiting_until: now + LIVE_MARK });
        }
        return look;
      },
      // After a power cut the minute that these count is long over; a ban is kept for good.
      { lasting: false },
    );
  }

  async #judge(db: StateConnection, exchange: string, weight: number, priority: RequestPriority): Promise<Look> {
    const now = this.#clock.now();
    const gate = await gateOf(db, exchange);
    const banned = this.#banLeft(gate, now);
    if (banned > 0) return { kind: 'banned', wait: banned, code: gate.ban_code };
    const limit = this.#limits[exchange] ?? DEFAULT_LIMIT;
    const fits = fitsNow(await usedOf(db, exchange, now), limit, weight, priority);
    const wait = fits ? 0 : waitFor(await windowOf(db, exchange, now), limit, weight, priority, now);
    // A later time than a mark can have was told by a clock that was ahead.
    const liveWaits = gate.live_waiting_until > now && gate.live_waiting_until <= now + LIVE_MARK;
    if (priority === 'fill' && liveWaits) return { kind: 'after_live', wait: Math.max(wait, LOOK_AGAIN) };
    const fillsHeld = liveWaits && gate.live_waiting_until >= now + LIVE_MARK - LOOK_AGAIN;
    return wait > 0 ? { kind: 'full', wait, fillsHeld } : { kind: 'granted' };
  }

  async ban(exchange: string, until: EpochMs, code: GateTable['ban_code']): Promise<void> {
    const now = this.#clock.now();
    await this.state.write(async (db) => {
      const gate = await gateOf(db, exchange);
      if (until <= now + this.#banLeft(gate, now)) return;
      this.#toldHere.set(exchange, this.#clock.monotonic() + until - now);
      await saveGate(db, { ...gate, banned_at: now, banned_until: until, ban_code: code });
    });
  }

  async bannedUntil(exchange: string): Promise<EpochMs | null> {
    const gate = await this.state.read((db) => gateOf(db, exchange));
    const now = this.#clock.now();
    const left = this.#banLeft(gate, now);
    return left > 0 ? now + left : null;
  }

  /**
   * Milliseconds until the ban ends, 0 without one. What was told by a clock that was ahead of `now` (F30) ends at no time
   * that `now` can tell: only where it was told is known how long it still is.
   */
  #banLeft({ exchange, banned_at: at, banned_until: until }: GateTable, now: EpochMs): number {
    if (!isAhead(at, now, now)) return Math.max(0, until - now);
    return Math.max(0, (this.#toldHere.get(exchange) ?? 0) - this.#clock.monotonic());
  }
}

/** @throws PipelineError when the wait is longer than `allowed` milliseconds. */
function refuseLongWait(exchange: string, look: Exclude<Look, { kind: 'granted' }>, allowed: number): void {
  if (look.wait <= allowed) return;
  const seconds = Math.ceil(look.wait / 1000);
  const context = { retryAfterMs: look.wait };
  if (look.kind === 'banned')
    throw new PipelineError(look.code, `${exchange} may not be asked for another ${seconds} s`, context);
  throw new PipelineError('rate_limited', `the request budget of ${exchange} is used up for ${seconds} s`, context);
}

type Request = Pick<RequestTable, 'at' | 'weight' | 'priority'>;

interface Used {
  readonly all: number;
  readonly fills: number;
}

/** The usual answer, from two sums: reading every request of a busy minute would cost more than sending one. */
function fitsNow({ all, fills }: Used, limit: number, weight: number, priority: RequestPriority): boolean {
  return all <= limit - weight && (priority === 'live' || fills <= limit * FILL_SHARE - weight);
}

/** Milliseconds until `weight` fits, 0 when it does. A weight above the whole budget fits an empty window. */
function waitFor(
  requests: readonly Request[],
  limit: number,
  weight: number,
  priority: RequestPriority,
  now: EpochMs,
): number {
  const overall = waitUntilBelow(requests, limit - weight, now);
  if (priority === 'live') return overall;
  const fills = requests.filter((request) => request.priority === 'fill');
  return Math.max(overall, waitUntilBelow(fills, limit * FILL_SHARE - weight, now));
}

/** Milliseconds until the weight of `requests`, oldest first, has fallen to `limit` or to nothing at all. */
function waitUntilBelow(requests: readonly Request[], limit: number, now: EpochMs): number {
  let used = requests.reduce((sum, { weight }) => sum + weight, 0);
  let wait = 0;
  for (const { at, weight } of requests) {
    if (used <= limit) break;
    used -= weight;
    wait = at + WINDOW - now;
  }
  return wait;
}

/** The requests of the last minute, oldest first. */
async function windowOf(db: StateConnection, exchange: string, now: EpochMs): Promise<Request[]> {
  return inWindow(db, exchange, now).select(['at', 'weight', 'priority']).orderBy('at').execute();
}

async function usedOf(db: StateConnection, exchange: string, now: EpochMs): Promise<Used> {
  const used = await inWindow(db, exchange, now)
    .select([
      sql<number>`ifnull(sum(weight), 0)`.as('all'),
      sql<number>`ifnull(sum(weight) FILTER (WHERE priority = 'fill'), 0)`.as('fills'),
    ])
    .executeTakeFirstOrThrow();
  return used;
}

/** Not those of a clock that was put back since. */
function inWindow(db: StateConnection, exchange: string, now: EpochMs) {
  return db
    .selectFrom('exchange_request')
    .where('exchange', '=', exchange)
    .where('at', '>', now - WINDOW)
    .where('at', '<=', now + WINDOW);
}

async function forgetOld(db: StateConnection, exchange: string, now: EpochMs): Promise<void> {
  await db
    .deleteFrom('exchange_request')
    .where('exchange', '=', exchange)
    .where((where) => where.or([where('at', '<=', now - WINDOW), where('at', '>', now + WINDOW)]))
    .execute();
}

async function gateOf(db: StateConnection, exchange: string): Promise<GateTable> {
  const gate = await db.selectFrom('exchange_gate').selectAll().where('exchange', '=', exchange).executeTakeFirst();
  return gate ?? { exchange, banned_at: 0, banned_until: 0, ban_code: 'rate_limited', live_waiting_until: 0 };
}

async function saveGate(db: StateConnection, gate: GateTable): Promise<void> {
  await db
    .insertInto('exchange_gate')
    .values(gate)
    .onConflict((conflict) => conflict.column('exchange').doUpdateSet(gate))
    .execute();
}
