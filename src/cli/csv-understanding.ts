/** What a foreign CSV file holds, found in a first pass over all its rows; and its candles, read in a second one. */
import { checkRow, sameValues } from '../domain/candle';
import { closeOf } from '../domain/timeframe';
import type { Candle, EpochMs, Pair } from '../domain/types';
import { csvRows, readShape } from './csv-rows';
import type { CsvShape } from './csv-rows';
import { findColumns, isSameSymbol } from './csv-columns';
import type { CsvColumns } from './csv-columns';
import { provenOrder, readTime } from './csv-time';
import type { DayOrder } from './csv-time';
import type { Refusals } from './candle-csv';

export const CONFLICT_RULES = ['refuse', 'first', 'last'] as const;
export type ConflictRule = (typeof CONFLICT_RULES)[number];

/** What the operator says about a file, where it can not be told from the file itself. */
export interface CsvHints {
  /** Names of the columns, in order, instead of a header. */
  readonly columns: readonly string[] | null;
  readonly dates: DayOrder | null;
  /** Which row of one slot counts when several have different values. */
  readonly conflicts: ConflictRule;
}

export interface CsvUnderstanding {
  readonly shape: CsvShape;
  readonly names: readonly string[];
  readonly columns: CsvColumns;
  readonly rows: number;
  /** Rows by format of their time. */
  readonly times: Readonly<Record<string, number>>;
  readonly dayOrder: DayOrder | null;
  readonly order: 'oldest first' | 'newest first' | 'mixed';
  /** The most frequent distance between two rows, milliseconds, and how many have it. */
  readonly step: { readonly milliseconds: number; readonly rows: number };
}

/** What can not be known without being told; each is a sentence that says how to tell it. */
export class CsvAmbiguity extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'CsvAmbiguity';
  }
}

/** @throws CsvAmbiguity with everything that would have to be guessed. */
export async function understand(path: string, pair: Pair, hints: CsvHints): Promise<CsvUnderstanding> {
  const shape = await readShape(path);
  const names = hints.columns ?? shape.header;
  if (names === null) {
    throw new CsvAmbiguity([
      'it has no header: say what its columns are, like --columns unix,date,symbol,open,high,low,close,volume',
    ]);
  }
  if (names.length !== shape.columns) {
    throw new CsvAmbiguity([`it has ${shape.columns} columns, ${names.length} are named`]);
  }
  const { columns, problems } = findColumns(names, pair);
  if (columns === null) throw new CsvAmbiguity([...problems, 'name the columns with --columns']);
  const survey = new Survey(columns);
  for await (const row of csvRows(path, shape)) survey.take(row);
  return { shape, names, columns, ...survey.result(pair, hints) };
}

/** Counts over all rows. */
class Survey {
  private rows = 0;
  private readonly times = new Map<string, number>();
  private readonly proven = new Set<DayOrder>();
  private readonly steps = new Map<number, number>();
  private readonly symbols = new Set<string>();
  private readonly turns = { up: 0, down: 0 };
  private before: EpochMs | null = null;

  constructor(private readonly columns: CsvColumns) {}

  take(row: readonly string[]): void {
    this.rows++;
    const text = row[this.columns.time] ?? '';
    const order = provenOrder(text);
    if (order !== null) this.proven.add(order);
    const known: DayOrder = this.proven.has('month-first') ? 'month-first' : 'day-first';
    const reading = readTime(text, known);
    const format = reading?.format ?? 'not a time';
    this.times.set(format, (this.times.get(format) ?? 0) + 1);
    const symbol = this.columns.symbol === null ? undefined : row[this.columns.symbol];
    if (symbol !== undefined && this.symbols.size < 20) this.symbols.add(symbol);
    this.measure(reading?.time ?? null);
  }

  private measure(time: EpochMs | null): void {
    if (time !== null && this.before !== null && time !== this.before) {
      const step = Math.abs(time - this.before);
      this.steps.set(step, (this.steps.get(step) ?? 0) + 1);
      if (time > this.before) this.turns.up++;
      else this.turns.down++;
    }
    if (time !== null) this.before = time;
  }

  result(pair: Pair, hints: CsvHints): Omit<CsvUnderstanding, 'shape' | 'names' | 'columns'> {
    const { up, down } = this.turns;
    const [milliseconds, rows] = [...this.steps].toSorted(([, a], [, b]) => b - a)[0] ?? [0, 0];
    const dayOrder = hints.dates ?? [...this.proven][0] ?? null;
    const problems = this.problems(pair, hints, milliseconds);
    if (problems.length > 0) throw new CsvAmbiguity(problems);
    return {
      rows: this.rows,
      times: Object.fromEntries(this.times),
      dayOrder,
      order:
        down === 0
          ? 'oldest first'
          : up === 0
            ? 'newest first'
            : up > down * 100 || down > up * 100
              ? up > down
                ? 'oldest first'
                : 'newest first'
              : 'mixed',
      step: { milliseconds, rows },
    };
  }

