/** I03 I61: the ledger of gaps, against what is stored and what the market has. */
import { endOf } from './calendar';
import { SETTLE_MS, withLost } from './candles';
import type { Stored } from './candles';
import { iso, keyOf } from './database-file';
import type { DatabaseFile } from './database-file';
import type { Findings } from './findings';
import type { Truth } from './market-truth';

/** The word for a slot that has closed and that no answer has told of: it is accounted for, and explains nothing. */
export const NOT_ASKED = 'not asked';

/** Slots that the ledger names, by `BTC/USDT 1h`, with its word for each. */
export type Gaps = ReadonlyMap<string, ReadonlyMap<number, string>>;

export function readGaps(state: DatabaseFile): Gaps {
  const gaps = new Map<string, Map<number, string>>();
  for (const row of state.all('SELECT * FROM gap')) {
    const key = keyOf(row);
    const slots = gaps.get(key) ?? new Map<number, string>();
    gaps.set(key, slots);
    for (let at = Number(row.from_open); at <= Number(row.to_open); at = endOf(String(row.timeframe), at)) {
      slots.set(at, Number(row.asks) === 0 ? NOT_ASKED : String(row.state));
    }
  }
  return gaps;
}

/** `ended`: by pair, the time of the newest run that ended; up to it closed slots are accounted for, candle or not. */
export function checkGaps(
  findings: Findings,
  stored: Stored,
  gaps: Gaps,
  truth: Truth,
  ended: ReadonlyMap<string, number> = new Map(),
): void {
  for (const [key, series] of withLost(stored, ended.keys())) {
    const [symbol = '', timeframe = ''] = key.split(' ');
    const told = gaps.get(key) ?? new Map<number, string>();
    const market = truth(symbol, timeframe);
    // Where nothing is stored, everything since the market's first candle is due.
    const [first = null] = series.size === 0 ? market.keys() : series.keys();
    const last = [...series.keys()].at(-1) ?? -1;
    const closedBy = (ended.get(key) ?? 0) - SETTLE_MS;
    const isDue = (at: number): boolean => at <= last || endOf(timeframe, at) <= closedBy;
    for (let at = first; at !== null && isDue(at); at = endOf(timeframe, at)) {
      const has = series.has(at);
      findings.holds(
        'I03 explained',
        has !== told.has(at),
        () => `${key} ${iso(at)}: ${has ? 'is stored and called a gap' : 'is an unexplained hole'}`,
      );
    }
    for (const [at, word] of told) {
      if (word === 'suspect' || word === NOT_ASKED) continue;
      findings.holds('I61 empty', !market.has(at), () => `${key} ${iso(at)}: is called ${word}, and the market has it`);
    }
  }
}
