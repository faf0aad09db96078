/**
 * What every rate budget must do. The budget under test is made with 3000 usable weight a minute for every exchange,
 * on the clock and the sleep of {@link virtualTime}, so that no test waits in real time.
 */
import * as fc from 'fast-check';
import type { Clock } from '../../src/ports/clock';
import type { RateBudget } from '../../src/ports/rate-budget';

export interface BudgetUnderTest {
  readonly budget: RateBudget;
  /** Moves the clock, waking sleepers in order of their time; resolves when all that follows has settled. */
  readonly advance: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** Puts the clock forward or back, while no time passes. */
  readonly jump: (ms: number) => void;
}

export interface VirtualTime {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly advance: (ms: number) => Promise<void>;
  readonly now: () => number;
  readonly jump: (ms: number) => void;
}

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const CAPACITY = 3000;
const RUNS = Number(process.env.FC_RUNS ?? 10);

/** Lets promises, and work handed to the event loop, come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function virtualTime(start = Date.UTC(2024, 0, 1)): VirtualTime {
  let now = start;
  let ahead = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    clock: { now: () => now + ahead, monotonic: () => now - start },
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + Math.max(1, ms), wake })),
    now: () => now + ahead,
    jump(ms) {
      ahead += ms;
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

interface Outcome {
  state: 'waiting' | 'granted' | 'refused';
  at: number;
  error?: unknown;
}

function observe(take: Promise<void>, now: () => number): Outcome {
  const outcome: Outcome = { state: 'waiting', at: Number.NaN };
  take.then(
    () => Object.assign(outcome, { state: 'granted', at: now() }),
    (error: unknown) => Object.assign(outcome, { state: 'refused', at: now(), error }),
  );
  return outcome;
}

export function rateBudgetContract(name: string, make: () => Promise<BudgetUnderTest>): void {
  describe(`rate budget: ${name}`, () => {
    describe('weights', () => weights(make));
    describe('priorities', () => priorities(make));
    describe('bans', () => bans(make));
  });
}

function weights(make: () => Promise<BudgetUnderTest>): void {
  test('a request that fits is let through at once', async () => {
    const { budget } = await make();
    await expect(budget.take('demo', 2, 'live')).resolves.toBeUndefined();
  });

  test('a request that does not fit waits until the oldest weight is a minute old', async () => {
    const { budget, advance, now } = await make();
    await budget.take('demo', CAPACITY, 'live');
    const start = now();
    const next = observe(budget.take('demo', 1, 'live', undefined, 2 * MINUTE), now);
    await advance(MINUTE - 1000);
    expect(next.state).toBe('waiting');
    await advance(2000);
    expect(next.state).toBe('granted');
    expect(next.at - start).toBeGreaterThanOrEqual(MINUTE);
  });

  test('a wait longer than the caller allows is refused at once, with the time to wait', async () => {
    const { budget } = await make();
    await budget.take('demo', CAPACITY, 'live');
    await expect(budget.take('demo', 1, 'live')).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: MINUTE });
  });

  test('one exchange does not use up the budget of another', async () => {
    const { budget } = await make();
    await budget.take('demo', CAPACITY, 'live');
    await expect(budget.take('other', CAPACITY, 'live')).resolves.toBeUndefined();
  });

  test('a request that waits can be called off', async () => {
    const { budget, advance, now } = await make();
    await budget.take('demo', CAPACITY, 'live');
    const caller = new AbortController();
    const waiting = observe(budget.take('demo', 1, 'live', caller.signal, 2 * MINUTE), now);
    await advance(1000);
    caller.abort(new Error('called off'));
    await advance(1000);
    expect(waiting).toMatchObject({ state: 'refused', error: expect.objectContaining({ message: 'called off' }) });
  });

  test('I63 no minute ever holds more weight than the budget, whatever is asked and when', async () => {
    const request = fc.record({
      weight: fc.integer({ min: 1, max: 1500 }),
      pause: fc.integer({ min: 0, max: 20_000 }),
      priority: fc.constantFrom('live' as const, 'fill' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 3, maxLength: 12 }), async (requests) => {
        const { budget, advance, now } = await make();
        const outcomes: { readonly outcome: Outcome; readonly weight: number }[] = [];
        for (const { weight, pause, priority } of requests) {
          outcomes.push({ weight, outcome: observe(budget.take('demo', weight, priority, undefined, MINUTE), now) });
          await advance(pause);
        }
        await advance(2 * MINUTE);
        const granted = outcomes.filter(({ outcome }) => outcome.state === 'granted');
        for (const { outcome } of granted) {
          const window = granted.filter((g) => g.outcome.at > outcome.at - MINUTE && g.outcome.at <= outcome.at);
          expect(window.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(CAPACITY);
        }
      }),
      { numRuns: RUNS },
    );
  });
}

function priorities(make: () => Promise<BudgetUnderTest>): void {
  test('fills leave 30 % of the budget to live requests', async () => {
    const { budget } = await make();
    await budget.take('demo', CAPACITY * 0.7, 'fill');
    await expect(budget.take('demo', 1, 'fill')).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(budget.take('demo', CAPACITY * 0.3, 'live')).resolves.toBeUndefined();
  });

  test('a live request that waits goes before a fill that waited longer', async () => {
    const { budget, advance, now } = await make();
    await budget.take('demo', CAPACITY, 'live');
    const fill = observe(budget.take('demo', 2000, 'fill', undefined, 3 * MINUTE), now);
    await advance(1000);
    const live = observe(budget.take('demo', 2000, 'live', undefined, 3 * MINUTE), now);
    await advance(MINUTE + 2000);
    expect({ live: live.state, fill: fill.state }).toEqual({ live: 'granted', fill: 'waiting' });
    await advance(MINUTE + 2000);
    expect(fill.state).toBe('granted');
  });

  /** While the clock was ahead a live request waited, and was called off. */
  async function afterClockAhead(): Promise<BudgetUnderTest> {
    const made = await make();
    const { budget, advance, now, jump } = made;
    jump(3 * DAY);
    await budget.take('demo', CAPACITY, 'live');
    const caller = new AbortController();
    observe(budget.take('demo', 1, 'live', caller.signal, 2 * MINUTE), now);
    await advance(1000);
    caller.abort(new Error('called off'));
    jump(-3 * DAY);
    await advance(MINUTE);
    return made;
  }

  test('F30 fills go on when a clock was ahead while a live request waited, and is put right', async () => {
    const { budget } = await afterClockAhead();
    await expect(budget.take('demo', 1, 'fill', undefined, 0)).resolves.toBeUndefined();
  });

  test('F30 a live request that waits goes first, also after a clock that was ahead was put right', async () => {
    const { budget, advance, now } = await afterClockAhead();
    await budget.take('demo', CAPACITY, 'live');
    const fill = observe(budget.take('demo', 2000, 'fill', undefined, 3 * MINUTE), now);
    await advance(1000);
    const live = observe(budget.take('demo', 2000, 'live', undefined, 3 * MINUTE), now);
    await advance(MINUTE + 2000);
    expect({ live: live.state, fill: fill.state }).toEqual({ live: 'granted', fill: 'waiting' });
  });
}

