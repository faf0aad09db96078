// Taken once, as in random-draws.
const { floor, max, min, round } = Math;

/** Prices and volume of some stretch of time, in whatever unit they are counted. */
export interface Bar {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** One bar out of two that follow each other; null stands for nothing traded. */
export function joinBars(earlier: Bar | null, later: Bar | null): Bar | null {
  if (earlier === null || later === null) return earlier ?? later;
  return {
    open: earlier.open,
    high: max(earlier.high, later.high),
    low: min(earlier.low, later.low),
    close: later.close,
    volume: earlier.volume + later.volume,
  };
}

/**
 * What a bar shows when only a `share` (0..1) of its time has passed: everything goes from the open to its final value
 * at an even pace, so high only rises, low only falls and the close stays between them. Prices come out in multiples
 * of 10^-priceDecimals, the volume rounded down to 10^-volumeDecimals.
 */
export function partOfBar(bar: Bar, share: number, priceDecimals: number, volumeDecimals: number): Bar {
  const scale = 10 ** priceDecimals;
  const lots = 10 ** volumeDecimals;
  const towards = (price: number): number => round((bar.open + (price - bar.open) * share) * scale) / scale;
  return {
    open: bar.open,
    high: towards(bar.high),
    low: towards(bar.low),
    close: towards(bar.close),
    volume: floor(bar.volume * share * lots) / lots,
  };
}
