/** Time of a simulated life: it passes only when nobody has anything to do, and who goes first is drawn from a seed. */
import { DAY } from '../../../src/domain/timeframe';
import { RandomDraws } from '../../../src/market/random-draws';
import type { EpochMs } from '../../../src/domain/types';

export class VirtualTime {
  #now: EpochMs;
  #drawn = 0;
  readonly #draws: RandomDraws;
  readonly #waiting: (() => void)[] = [];
  readonly #asleep: { readonly until: EpochMs; readonly wake: () => void }[] = [];

  constructor(start: EpochMs, seed: number) {
    this.#now = start;
    this.#draws = new RandomDraws(`life ${seed}`);
  }

  get now(): EpochMs {
    return this.#now;
  }

  /** Even in 0 <= x < 1, the next of this life. */
  draw(): number {
    return this.#draws.uniform(this.#drawn++);
  }

  /** One of the numbers 0..count-1. */
  pick(count: number): number {
    return Math.floor(this.draw() * count);
  }

  /** Waits for its turn among all that wait for theirs; each turn takes a millisecond. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#asleep.push({ until: this.#now + ms, wake });
    });
  }

  async runUntil(until: EpochMs): Promise<void> {
    while (this.#now < until) {
      await quiet();
      this.#goOn(until);
    }
  }

  /** Runs until the work is done. @throws Error when a simulated year passes before. */
  async runThrough<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const ending = work.finally(() => {
      over = true;
    });
    ending.catch(() => {});
    const limit = this.#now + LONGEST_WORK_MS;
    for (;;) {
      await quiet();
      if (over) return ending;
      if (this.#now >= limit) throw new Error('nothing happens any more and the work is not done');
      this.#goOn(limit);
    }
  }

  #goOn(until: EpochMs): void {
    for (let k = this.#asleep.length - 1; k >= 0; k--) {
      const sleeper = this.#asleep[k];
      if (sleeper !== undefined && sleeper.until <= this.#now) {
        this.#asleep.splice(k, 1);
        this.#waiting.push(sleeper.wake);
      }
    }
    const [chosen] = this.#waiting.splice(this.pick(this.#waiting.length), 1);
    if (chosen !== undefined) {
      this.#now += 1;
      chosen();
    } else this.#now = Math.min(until, ...this.#asleep.map((sleeper) => sleeper.until));
  }
}

const LONGEST_WORK_MS = 366 * DAY;

/** All that can go on without a turn has gone on. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
