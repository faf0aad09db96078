/** What was understood of a foreign CSV file, as an operator reads it before anything is stored. */
import type { EpochMs } from '../domain/types';
import type { CsvCandles, CsvHints, CsvUnderstanding } from './csv-understanding';
import { textFacts } from './text-table';
import { countText, isoOrNull, isoText, lengthText, minuteText, plural } from './wording';

export interface ForeignReport {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Times named in the report. */
const EXAMPLES = 5;

export function foreignReport(found: CsvUnderstanding, read: CsvCandles, hints: CsvHints): ForeignReport {
  const { names, columns } = found;
  const [first, last] = [read.candles[0]?.openTime ?? null, read.candles.at(-1)?.openTime ?? null];
  const used = {
    time: columns.time,
    open: columns.open,
    high: columns.high,
    low: columns.low,
    close: columns.close,
    volume: columns.volume,
  };
  const mapping = Object.fromEntries(Object.entries(used).map(([what, at]) => [what, names[at] ?? '']));
  const taken = new Set(Object.values(used));
  const unused = names.filter((_, index) => !taken.has(index));
  const header = found.shape.header === null ? 'none' : `line ${found.shape.preamble + 1}`;
  const facts: [string, string][] = [
    ['header', `${header}, columns apart by ${JSON.stringify(found.shape.delimiter)}`],
    [
      'columns',
      Object.entries(mapping)
        .map(([what, name]) => `${what} = "${name}"`)
        .join(', '),
    ],
    ['not used', unused.length === 0 ? 'none' : unused.map((name) => `"${name}"`).join(', ')],
    ['times', `${timesText(found)}; taken as open times in UTC`],
    ['order', found.order],
    [
      'step',
      found.step.rows === 0
        ? 'one row'
        : `${lengthText(found.step.milliseconds)} between ${countText(found.step.rows)} of ${countText(found.rows)} rows`,
    ],
    ['candles', `${countText(read.candles.length)}, ${minuteText(first)} to ${minuteText(last)}`],
    ['repeats', `${plural(read.repeats, 'row')} with the values of another`],
    ['conflicts', conflictText(read, hints)],
    ...(columns.date === null ? [] : [dateFact(found, read)]),
    ['refused', refusalText(read.refused)],
    ...(read.wide.length === 0 ? [] : [wideFact(read.wide)]),
  ];
  const json = {
    header: found.shape.header,
    delimiter: found.shape.delimiter,
    columns: mapping,
    not_used: unused,
    times: found.times,
    day_order: found.dayOrder,
    order: found.order,
    step_seconds: found.step.milliseconds / 1000,
    rows: found.rows,
    candles: read.candles.length,
    first: isoOrNull(first),
    last: isoOrNull(last),
    duplicates: read.repeats,
    conflicts: read.conflicts,
    dates_that_differ: read.datesThatDiffer,
    wide: read.wide.map(isoText),
    refused: read.refused,
  };
  return { text: textFacts(facts), json };
}

function timesText({ times, dayOrder }: CsvUnderstanding): string {
  const parts = Object.entries(times).map(([format, rows]) => `${plural(rows, 'row')} as ${format}`);
  return `${parts.join(', ')}${dayOrder === null ? '' : `, ${dayOrder.replace('-', ' ')}`}`;
}

function conflictText({ conflicts }: CsvCandles, hints: CsvHints): string {
  if (conflicts === 0) return 'none';
  const choice =
    hints.conflicts === 'refuse'
      ? 'all of them refused; --conflicts first or last takes one'
      : `the ${hints.conflicts} in the file counts`;
  return `${plural(conflicts, 'slot')} with different values: ${choice}`;
}

function dateFact({ names, columns }: CsvUnderstanding, { datesThatDiffer }: CsvCandles): [string, string] {
  const name = names[columns.date ?? -1] ?? '';
  const differ =
    datesThatDiffer === 0 ? 'says the same' : `says another time, or none, in ${plural(datesThatDiffer, 'row')}`;
  return ['second time', `"${name}" ${differ}; "${names[columns.time] ?? ''}" counts`];
}

function wideFact(wide: readonly EpochMs[]): [string, string] {
  const named = wide.slice(0, EXAMPLES).map((time) => minuteText(time));
  const rest = wide.length > EXAMPLES ? ', …' : '';
  return ['look at', `${plural(wide.length, 'candle')} whose high is over twice the low: ${named.join(', ')}${rest}`];
}

export function refusalText(refused: Readonly<Record<string, number>>): string {
  const parts = Object.entries(refused).map(([reason, count]) => `${countText(count)} ${reason.replaceAll('_', ' ')}`);
  return parts.length === 0 ? '0' : parts.join(', ');
}
