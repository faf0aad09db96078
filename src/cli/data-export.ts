/** `data export`: candles to CSV and Parquet files. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { shiftSlots } from '../domain/timeframe';
import { pairKey, symbolFileName, type Candle, type EpochMs, type Pair } from '../domain/types';
import { anySymbol, anyTimeframe } from './arguments';
import { CSV_HEADER, csvLine, writeLines } from './candle-csv';
import { writeParquet } from './candle-parquet';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import { print, progressTo, type FormatOptions } from './output';
import type { CliWiring } from './wiring';

export interface ExportOptions extends FormatOptions {
  readonly to?: string;
  readonly from?: EpochMs;
  readonly until?: EpochMs;
  /** Format of the files of all pairs. */
  readonly format?: (typeof EXPORT_FORMATS)[number];
}

export const EXPORT_FORMATS = ['csv', 'parquet'] as const;

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
  await writeFile(wiring, pair, options.to, options);
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
    const ending = options.format === 'parquet' ? 'parquet' : 'csv.gz';
    const file = join(folder, `${symbolFileName(pair.symbol)}-${pair.timeframe}.${ending}`);
    progressTo(wiring)(`writing ${file}`);
    await writeFile(wiring, pair, file, options);
    files.push({ ...pair, file });
  }
  print(wiring, options, { text: files.map((row) => `${pairKey(row)}: ${row.file}\n`).join(''), json: { files } });
}

/** The name's ending decides the format. */
async function writeFile(wiring: CliWiring, pair: Pair, file: string, options: ExportOptions): Promise<void> {
  if (file.endsWith('.parquet')) await writeParquet(file, batchesOf(wiring, pair, options));
  else await writeLines(file, linesOf(wiring, pair, options));
}

/** Candles asked for at once. */
const BATCH = 10_000;

async function* batchesOf(wiring: CliWiring, pair: Pair, options: ExportOptions): AsyncGenerator<readonly Candle[]> {
  const { candles } = await wiring.stores();
  let from = options.from ?? 0;
  for (;;) {
    const until = options.until === undefined ? {} : { to: options.until };
    const batch = await candles.read(pair, { from, limit: BATCH, ...until });
    yield batch;
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    from = shiftSlots(pair.timeframe, last.openTime, 1);
  }
}

async function* linesOf(wiring: CliWiring, pair: Pair, options: ExportOptions): AsyncGenerator<string> {
  yield `${CSV_HEADER}\n`;
  for await (const batch of batchesOf(wiring, pair, options)) yield batch.map(csvLine).join('');
}
