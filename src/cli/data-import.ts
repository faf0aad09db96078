/** `data import`: candles from CSV files, our own and those of others. */
import { basename } from 'node:path';
import { isTimeframe } from '../domain/timeframe';
import { isSymbol, pairKey, type EpochMs, type Pair } from '../domain/types';
import { storePage } from '../ingest/stored-page';
import type { WriteOutcome } from '../ports/candle-store';
import { anySymbol, anyTimeframe } from './arguments';
import { CandleRows, checkPacked, isOwnFormat, readCandleFile, type Refusals } from './candle-csv';
import { foreignReport, refusalText, type ForeignReport } from './csv-report';
import type { DayOrder } from './csv-time';
import { CsvAmbiguity, readCandles, understand, type ConflictRule, type CsvHints } from './csv-understanding';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliStores, CliWiring } from './wiring';
import { countText, messageOf } from './wording';

export interface ImportOptions extends FormatOptions {
  readonly symbol?: string;
  readonly timeframe?: string;
  readonly columns?: readonly string[];
  readonly dates?: DayOrder;
  readonly conflicts: ConflictRule;
  /** Store what was understood of a foreign file; without it only the report is printed. */
  readonly apply?: boolean;
}

interface ImportRow {
  readonly file: string;
  readonly pair: Pair | null;
  stored: number;
  unchanged: number;
  /** Slots for which the store holds other values, fetched from the exchange: those stay. */
  kept: number;
  duplicates: number;
  refused: Refusals;
  error: string | null;
  /** What was understood of a foreign file. */
  report: ForeignReport | null;
}

/** The exchange's own word always wins: imported candles count as fetched before anything else was. */
const BEFORE_ANY_FETCH: EpochMs = 0;

export async function importFiles(wiring: CliWiring, files: readonly string[], options: ImportOptions): Promise<void> {
  const stores = await wiring.stores();
  const rows: ImportRow[] = [];
  for (const file of files) {
    progressTo(wiring)(`reading ${file}`);
    rows.push(await importFile(wiring, stores, pairOf(file, options), options, file));
  }
  const reports = rows.flatMap(({ file, pair, report }) =>
    report === null ? [] : [`${basename(file)} as ${pair === null ? '-' : pairKey(pair)}\n${report.text}\n`],
  );
  const untold = rows.some(({ report }) => report !== null) && options.apply !== true;
  const end = untold
    ? 'nothing of files in a foreign format was stored: see above, then run it again with --apply\n'
    : '';
  const text = `into the candles of ${stores.source} (kept: the store has other values from the exchange)\n${tableOf(rows)}`;
  print(wiring, options, {
    text: `${reports.join('')}${text}${end}`,
    json: { source: stores.source, applied: !untold, files: rows.map(jsonOf) },
  });
  const broken = rows.filter((row) => row.error !== null);
  const bad = rows.filter((row) => row.error !== null || Object.keys(row.refused).length > 0);
  const good = rows.some((row) => row.stored + row.unchanged + row.kept > 0);
  if (untold && broken.length === 0) return;
  if (bad.length > 0) endWith(good ? EXIT_CODES.partial : EXIT_CODES.data);
}

function tableOf(rows: readonly ImportRow[]): string {
  return textTable<ImportRow>(
    [
      { title: 'pair', cell: (row) => (row.pair === null ? '-' : pairKey(row.pair)) },
      { title: 'stored', cell: (row) => countText(row.stored), align: 'right' },
      { title: 'unchanged', cell: (row) => countText(row.unchanged), align: 'right' },
      { title: 'kept', cell: (row) => countText(row.kept), align: 'right' },
      { title: 'repeats', cell: (row) => countText(row.duplicates), align: 'right' },
      { title: 'refused', cell: (row) => row.error ?? refusalText(row.refused) },
    ],
    rows,
  );
}

function jsonOf({ pair, report, ...row }: ImportRow): unknown {
  const understood = report === null ? {} : { understood: report.json };
  return { ...row, symbol: pair?.symbol ?? null, timeframe: pair?.timeframe ?? null, ...understood };
}