  private problems(pair: Pair, hints: CsvHints, step: number): string[] {
    const problems: string[] = [];
    const slashes = this.times.has('DD/MM/YYYY hh:mm or MM/DD/YYYY hh:mm');
    if (slashes && hints.dates === null && this.proven.size === 0)
      problems.push('no date tells whether the day or the month comes first: say --dates day-first or month-first');
    if (this.proven.size > 1) problems.push('some dates have the day first, others the month');
    if (hints.dates !== null && [...this.proven].some((order) => order !== hints.dates))
      problems.push(`--dates ${hints.dates} is contradicted by dates like 13/04/2021`);
    const other = [...this.symbols].filter((name) => !isSameSymbol(name, pair.symbol));
    if (other.length > 0) problems.push(`its rows are of ${other.slice(0, 3).join(', ')}, not of ${pair.symbol}`);
    // Months and single rows apart, the rows lie as far apart as their candles are long.
    const expected = closeOf(pair.timeframe, 0);
    if (step !== 0 && step !== expected && pair.timeframe !== '1M')
      problems.push(
        `most rows lie ${step / 60_000} minutes apart, those of ${pair.timeframe} lie ${expected / 60_000} minutes apart`,
      );
    return problems;
  }
}

export interface CsvCandles {
  /** Ascending, one a slot. */
  readonly candles: readonly Candle[];
  readonly refused: Refusals;
  readonly repeats: number;
  /** Slots that were given with different values. */
  readonly conflicts: number;
  /** Rows whose second time column says another time. */
  readonly datesThatDiffer: number;
  /** Candles whose high is more than twice their low: possible, and worth a look. Open times. */
  readonly wide: readonly EpochMs[];
}

export interface CsvRules {
  readonly asOf: EpochMs;
  readonly settleMs: number;
}

const NUMBER = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Every row as it was understood; bad ones are refused and counted, none is corrected. All in memory: a file is not sorted. */
export async function readCandles(
  path: string,
  pair: Pair,
  { shape, columns, dayOrder }: CsvUnderstanding,
  { conflicts: rule }: CsvHints,
  { asOf, settleMs }: CsvRules,
): Promise<CsvCandles> {
  const slots = new Map<EpochMs, Candle[]>();
  const refused: Refusals = {};
  const refuse = (reason: string): void => {
    refused[reason] = (refused[reason] ?? 0) + 1;
  };
  let [repeats, datesThatDiffer] = [0, 0];
  for await (const row of csvRows(path, shape)) {
    const reading = readTime(row[columns.time] ?? '', dayOrder);
    if (reading?.time === undefined || reading.time === null) {
      refuse(reading === null ? 'unreadable_time' : 'impossible_date');
      continue;
    }
    const date = columns.date === null ? null : readTime(row[columns.date] ?? '', dayOrder);
    if (date !== null && date.time !== reading.time) datesThatDiffer++;
    const texts = [columns.open, columns.high, columns.low, columns.close, columns.volume].map((at) => row[at] ?? '');
    const fields = texts.every((text) => NUMBER.test(text)) ? [reading.time, ...texts.map(Number)] : null;
    const check = checkRow(fields, pair.timeframe, asOf, settleMs);
    if (check.kind === 'forming') refuse('not_closed');
    else if (check.kind === 'fault') refuse(check.fault);
    else if (!addVariant(slots, check.candle)) repeats++;
  }
  return { ...settle(slots, rule, refuse), refused, repeats, datesThatDiffer };
}

/** False when the slot has these very values already. */
function addVariant(slots: Map<EpochMs, Candle[]>, candle: Candle): boolean {
  const known = slots.get(candle.openTime);
  if (known === undefined) slots.set(candle.openTime, [candle]);
  else if (known.some((other) => sameValues(other, candle))) return false;
  else known.push(candle);
  return true;
}

function settle(
  slots: ReadonlyMap<EpochMs, readonly Candle[]>,
  rule: ConflictRule,
  refuse: (reason: string) => void,
): Pick<CsvCandles, 'candles' | 'conflicts' | 'wide'> {
  const candles: Candle[] = [];
  let conflicts = 0;
  for (const variants of slots.values()) {
    if (variants.length > 1) conflicts++;
    const chosen =
      variants.length === 1 || rule === 'first' ? variants[0] : rule === 'last' ? variants.at(-1) : undefined;
    if (chosen !== undefined) candles.push(chosen);
    for (const variant of variants) if (variant !== chosen) refuse('conflicting_duplicate');
  }
  candles.sort((a, b) => a.openTime - b.openTime);
  return {
    candles,
    conflicts,
    wide: candles.filter(({ high, low }) => high > 2 * low).map(({ openTime }) => openTime),
  };
}
