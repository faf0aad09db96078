import { MINUTE } from '../../domain/timeframe';
import type { EpochMs } from '../../domain/types';
import type { Clock } from '../../ports/clock';

/** What the exchange's clock shows, so far as it can be known without asking each time. Never later than it really is. */
export interface ExchangeClock {
  /**
   * Asks when the last answer is too old, when our clock was moved since, or when the exchange would seem to be behind
   * `wanted`. @throws what asking throws, when there is no earlier answer to go by.
   */
  now(wanted: EpochMs): Promise<EpochMs>;
  /** The same without asking; our own time while nothing is known. */
  estimate(): EpochMs;
  measure(): Promise<EpochMs>;
}

const FRESH_FOR = 5 * MINUTE;
/** An answer that took long says little about the clock behind it, so it is soon asked for again. */
const SLOW_ANSWER = 1000;
const FRESH_WHEN_SLOW = 10_000;
const LEAST_PAUSE = 1000;
const CLOCK_MOVED = 1000;

interface Reading {
  readonly exchange: EpochMs;
  readonly ours: EpochMs;
  readonly monotonic: number;
  readonly freshFor: number;
}

/** `fetchTime` is null for an exchange that does not tell its time: then ours is all there is. */
export function createExchangeClock(clock: Clock, fetchTime: (() => Promise<EpochMs>) | null): ExchangeClock {
  let reading: Reading | null = null;
  let asking: Promise<EpochMs> | null = null;

  async function read(ask: () => Promise<EpochMs>): Promise<EpochMs> {
    const sentAt = clock.monotonic();
    const exchange = await ask();
    const monotonic = clock.monotonic();
    // The exchange read its clock somewhere on the way, so by now it shows at least this.
    const freshFor = monotonic - sentAt > SLOW_ANSWER ? FRESH_WHEN_SLOW : FRESH_FOR;
    reading = { exchange, ours: clock.now(), monotonic, freshFor };
    return exchange;
  }

  function measure(): Promise<EpochMs> {
    if (fetchTime === null) return Promise.resolve(clock.now());
    asking ??= read(fetchTime).finally(() => {
      asking = null;
    });
    return asking;
  }

  const estimateFrom = (known: Reading): EpochMs => Math.floor(known.exchange + (clock.monotonic() - known.monotonic));

  function isDue(known: Reading, wanted: EpochMs): boolean {
    const age = clock.monotonic() - known.monotonic;
    const moved = Math.abs(clock.now() - known.ours - age) > CLOCK_MOVED;
    return age > known.freshFor || moved || (age > LEAST_PAUSE && estimateFrom(known) < wanted);
  }

  return {
    measure,
    estimate: () => (reading === null ? clock.now() : estimateFrom(reading)),
    async now(wanted) {
      if (fetchTime === null) return clock.now();
      if (reading === null) return measure();
      // An exchange that does not tell the time just now may still give candles; its old reading stays true.
      if (isDue(reading, wanted)) await measure().catch(() => null);
      return estimateFrom(reading);
    },
  };
}
