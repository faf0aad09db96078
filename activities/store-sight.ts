import { setTimeout as pause } from 'node:timers/promises';
import { PipelineError } from '../src/domain/errors';
import { pairKey } from '../src/domain/types';
import type { Pair } from '../src/domain/types';
import type { Extent } from '../src/ports/candle-store';
import { describeFailure } from './failures';
import type { ActivityPorts } from './ports';

/** For one pair. A store that is well answers in milliseconds. */
const QUESTION_LIMIT_MS = 5_000;
/** For all pairs together, so that a slow store lets the look end within its activity's time. */
const LOOK_LIMIT_MS = 20_000;

/**
 * The candle store in one look of the monitor: a pair is asked for once. A store that can not be asked ends no look (SPEC 8
 * judges every minute): it is not asked again in this one, and what was seen of it last still counts.
 */
export class StoreSight {
  readonly #ports: Pick<ActivityPorts, 'candles' | 'clock'>;
  readonly #until: number;
  readonly #seen = new Map<string, Extent | null>();
  #problem: string | null = null;

  constructor(ports: Pick<ActivityPorts, 'candles' | 'clock'>) {
    this.#ports = ports;
    this.#until = ports.clock.monotonic() + LOOK_LIMIT_MS;
  }

  /** Why the store can not be asked; null while it answers. */
  get problem(): string | null {
    return this.#problem;
  }

  /** What is stored of the pair, null when nothing is; undefined when the store can not be asked. */
  async extent(pair: Pair): Promise<Extent | null | undefined> {
    const key = pairKey(pair);
    if (this.#seen.has(key)) return this.#seen.get(key);
    if (this.#problem !== null) return undefined;
    try {
      const extent = await this.#inTime(this.#ports.candles.extent(pair));
      this.#seen.set(key, extent);
      return extent;
    } catch (error) {
      this.#problem = describeFailure(error).message;
      return undefined;
    }
  }

  async #inTime<T>(asked: Promise<T>): Promise<T> {
    const over = new AbortController();
    const limit = Math.min(QUESTION_LIMIT_MS, Math.max(0, this.#until - this.#ports.clock.monotonic()));
    const late = pause(limit, null, { signal: over.signal }).then(() => {
      throw new PipelineError('store_unavailable', 'the candle store does not answer in time');
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      over.abort();
      late.catch(() => {});
    }
  }
}
