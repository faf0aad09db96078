/** I01 I04 I05 I06 I09 I11 I12: what is stored, against the market's truth. */
import { join } from 'node:path';
import { endOf, opensAt } from './calendar';
import { iso, keyOf, openDatabaseFile, timeframeOf } from './database-file';
import type { DatabaseFile, Row } from './database-file';
import type { Findings } from './findings';
import type { Truth, Values } from './market-truth';

/** Values by open time, by `BTC/USDT 1h`. */
export type Stored = ReadonlyMap<string, ReadonlyMap<number, Values>>;

/** How long after its end a candle counts as closed, in milliseconds. */
export const SETTLE_MS = 2_000;

/** Time of the newest run without a failure, by timeframe. */
export function newestRuns(state: DatabaseFile): ReadonlyMap<string, number> {
  const rows = state.all(
    'SELECT timeframe, max(as_of) AS as_of FROM cycle_run WHERE ended_at IS NOT NULL AND failed = 0 GROUP BY timeframe',
  );
  return new Map(rows.map((row) => [String(row.timeframe), Number(row.as_of)]));
}

/**
 * Of symbols that are ready, the time of the newest run since then that ended, by `BTC/USDT 1h`: of all, or of those without
 * a failure. These pairs have been worked on, whether or not anything of them is stored.
 */
export function endedRuns(state: DatabaseFile, which: 'all' | 'without failure' = 'all'): ReadonlyMap<string, number> {
  const rows = state.all(
    `SELECT symbol, timeframe, max(as_of) AS as_of FROM cycle_run JOIN symbol_state ON activation = 'ready' AND since < as_of
     WHERE ended_at IS NOT NULL ${which === 'all' ? '' : 'AND failed = 0'} GROUP BY symbol, timeframe`,
  );
  return new Map(rows.map((row) => [keyOf(row), Number(row.as_of)]));
}

/** What is stored, and nothing for each of `keys` of which nothing is: a series that was lost as a whole is looked at too. */
export function withLost(stored: Stored, keys: Iterable<string>): Stored {
  const nothing: ReadonlyMap<number, Values> = new Map();
  return new Map([...[...keys].map((key) => [key, nothing] as const), ...stored]);
}

/** The rows of `candles.db`, as SQL gives them. */
export function candleRows(folder: string): readonly Row[] {
  const file = openDatabaseFile(join(folder, 'candles.db'));
  try {
    return file.all(
      'SELECT s.symbol, s.timeframe, c.* FROM candle c JOIN series s ON s.id = c.series ORDER BY c.series, c.open_time',
    );
  } finally {
    file.close();
  }
}

export function readCandles(findings: Findings, truth: Truth, rows: readonly Row[]): Stored {
  const stored = new Map<string, Map<number, Values>>();
  for (const row of rows) {
    const key = keyOf(row);
    const series = stored.get(key) ?? new Map<number, Values>();
    stored.set(key, series);
    const open = Number(row.open_time);
    const values = [row.open, row.high, row.low, row.close, row.volume].map(Number) as unknown as Values;
    findings.holds('I06 single', !series.has(open), () => `${key} ${iso(open)}: is stored twice`);
    series.set(open, values);
    checkCandle(findings, truth(String(row.symbol), timeframeOf(key)).get(open), { key, open, values, row });
  }
  return stored;
}

function checkCandle(
  findings: Findings,
  right: Values | undefined,
  {
    key,
    open,
    values,
    row,
  }: { readonly key: string; readonly open: number; readonly values: Values; readonly row: Row },
): void {
  const timeframe = timeframeOf(key);
  const where = (): string => `${key} ${iso(open)}`;
  const [first, high, low, close, volume] = values;
  findings.holds('I05 grid', opensAt(timeframe, open), () => `${where()}: does not open on the grid`);
  const fetchedAt = Number(row.fetched_at);
  findings.holds(
    'I01 closed',
    endOf(timeframe, open) + SETTLE_MS <= fetchedAt,
    () => `${where()}: was fetched at ${iso(fetchedAt)}, before it had closed and settled`,
  );
  const sound =
    values.every(Number.isFinite) &&
    low > 0 &&
    low <= Math.min(first, close) &&
    high >= Math.max(first, close) &&
    volume >= 0;
  findings.holds('I09 sound', sound, () => `${where()}: is malformed: ${values.join(', ')}`);
  findings.holds('I04 invented', right !== undefined, () => `${where()}: is a candle that the market does not have`);
  if (right === undefined) return;
  findings.holds(
    'I12 equal',
    right.every((value, place) => Object.is(value, values[place])),
    () => `${where()}: has ${values.join(', ')} where the market has ${right.join(', ')}`,
  );
}

/** I11: nothing that had closed by the newest run without a failure is missing, nor anything before it. */
export function checkComplete(findings: Findings, stored: Stored, truth: Truth, state: DatabaseFile): void {
  const closedBy = newestRuns(state);
  const worked = endedRuns(state, 'without failure');
  for (const [key, series] of withLost(stored, worked.keys())) {
    const [symbol = '', timeframe = ''] = key.split(' ');
    const asOf = series.size === 0 ? worked.get(key) : closedBy.get(timeframe);
    if (asOf === undefined) continue;
    for (const open of truth(symbol, timeframe).keys()) {
      if (endOf(timeframe, open) + SETTLE_MS > asOf) continue;
      findings.holds('I11 complete', series.has(open), () => `${key} ${iso(open)}: is on the market and not stored`);
    }
  }
}
