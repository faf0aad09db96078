/** The calendar written a second time, by walking days and counting month lengths by hand: no Date, no division. */
export interface OracleDay {
  readonly start: number;
  readonly year: number;
  /** 1..12 */
  readonly month: number;
  readonly dayOfMonth: number;
  readonly monday: boolean;
}

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function monthLength(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (MONTH_LENGTHS[month - 1] ?? 0);
}

/** Every day from 1970-01-01 (a Thursday) to 2100-12-31. */
export function walkDays(): OracleDay[] {
  const days: OracleDay[] = [];
  let [year, month, dayOfMonth, weekday, start] = [1970, 1, 1, 4, 0];
  while (year <= 2100) {
    days.push({ start, year, month, dayOfMonth, monday: weekday === 1 });
    start += 86_400_000;
    weekday = weekday === 7 ? 1 : weekday + 1;
    dayOfMonth++;
    if (dayOfMonth > monthLength(year, month)) [dayOfMonth, month] = [1, month + 1];
    if (month > 12) [month, year] = [1, year + 1];
  }
  return days;
}
