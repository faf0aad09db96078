/** The rules one published document must keep, decided from its text alone. Shares only schemas and calendar with the builders. */
import canonicalize from 'canonicalize';
import type { z } from 'zod';
import { isOnGrid, nextBoundary } from '../domain/timeframe';
import { historySchema, predictionSchema } from './documents';
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
  if (version === '1.0' && canonicalize(parsed.data) !== canonicalize(raw)) {
    report('I44', where, 'has a field that version 1.0 does not know');
  }
  return parsed.data;
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
