/** Which column of a CSV export holds what, by its name. What has two candidates or none is a problem, never a guess. */
import { isSymbol } from '../domain/types';
import type { MarketSymbol } from '../domain/types';

export interface CsvColumns {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** A second column of times, which is held against the first. */
  readonly date: number | null;
  readonly symbol: number | null;
}

/** Numbers of an epoch before dates: they need no format. */
const TIME_NAMES = [
  ['timestamp_ms', 'unix', 'unix timestamp', 'open_time', 'open time', 'opentime', 'timestamp', 'time', 'ts'],
  ['date', 'datetime', 'date time', 'date(utc)', 'date_utc'],
];
const SYMBOL_NAMES = ['symbol', 'pair', 'market', 'ticker'];

type ColumnsFound =
  | { readonly columns: CsvColumns; readonly problems: readonly [] }
  | { readonly columns: null; readonly problems: readonly string[] };

/** @param names the header, or what was given instead of it */
export function findColumns(names: readonly string[], { symbol }: { readonly symbol: MarketSymbol }): ColumnsFound {
  const plain = names.map((name) => name.trim().toLowerCase());
  const problems: string[] = [];
  const one = (what: string, candidates: readonly string[]): number => {
    const found = plain.flatMap((name, index) => (candidates.includes(name) ? [index] : []));
    if (found.length > 1) problems.push(`${found.length} columns could be the ${what}: ${told(names, found)}`);
    if (found.length === 0) problems.push(`no column is named as the ${what}`);
    return found[0] ?? -1;
  };
  const [numbers, dates] = TIME_NAMES.map((list) =>
    plain.flatMap((name, index) => (list.includes(name) ? [index] : [])),
  );
  const times = numbers !== undefined && numbers.length > 0 ? numbers : (dates ?? []);
  if (times.length === 0) problems.push('no column is named as the time');
  if (times.length > 1) problems.push(`${times.length} columns could be the time: ${told(names, times)}`);
  const columns: CsvColumns = {
    time: times[0] ?? -1,
    open: one('open', ['open', 'o']),
    high: one('high', ['high', 'h']),
    low: one('low', ['low', 'l']),
    close: one('close', ['close', 'c']),
    volume: volumeColumn(plain, names, symbol, problems),
    date: times === numbers ? (dates?.[0] ?? null) : null,
    symbol: optional(plain, SYMBOL_NAMES),
  };
  return problems.length === 0 ? { columns, problems: [] } : { columns: null, problems };
}

/** The volume in the base currency: named so, or the only one there is. */
function volumeColumn(
  plain: readonly string[],
  names: readonly string[],
  symbol: MarketSymbol,
  problems: string[],
): number {
  const base = symbol.split('/')[0]?.toLowerCase() ?? '';
  const named = ['volume_base', 'base volume', `volume ${base}`, `volume_${base}`, `volume(${base})`];
  const found = plain.flatMap((name, index) => (named.includes(name) ? [index] : []));
  const simple = plain.flatMap((name, index) => (['volume', 'vol', 'v'].includes(name) ? [index] : []));
  const all = found.length > 0 ? found : simple;
  if (all.length === 0) problems.push(`no column is named as the volume in ${base.toUpperCase()}`);
  if (all.length > 1) problems.push(`${all.length} columns could be the volume: ${told(names, all)}`);
  return all[0] ?? -1;
}

function optional(plain: readonly string[], candidates: readonly string[]): number | null {
  const index = plain.findIndex((name) => candidates.includes(name));
  return index === -1 ? null : index;
}

function told(names: readonly string[], indexes: readonly number[]): string {
  return indexes.map((index) => `"${names[index] ?? ''}"`).join(', ');
}

/** `BTCUSDT`, `BTC-USDT`, `btc/usdt` and `BTC_USDT` are all the symbol `BTC/USDT`. */
export function isSameSymbol(text: string, symbol: MarketSymbol): boolean {
  const plain = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  return isSymbol(symbol) && plain(text) === plain(symbol);
}
