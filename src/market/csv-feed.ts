import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PipelineError } from '../domain/errors';
import { closeOf, isTimeframe } from '../domain/timeframe';
import { isSymbol, symbolFileName } from '../domain/types';
import type { Candle, EpochMs, MarketSymbol, SlotRange, TimeframeId } from '../domain/types';
import { partOfBar } from './bar';
import { listingOf } from './feed';
import type { Feed, Listing } from './feed';

const FILE_NAME = /^([A-Z0-9]+)_([A-Z0-9]+)-([0-9]+[a-zA-Z])\.csv\.gz$/;
const HEADER = 'timestamp_ms,open,high,low,close,volume';
const COLUMNS = 6;
/** The exchange's own files do not say a tick size; it writes eight decimals everywhere. */
const DECIMALS = 8;

/** The rows of one file, flat: `COLUMNS` numbers a row. */
class CandleTable {
  readonly #values: Float64Array;
  readonly rows: number;

  constructor(values: Float64Array) {
    this.#values = values;
    this.rows = values.length / COLUMNS;
  }

  openTime(row: number): EpochMs {
    return this.#values[row * COLUMNS] ?? Number.NaN;
  }

  /** How many rows open before `time`. */
  rowsBefore(time: EpochMs): number {
    let low = 0;
    let high = this.rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.openTime(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  candle(row: number): Candle {
    const [openTime = 0, open = 0, high = 0, low = 0, close = 0, volume = 0] = this.#values.subarray(
      row * COLUMNS,
      (row + 1) * COLUMNS,
    );
    return { openTime, open, high, low, close, volume };
  }
}

function readTable(file: string): CandleTable {
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  if (header?.trimEnd() !== HEADER) {
    throw new PipelineError('invalid_input', `${file} does not begin with "${HEADER}"`);
  }
  const values = new Float64Array(lines.length * COLUMNS);
  lines.forEach((line, row) => {
    const fields = line.split(',').map(Number);
    const inOrder = row === 0 || (fields[0] ?? 0) > (values[(row - 1) * COLUMNS] ?? 0);
    if (fields.length !== COLUMNS || !fields.every(Number.isFinite) || !inOrder) {
      throw new PipelineError('invalid_input', `${file} line ${row + 2} is not a candle that follows the one before`);
    }
    values.set(fields, row * COLUMNS);
  });
  return new CandleTable(values);
}

/** Digits after the point as the number is written. */
function decimalsOf(value: number): number {
  return Math.min(DECIMALS, String(value).split('.')[1]?.length ?? 0);
}

function formingCandle(candle: Candle, closeTime: EpochMs, now: EpochMs): Candle {
  const decimals = Math.max(...[candle.open, candle.high, candle.low, candle.close].map(decimalsOf));
  const share = (now - candle.openTime) / (closeTime - candle.openTime);
  return { openTime: candle.openTime, ...partOfBar(candle, share, decimals, decimalsOf(candle.volume)) };
}

/**
 * Candles of a folder of `SYMBOL_QUOTE-TF.csv.gz`, as they are: gaps stay gaps, and a timeframe without a file has no
 * candles. Files are read when first asked for and kept.
 */
export class CsvFeed implements Feed {
  readonly description: string;
  readonly listings: readonly Listing[];
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #tables = new Map<string, CandleTable | null>();

  /** @throws PipelineError `invalid_input` when the folder can not be read or holds no file of a wanted symbol. */
  constructor(folder: string, wanted?: readonly MarketSymbol[]) {
    this.#folder = folder;
    this.#names = new Set(candleFiles(folder));
    const found = new Set<MarketSymbol>();
    for (const name of this.#names) {
      const symbol = name.replace(FILE_NAME, '$1/$2');
      if (isSymbol(symbol)) found.add(symbol);
    }
    const symbols = wanted ?? [...found].toSorted();
    const missing = symbols.filter((symbol) => !found.has(symbol));
    if (symbols.length === 0 || missing.length > 0) {
      throw new PipelineError('invalid_input', `${folder} has no candle file of ${missing.join(', ') || 'any symbol'}`);
    }
    this.description = `candles of ${folder}, ${symbols.length} symbols`;
    this.listings = symbols.map((symbol) =>
      listingOf(symbol, { priceDecimals: DECIMALS, lotDecimals: DECIMALS, listedAt: 0 }),
    );
  }

  range(symbol: MarketSymbol, timeframe: TimeframeId, now: EpochMs): SlotRange | null {
    const table = this.#table(symbol, timeframe);
    const rows = table?.rowsBefore(now) ?? 0;
    return table === null || rows === 0 ? null : { from: table.openTime(0), to: table.openTime(rows - 1) };
  }

  candle(symbol: MarketSymbol, timeframe: TimeframeId, openTime: EpochMs, now: EpochMs): Candle | null {
    const table = this.#table(symbol, timeframe);
    if (table === null || openTime >= now) return null;
    const row = table.rowsBefore(openTime);
    if (row === table.rows || table.openTime(row) !== openTime) return null;
    const closeTime = closeOf(timeframe, openTime);
    return closeTime <= now ? table.candle(row) : formingCandle(table.candle(row), closeTime, now);
  }

  #table(symbol: MarketSymbol, timeframe: TimeframeId): CandleTable | null {
    const name = `${symbolFileName(symbol)}-${timeframe}.csv.gz`;
    let table = this.#tables.get(name);
    if (table === undefined) {
      // Asked of the listing, not of the disk: 1m and 1M are one file where case does not count.
      table = this.#names.has(name) ? readTable(join(this.#folder, name)) : null;
      this.#tables.set(name, table);
    }
    return table;
  }
}

function candleFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => isTimeframe(FILE_NAME.exec(name)?.[3] ?? ''));
  } catch (cause) {
    throw new PipelineError('invalid_input', `the folder ${folder} can not be read`, { cause });
  }
}
