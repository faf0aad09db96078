/** Rows of a CSV file, one after the other, whatever their number. */
import { openText, textLines } from './candle-csv';

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Lines looked at for the delimiter and the header. */
const LINES_LOOKED_AT = 5;

async function firstLines(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of textLines(path)) {
    lines.push(line.replace(/^\uFEFF/, ''));
    if (lines.length === LINES_LOOKED_AT) break;
  }
  return lines;
}

export interface CsvShape {
  readonly delimiter: string;
  /** Lines before the table: a provider's address, for example. */
  readonly preamble: number;
  /** The names of the columns, or null when the table begins with a row of values. */
  readonly header: readonly string[] | null;
  readonly columns: number;
}

/** @throws Error in one sentence when the file can not be read or is empty. */
export async function readShape(path: string): Promise<CsvShape> {
  const lines = await firstLines(path);
  const widths = DELIMITERS.map((delimiter) => Math.max(0, ...lines.map((line) => line.split(delimiter).length)));
  const columns = Math.max(...widths);
  const delimiter = DELIMITERS[widths.indexOf(columns)] ?? ',';
  const preamble = lines.findIndex((line) => line.split(delimiter).length === columns);
  if (preamble === -1 || columns < 2) throw new Error(`${path}: no table was found in its first lines.`);
  const cells = (lines[preamble] ?? '').split(delimiter).map((cell) => cell.trim().replaceAll(/^"|"$/g, ''));
  const header = cells.some((cell) => /\d/.test(cell) && !/[a-z]{2}/i.test(cell)) ? null : cells;
  return { delimiter, preamble, header, columns };
}

/** The rows of values: what comes before them is left out. */
export async function* csvRows(path: string, { delimiter, preamble, header }: CsvShape): AsyncGenerator<string[]> {
  // Loaded by the import alone: the command line must start fast.
  const { parse } = await import('csv-parse');
  const skipped = preamble + (header === null ? 0 : 1);
  const parser = parse({
    delimiter,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    from_line: skipped + 1,
  });
  const text = openText(path);
  text.on('error', (error) => parser.destroy(error));
  for await (const row of text.pipe(parser)) yield row as string[];
}
