import { PipelineError } from '../domain/errors';
import type { EpochMs } from '../domain/types';

/**
 * - `real`       the machine's clock
 * - `fixed`      stands still until it is set
 * - `start`, `factor`  begins at `start` when the market starts and runs `factor` times as fast as the machine's
 */
export type ClockSetting = 'real' | { readonly fixed: EpochMs } | { readonly start: EpochMs; readonly factor: number };

export interface MarketClock {
  readonly kind: 'real' | 'fixed' | 'accelerated';
  now(): EpochMs;
  /** @throws PipelineError `invalid_input` unless the clock is fixed and `now` is a whole number of milliseconds. */
  set(now: EpochMs): void;
}

function checkInstant(now: EpochMs): EpochMs {
  if (Number.isSafeInteger(now) && now >= 0) return now;
  throw new PipelineError('invalid_input', `${now} is not a time of the market: milliseconds since 1970 are needed`);
}

function refuseToSet(): never {
  throw new PipelineError('invalid_input', 'only a fixed clock can be set; start the market with a fixed time');
}

/** @throws PipelineError `invalid_input` for a time that is no whole millisecond or a factor that is not above zero. */
export function createClock(setting: ClockSetting): MarketClock {
  if (setting === 'real') return { kind: 'real', now: () => Date.now(), set: refuseToSet };
  if ('fixed' in setting) {
    let current = checkInstant(setting.fixed);
    return {
      kind: 'fixed',
      now: () => current,
      set: (now) => {
        current = checkInstant(now);
      },
    };
  }
  const { factor } = setting;
  const start = checkInstant(setting.start);
  if (!(Number.isFinite(factor) && factor > 0)) {
    throw new PipelineError('invalid_input', `${factor} is not a factor for the clock: use a number above zero`);
  }
  const startedAt = performance.now();
  return {
    kind: 'accelerated',
    now: () => start + Math.floor((performance.now() - startedAt) * factor),
    set: refuseToSet,
  };
}
