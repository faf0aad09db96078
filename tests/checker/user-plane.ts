/** I30 I41 SPEC1 SPEC3 SPEC6: what a reader sees now, against the stores it is derived from. */
import { endOf } from './calendar';
import { newestRuns } from './candles';
import type { Stored } from './candles';
import { timeframeOf } from './database-file';
import type { DatabaseFile } from './database-file';
import type { History, ObjectsSeen, Prediction } from './documents';
import type { Findings } from './findings';
import type { Scores } from './forecasts';
import type { Entry, ManifestText } from './manifests';
import { readySymbols } from './runs';

/** Closed candles that a prediction needs (SPEC 1). */
const MINIMUM: Readonly<Record<string, number>> = { '1h': 240, '1d': 120, '1w': 52, '1M': 24 };

export interface Backing {
  readonly state: DatabaseFile;
  readonly stored: Stored;
  readonly scores: readonly Scores[];
  readonly objects: ObjectsSeen;
}

/** `manifests`: all that are kept, the one in force last. */
export function checkUserPlane(findings: Findings, manifests: readonly ManifestText[], backing: Backing): void {
  const ready = readySymbols(backing.state);
  for (const { entries, generation, generated_at: generatedAt } of manifests) {
    for (const { key, symbol, visibility } of entries) {
      findings.holds(
        'SPEC3 hidden',
        visibility === 'visible' && (ready.get(symbol) ?? Infinity) <= Date.parse(generatedAt),
        () => `generation ${generation} ${key}: is shown though its symbol was not ready`,
      );
    }
  }
  checkGate(findings, manifests, backing.stored);
  const newest = newestRuns(backing.state);
  for (const entry of manifests.at(-1)?.entries ?? []) {
    const { key, timeframe, files } = entry;
    const document = (file: { readonly sha256: string } | null) =>
      file !== null && backing.objects.sizes.has(file.sha256) ? backing.objects.read(file.sha256) : null;
    const history = document(files.history);
    if (history?.type === 'history') checkDerived(findings, entry, history, backing.stored);
    const prediction = document(files.prediction);
    if (prediction?.type === 'prediction' && Date.parse(prediction.issued_at) === newest.get(timeframe)) {
      checkRecord(findings, key, prediction, backing.scores);
    }
  }
}

/** Tried where a pair had fewer candles than its minimum: each time that a manifest holds such a pair. */
function checkGate(findings: Findings, manifests: readonly ManifestText[], stored: Stored): void {
  const enoughAt = new Map<string, number>();
  for (const [key, series] of stored) {
    const timeframe = timeframeOf(key);
    const open = [...series.keys()][(MINIMUM[timeframe] ?? 0) - 1];
    if (open !== undefined) enoughAt.set(key, endOf(timeframe, open));
  }
  for (const { entries, generation } of manifests) {
    for (const { key, timeframe, data_through: through, serve_allowed: served } of entries) {
      if (!(timeframe in MINIMUM) || Date.parse(through ?? '') >= (enoughAt.get(key) ?? Infinity)) continue;
      const where = `generation ${generation} ${key}`;
      findings.holds('I41 gate', !served, () => `${where}: is served with fewer than ${MINIMUM[timeframe]} candles`);
    }
  }
}

function checkDerived(findings: Findings, entry: Entry, { data }: History, stored: Stored): void {
  const { key, timeframe } = entry;
  const series = stored.get(key) ?? new Map<number, never>();
  for (const { timestamp, open, high, low, close, volume } of data) {
    const values = series.get(Date.parse(timestamp));
    const same = values !== undefined && [open, high, low, close, volume].every((value, k) => value === values[k]);
    findings.holds('SPEC1 derived', same, () => `${key} ${timestamp}: is published with other values than are stored`);
  }
  const first = Date.parse(data[0]?.timestamp ?? '');
  const last = Date.parse(data.at(-1)?.timestamp ?? '');
  const between = [...series.keys()].filter((open) => open >= first && open <= last).length;
  findings.holds('SPEC1 derived', between === data.length, () => `${key}: leaves out stored candles between its ends`);
  findings.holds(
    'I30 honest',
    endOf(timeframe, last) === Date.parse(entry.data_through ?? ''),
    () => `${key}: data_through is not the end of its last candle`,
  );
}

/** How far back the track record looks, by calendar (SPEC 1). */
function windowStart(timeframe: string, at: number): number {
  const day = 86_400_000;
  if (timeframe === '1h') return Math.floor(at / 3_600_000) * 3_600_000 - 30 * day;
  if (timeframe === '1d') return Math.floor(at / day) * day - 180 * day;
  const now = new Date(at);
  if (timeframe === '1M') return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 36, 1);
  return Math.floor(at / day) * day - ((now.getUTCDay() + 6) % 7) * day - 104 * 7 * day;
}

function checkRecord(findings: Findings, key: string, document: Prediction, scores: readonly Scores[]): void {
  const { quality, timeframe, issued_at: issuedAt } = document;
  const from = windowStart(timeframe, Date.parse(issuedAt));
  const rows = scores
    .filter(({ forecast }) => forecast.key === key && forecast.role === 'champion' && forecast.dataThrough >= from)
    .flatMap((of) => of.rows);
  const mean = (value: (row: readonly number[]) => number): number =>
    rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  const inside = (bit: number): number => mean(([, , , , , facts = 0]) => Number((facts & bit) !== 0));
  const expected: readonly (readonly [string, number | null, number])[] = [
    ['sample_count', quality.sample_count, rows.length],
    ['mae', quality.mae, mean(([, , error = Number.NaN]) => error)],
    ['coverage 50', quality.coverage['50'], inside(1)],
    ['coverage 80', quality.coverage['80'], inside(2)],
    ['coverage 95', quality.coverage['95'], inside(4)],
  ];
  for (const [name, said, right] of expected) {
    // Without a score nothing can be said, and null says so.
    const same = Number.isNaN(right)
      ? said === null
      : said !== null && Math.abs(said - right) <= 1e-9 * Math.abs(right);
    findings.holds('SPEC6 record', same, () => `${key}: ${name} is ${said}, by the ledger ${right}`);
  }
}
