/** The rules one published document must keep, decided from its text alone. Shares only schemas and calendar with the builders. */
import canonicalize from 'canonicalize';
import type { z } from 'zod';
import { isOnGrid, nextBoundary } from '../domain/timeframe';
import { historySchema, predictionSchema, SCHEMA_VERSION } from './documents';
import type { HistoryDocument, PredictionDocument } from './documents';
import type { Report } from './verify-tree';

/** Served values may be this much off the range of the published candles and no more (I40). */
const ABSURD_FACTOR = 21;

/** The document, or null when it is not JSON or breaks its schema; bytes that are not canonical are reported too. */
export function parseDocument<T>(schema: z.ZodType<T>, text: string, where: string, report: Report): T | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    report('I44', where, 'is not JSON');
    return null;
  }
  if (canonicalize(raw) !== text) report('I29', where, 'is not canonical JSON');
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    report('I44', where, `breaks its schema: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trimEnd());
    return null;
  }
  const { schema_version, version = schema_version } = raw as { schema_version?: unknown; version?: unknown };
  if (isKnownVersion(version) && canonicalize(parsed.data) !== canonicalize(raw)) {
    report('I44', where, `has a field that version ${version} does not know`);
  }
  return parsed.data;
}

/** A newer minor version may add fields; one that this program knows may not. */
function isKnownVersion(version: unknown): version is string {
  return typeof version === 'string' && Number(version.split('.')[1]) <= Number(SCHEMA_VERSION.split('.')[1]);
}

/** Parses and checks an object by its own `type`. */
export function checkObject(text: string, where: string, report: Report): HistoryDocument | PredictionDocument | null {
  // Quotes inside a value are escaped, so this finds only the field itself.
  const isPrediction = text.includes('"type":"prediction"');
  const document = isPrediction
    ? parseDocument(predictionSchema, text, where, report)
    : parseDocument(historySchema, text, where, report);
  if (document === null) return null;
  if (Date.parse(document.data_through) > Date.parse(document.updated_at)) {
    report('I02', where, 'rests on a candle that was not closed when it was written');
  }
  if (document.type === 'history') checkHistory(document, where, report);
  else checkPrediction(document, where, report);
  return document;
}

function checkHistory(document: HistoryDocument, where: string, report: Report): void {
  let previous = Number.NEGATIVE_INFINITY;
  for (const { timestamp, open, high, low, close } of document.data) {
    const at = Date.parse(timestamp);
    if (!isOnGrid(document.timeframe, at)) report('I05', where, `${timestamp} is off the grid`);
    if (at <= previous) report('I06', where, `${timestamp} comes twice or out of order`);
    if (high < Math.max(open, close) || low > Math.min(open, close)) {
      report('I09', where, `high or low of ${timestamp} does not hold its body`);
    }
    previous = at;
  }
  const through = Date.parse(document.data_through);
  if (Number.isFinite(previous) && nextBoundary(document.timeframe, previous) !== through) {
    report('I30', where, `data_through is ${document.data_through}, not the close of its last candle`);
  }
}

function checkPrediction(document: PredictionDocument, where: string, report: Report): void {
  const { forecast, timeframe, quality, issued_at, data_through } = document;
  if (!isOnGrid(timeframe, Date.parse(data_through))) report('I43', where, 'data_through is not a boundary');
  if (Date.parse(issued_at) < Date.parse(data_through)) report('I43', where, 'was issued before its data ended');
  let expected = Date.parse(data_through);
  for (const step of forecast) {
    expected = nextBoundary(timeframe, expected);
    if (Date.parse(step.timestamp) !== expected) report('I43', where, `${step.timestamp} is not the next boundary`);
    if (!isOrdered(step)) report('I40', where, `the intervals of ${step.timestamp} are not ordered`);
  }
  const { coverage, sample_count, evaluation_window: _window, ...metrics } = quality;
  const values = [...Object.values(metrics), ...Object.values(coverage)];
  if (sample_count === 0 && values.some((value) => value !== null)) {
    report('I40', where, 'claims a quality though nothing has been scored');
  }
  checkPast(document, where, report);
}

/** What came is told as it came: hits are hits, and no target lies beyond the data. */
function checkPast({ past = [], timeframe, data_through }: PredictionDocument, where: string, report: Report): void {
  for (const { step, targets } of past) {
    let previous = '';
    for (const { timestamp, lower_bound, price, upper_bound, actual, within } of targets) {
      const at = `${timestamp}, forecast ${step} ahead`;
      if (!isOnGrid(timeframe, Date.parse(timestamp))) report('I43', where, `${at}: is not a boundary`);
      if (timestamp <= previous) report('I06', where, `${at}: comes twice or out of order`);
      if (timestamp > data_through) report('I02', where, `${at}: had not closed`);
      if (!(lower_bound <= price && price <= upper_bound)) report('I40', where, `${at}: the interval is not ordered`);
      if (within !== (lower_bound <= actual && actual <= upper_bound)) {
        report('I40', where, `${at}: is called a ${within ? 'hit' : 'miss'} and is none`);
      }
      previous = timestamp;
    }
  }
}

function isOrdered({ price, lower_bound, upper_bound, intervals }: PredictionDocument['forecast'][number]): boolean {
  const { '50': half, '80': wide, '95': widest } = intervals;
  const line = [widest.lower, wide.lower, half.lower, price, half.upper, wide.upper, widest.upper];
  const ascending = line.every((value, k) => k === 0 || (line[k - 1] ?? Number.NaN) <= value);
  return ascending && lower_bound === wide.lower && upper_bound === wide.upper;
}

/** What only both documents of a pair together can tell. */
export function checkTogether(
  history: HistoryDocument,
  prediction: PredictionDocument,
  horizon: number,
  where: string,
  report: Report,
): void {
  if (prediction.forecast.length !== horizon) {
    report('I43', where, `has ${prediction.forecast.length} steps, not ${horizon}`);
  }
  const lowest = Math.min(...history.data.slice(-1000).map((candle) => candle.low)) / ABSURD_FACTOR;
  const highest = Math.max(...history.data.slice(-1000).map((candle) => candle.high)) * ABSURD_FACTOR;
  const absurd = prediction.forecast.find(
    ({ intervals }) => intervals['95'].lower < lowest || intervals['95'].upper > highest,
  );
  if (absurd !== undefined) report('I40', where, `the prices of ${absurd.timestamp} are far off all published ones`);
}
