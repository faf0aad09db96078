/** `data import` and `data export`: candles from and to CSV files. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isTimeframe, shiftSlots } from '../domain/timeframe';
import {
  isSymbol,
  pairKey,
  symbolFileName,
  type Candle,
  type EpochMs,
  type Pair,
  type SlotRange,
} from '../domain/types';
import { anySymbol, anyTimeframe } from './arguments';
import { CSV_HEADER, CandleRows, csvLine, readCandleFile, writeLines, type Refusals } from './candle-csv';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliStores, CliWiring } from './wiring';
import { countText, messageOf } from './wording';

export interface ImportOptions extends FormatOptions {
  readonly symbol?: string;
  readonly timeframe?: string;
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
}

/** The exchange's own word always wins: imported candles count as fetched before anything else was. */
const BEFORE_ANY_FETCH: EpochMs = 0;

export async function importFiles(wiring: CliWiring, files: readonly string[], options: ImportOptions): Promise<void> {
  const stores = await wiring.stores();
  const rows: ImportRow[] = [];
  for (const file of files) {
    progressTo(wiring)(`reading ${file}`);
    rows.push(await importFile(wiring, stores, file, pairOf(file, options)));
  }
  const table = textTable<ImportRow>(
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
  const text = `into the candles of ${stores.source} (kept: the store has other values from the exchange)\n${table}`;
  const json = rows.map(({ pair, ...row }) => ({
    ...row,
    symbol: pair?.symbol ?? null,
    timeframe: pair?.timeframe ?? null,
  }));
  print(wiring, options, { text, json: { source: stores.source, files: json } });
  const bad = rows.filter((row) => row.error !== null || Object.keys(row.refused).length > 0);
  const good = rows.some((row) => row.stored + row.unchanged + row.kept > 0);
  if (bad.length > 0) endWith(good ? EXIT_CODES.partial : EXIT_CODES.data);
}

function refusalText(refused: Refusals): string {
  const parts = Object.entries(refused).map(([reason, count]) => `${countText(count)} ${reason.replaceAll('_', ' ')}`);
  return parts.length === 0 ? '0' : parts.join(', ');
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

async function importFile(wiring: CliWiring, stores: CliStores, file: string, pair: Pair): Promise<ImportRow> {
  const rules = { timeframe: pair.timeframe, asOf: wiring.clock.now(), settleMs: wiring.config().settleMs };
  const rows = new CandleRows(rules);
  const result: ImportRow = {
    file,
    pair,
    stored: 0,
    unchanged: 0,
    kept: 0,
    duplicates: 0,
    refused: rows.refused,
    error: null,
  };
  try {
    for await (const batch of readCandleFile(file, rows)) {
      const outcome = await stores.candles.write(pair, batch, BEFORE_ANY_FETCH);
      await stores.gapLedger.resolve(pair, runsOf(pair, batch));
      result.stored += outcome.inserted + outcome.revisions.length;
      result.unchanged += outcome.unchanged;
      result.kept += outcome.outdated;
    }
  } catch (error) {
    result.error = fileFault(file, error);
  }
  result.duplicates = rows.duplicates;
  return result;
}

function fileFault(file: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `${file}: there is no such file.`;
  if (code === 'Z_DATA_ERROR' || code === 'Z_BUF_ERROR')
    return `${file}: not gzip, or cut off; rows before the fault are stored.`;
  return messageOf(error);
}

/** Ascending candles as ranges of slots without a hole. */
function runsOf(pair: Pair, candles: readonly Candle[]): SlotRange[] {
  const runs: SlotRange[] = [];
  for (const { openTime } of candles) {
    const last = runs.at(-1);
    if (last !== undefined && shiftSlots(pair.timeframe, last.to, 1) === openTime)
      runs[runs.length - 1] = { ...last, to: openTime };
    else runs.push({ from: openTime, to: openTime });
  }
  return runs;
}

export interface ExportOptions extends FormatOptions {
  readonly to?: string;
  readonly from?: EpochMs;
  readonly until?: EpochMs;
}

/** One pair to stdout or a file, or every stored pair into a folder. */
export async function exportCandles(
  wiring: CliWiring,
  symbol: string | undefined,
  timeframe: string | undefined,
  options: ExportOptions,
): Promise<void> {
  const { candles } = await wiring.stores();
  if (symbol === undefined) {
    await exportAll(wiring, options);
    return;
  }
  if (timeframe === undefined)
    throw new CommandEnd(EXIT_CODES.usage, `say which timeframe of ${symbol}, for example 1h.`);
  const pair: Pair = { symbol: anySymbol(symbol), timeframe: anyTimeframe(timeframe) };
  if ((await candles.extent(pair)) === null) {
    throw new CommandEnd(EXIT_CODES.data, `no candle of ${pairKey(pair)} is stored: see "data coverage".`);
  }
  if (options.to === undefined) {
    for await (const line of linesOf(wiring, pair, options)) wiring.output.stdout(line);
    return;
  }
  await mkdir(dirname(options.to), { recursive: true });
  await writeLines(options.to, linesOf(wiring, pair, options));
  print(wiring, options, {
    text: `${pairKey(pair)}: ${options.to}\n`,
    json: { files: [{ ...pair, file: options.to }] },
  });
}

async function exportAll(wiring: CliWiring, options: ExportOptions): Promise<void> {
  if (options.to === undefined) {
    throw new CommandEnd(
      EXIT_CODES.usage,
      'say which pair, like "data export BTC/USDT 1h", or give a folder with --to for all.',
    );
  }
  const { candles } = await wiring.stores();
  const folder = options.to;
  await mkdir(folder, { recursive: true });
  const files: (Pair & { file: string })[] = [];
  for (const pair of await candles.pairs()) {
    const file = join(folder, `${symbolFileName(pair.symbol)}-${pair.timeframe}.csv.gz`);
    progressTo(wiring)(`writing ${file}`);
    await writeLines(file, linesOf(wiring, pair, options));
    files.push({ ...pair, file });
  }
  print(wiring, options, { text: files.map((row) => `${pairKey(row)}: ${row.file}\n`).join(''), json: { files } });
}

/** Candles asked for at once. */
const BATCH = 10_000;

async function* linesOf(wiring: CliWiring, pair: Pair, options: ExportOptions): AsyncGenerator<string> {
  const { candles } = await wiring.stores();
  yield `${CSV_HEADER}\n`;
  let from = options.from ?? 0;
  for (;;) {
    const until = options.until === undefined ? {} : { to: options.until };
    const batch = await candles.read(pair, { from, limit: BATCH, ...until });
    yield batch.map(csvLine).join('');
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    from = shiftSlots(pair.timeframe, last.openTime, 1);
  }
}
