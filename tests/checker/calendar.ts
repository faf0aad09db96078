/** The checker's own calendar: steps through days one by one, so that it shares no mistake with the program's. */

const MINUTE = 60_000;
const DAY = 86_400_000;
const EVEN: Readonly<Record<string, number>> = { '1m': MINUTE, '1h': 60 * MINUTE, '1d': DAY };

function isFirstDay(timeframe: string, midnight: number): boolean {
  const day = new Date(midnight);
  return timeframe === '1w' ? day.getUTCDay() === 1 : day.getUTCDate() === 1;
}

/** Whether a candle of this timeframe may open at `time`. */
export function opensAt(timeframe: string, time: number): boolean {
  const even = EVEN[timeframe];
  if (even !== undefined) return time % even === 0;
  return time % DAY === 0 && isFirstDay(timeframe, time);
}

/** When the candle that opens at `open` ends. */
export function endOf(timeframe: string, open: number): number {
  const even = EVEN[timeframe];
  if (even !== undefined) return open + even;
  let day = open + DAY;
  while (!isFirstDay(timeframe, day)) day += DAY;
  return day;
}

/** The open time of the slot that ends at `end`. */
export function openBefore(timeframe: string, end: number): number {
  const even = EVEN[timeframe];
  if (even !== undefined) return end - even;
  let day = end - DAY;
  while (!isFirstDay(timeframe, day)) day -= DAY;
  return day;
}