/** From the options, else from a name like `BTC_USDT-1h.csv.gz`; never guessed. */
function pairOf(file: string, options: ImportOptions): Pair {
  const [, base, quote, timeframe] = /^([A-Z0-9]+)_([A-Z0-9]+)-(\w+)\.csv(?:\.gz)?$/.exec(basename(file)) ?? [];
  const symbol = options.symbol ?? `${base ?? ''}/${quote ?? ''}`;
  const length = options.timeframe ?? timeframe ?? '';
  if (options.symbol !== undefined) anySymbol(options.symbol);
  if (options.timeframe !== undefined) anyTimeframe(options.timeframe);
  if (isSymbol(symbol) && isTimeframe(length)) return { symbol, timeframe: length };
  const sentence = `the name "${basename(file)}" does not tell symbol and timeframe: name it like BTC_USDT-1h.csv.gz or give --symbol and --timeframe.`;
  throw new CommandEnd(EXIT_CODES.usage, sentence);
}

async function importFile(
  wiring: CliWiring,
  stores: CliStores,
  pair: Pair,
  options: ImportOptions,
  file: string,
): Promise<ImportRow> {
  const result: ImportRow = {
    file,
    pair,
    stored: 0,
    unchanged: 0,
    kept: 0,
    duplicates: 0,
    refused: {},
    error: null,
    report: null,
  };
  try {
    await checkPacked(file);
    if (await isOwnFormat(file)) await importOwn(wiring, stores, result, pair);
    else await importForeign(wiring, stores, result, pair, options);
  } catch (error) {
    result.error = fileFault(file, error);
  }
  return result;
}

/** Our own format is exact: nothing has to be understood, and rows are stored while the file is read. */
async function importOwn(wiring: CliWiring, stores: CliStores, result: ImportRow, pair: Pair): Promise<void> {
  const rules = { timeframe: pair.timeframe, asOf: wiring.clock.now(), settleMs: wiring.config().settleMs };
  const rows = new CandleRows(rules);
  result.refused = rows.refused;
  for await (const batch of readCandleFile(result.file, rows)) {
    count(result, await storePage(stores, pair, batch, BEFORE_ANY_FETCH, wiring.clock.now()));
    result.duplicates = rows.duplicates;
  }
  result.duplicates = rows.duplicates;
}

/** Candles stored at once. */
const BATCH = 5_000;

async function importForeign(
  wiring: CliWiring,
  stores: CliStores,
  result: ImportRow,
  pair: Pair,
  options: ImportOptions,
): Promise<void> {
  const hints: CsvHints = {
    columns: options.columns ?? null,
    dates: options.dates ?? null,
    conflicts: options.conflicts,
  };
  const found = await understand(result.file, pair, hints);
  const rules = { asOf: wiring.clock.now(), settleMs: wiring.config().settleMs };
  const read = await readCandles(result.file, pair, found, hints, rules);
  result.report = foreignReport(found, read, hints);
  result.refused = read.refused;
  result.duplicates = read.repeats;
  if (options.apply !== true) return;
  for (let at = 0; at < read.candles.length; at += BATCH)
    count(result, await storePage(stores, pair, read.candles.slice(at, at + BATCH), BEFORE_ANY_FETCH, rules.asOf));
}

function count(result: ImportRow, outcome: WriteOutcome): void {
  result.stored += outcome.inserted + outcome.revisions.length;
  result.unchanged += outcome.unchanged;
  result.kept += outcome.outdated;
}

/** What zlib calls a fault of a compressed file, in words; null for any other error. */
function gzipFault(error: unknown): string | null {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'the compressed file is cut off';
  if (code !== 'Z_DATA_ERROR') return null;
  return message === 'incorrect header check'
    ? 'the file is not gzip, though its name ends with .gz'
    : `the compressed file is damaged (${message})`;
}

function fileFault(file: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `${file}: there is no such file.`;
  if (error instanceof CsvAmbiguity) return `${file}: ${error.message}.`;
  const fault = gzipFault(error);
  return fault === null ? messageOf(error) : `${file}: ${fault}; nothing of it was stored: get the file again.`;
}