function bans(make: () => Promise<BudgetUnderTest>): void {
  test.each(['rate_limited', 'exchange_banned', 'exchange_blocked'] as const)(
    'I60 a request during a ban is refused with %s and the time that is left',
    async (code) => {
      const { budget, advance, now } = await make();
      await budget.ban('demo', now() + 37_000, code);
      await advance(7000);
      await expect(budget.take('demo', 1, 'live')).rejects.toMatchObject({ code, retryAfterMs: 30_000 });
    },
  );

  test('I60 a request waits for the end of a short ban and is not let through before it', async () => {
    const { budget, advance, now } = await make();
    const until = now() + 5000;
    await budget.ban('demo', until, 'rate_limited');
    const waiting = observe(budget.take('demo', 1, 'live'), now);
    await advance(4999);
    expect(waiting.state).toBe('waiting');
    await advance(1000);
    expect(waiting.state).toBe('granted');
    expect(waiting.at).toBeGreaterThanOrEqual(until);
  });

  test('I60 a ban that comes while a request waits holds it too', async () => {
    const { budget, advance, now } = await make();
    await budget.take('demo', CAPACITY, 'live');
    const waiting = observe(budget.take('demo', 1, 'live', undefined, 2 * MINUTE), now);
    await advance(MINUTE - 5000);
    await budget.ban('demo', now() + 30_000, 'rate_limited');
    await advance(29_000);
    expect(waiting.state).toBe('waiting');
    await advance(2000);
    expect(waiting.state).toBe('granted');
  });

  test('a shorter ban never shortens a longer one', async () => {
    const { budget, now } = await make();
    const until = now() + 600_000;
    await budget.ban('demo', until, 'exchange_banned');
    await budget.ban('demo', now() + 1000, 'rate_limited');
    expect(await budget.bannedUntil('demo')).toBe(until);
    await expect(budget.take('demo', 1, 'live')).rejects.toMatchObject({ code: 'exchange_banned' });
  });

  test('a ban ends by itself', async () => {
    const { budget, advance, now } = await make();
    await budget.ban('demo', now() + 60_000, 'rate_limited');
    await advance(60_000);
    expect(await budget.bannedUntil('demo')).toBeNull();
    await expect(budget.take('demo', 1, 'live')).resolves.toBeUndefined();
  });

  test('a ban of one exchange does not touch another', async () => {
    const { budget, now } = await make();
    await budget.ban('demo', now() + 60_000, 'exchange_banned');
    expect(await budget.bannedUntil('other')).toBeNull();
    await expect(budget.take('other', 1, 'live')).resolves.toBeUndefined();
  });

  test('F30 a ban told by a clock that was ahead lasts as long as the exchange asked for, not as long as the jump', async () => {
    const { budget, advance, now, jump } = await make();
    jump(3 * DAY);
    await budget.ban('demo', now() + 60_000, 'rate_limited');
    jump(-3 * DAY);
    await advance(60_000);
    expect(await budget.bannedUntil('demo')).toBeNull();
    await expect(budget.take('demo', 1, 'live')).resolves.toBeUndefined();
  });

  test('I60 the ban that follows one told by a clock that was ahead is kept', async () => {
    const { budget, advance, now, jump } = await make();
    jump(3 * DAY);
    await budget.ban('demo', now() + 60_000, 'rate_limited');
    jump(-3 * DAY);
    await advance(60_000);
    const until = now() + 30_000;
    await budget.ban('demo', until, 'exchange_banned');
    expect(await budget.bannedUntil('demo')).toBe(until);
    await expect(budget.take('demo', 1, 'live')).rejects.toMatchObject({ code: 'exchange_banned' });
  });

  test('I60 a clock that is put back does not end a ban', async () => {
    const { budget, advance, now, jump } = await make();
    await budget.ban('demo', now() + 60_000, 'exchange_banned');
    jump(-DAY);
    await advance(59_000);
    await expect(budget.take('demo', 1, 'live', undefined, 0)).rejects.toMatchObject({ code: 'exchange_banned' });
    await advance(1000);
    await expect(budget.take('demo', 1, 'live', undefined, 0)).resolves.toBeUndefined();
  });
}
