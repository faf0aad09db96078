/** The rules a manifest must keep towards its objects, its own words, and the generations before it. */
import { MINUTE } from '../domain/timeframe';
import type { TimeframeRules } from '../domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../domain/types';
import { judgingTime, manifestSchema } from './documents';
import type { FileReference, HistoryDocument, Manifest, ManifestEntry, PredictionDocument } from './documents';
import { checkTogether, parseDocument } from './verify-document';
import type { ObjectSizes, Report } from './verify-tree';

export interface ManifestContext {
  readonly report: Report;
  readonly rules: (timeframe: TimeframeId) => TimeframeRules;
  readonly documents: ReadonlyMap<string, HistoryDocument | PredictionDocument>;
  readonly now: EpochMs;
}

/** A reader's clock may be this much behind ours. */
const CLOCK_TOLERANCE_MS = MINUTE;

/** Parses a manifest; an entry that is not visible is named as what it is, an exposure, whatever else is wrong. */
export function parseManifest(text: string, where: string, report: Report): Manifest | null {
  for (const key of hiddenKeys(text)) report('SPEC 3', where, `exposes ${key}, which is hidden`);
  return parseDocument(manifestSchema, text, where, report);
}

function hiddenKeys(text: string): string[] {
  try {
    const { entries } = JSON.parse(text) as { entries: { key?: unknown; visibility?: unknown }[] };
    return entries.filter((entry) => entry.visibility !== 'visible').map((entry) => String(entry.key));
  } catch {
    return [];
  }
}

/** Every object that a manifest names is there with that size (I20, I21). */
export function checkReferences(manifest: Manifest, sizes: ObjectSizes, where: string, report: Report): void {
  for (const entry of manifest.entries) {
    for (const file of [entry.files.history, entry.files.prediction]) {
      if (file === null) continue;
      const bytes = sizes.get(file.sha256);
      if (bytes === undefined) report('I21', where, `names ${file.name}, whose object is not there or damaged`);
      else if (bytes !== file.bytes) report('I20', where, `gives a wrong size for ${file.name}`);
    }
  }
}

/** The manifest in force against its documents and the clock. */
export function checkManifest(manifest: Manifest, context: ManifestContext): void {
  const { report, now } = context;
  const judgedAt = Date.parse(judgingTime(manifest));
  if (judgedAt > now + CLOCK_TOLERANCE_MS) report('I30', 'manifest.json', 'was generated in the future');
  if (Date.parse(manifest.expires_at) <= judgedAt) report('I30', 'manifest.json', 'expired when it was generated');
  if (judgedAt > Date.parse(manifest.generated_at)) report('I30', 'manifest.json', 'was judged after it was generated');
  checkSummary(manifest, report);
  for (const entry of manifest.entries) checkEntry(manifest, entry, context);
}

function checkSummary({ entries, summary }: Manifest, report: Report): void {
  const status: Record<string, number> = {};
  for (const entry of entries) status[entry.status] = (status[entry.status] ?? 0) + 1;
  const right =
    summary.total === entries.length &&
    summary.degraded === entries.filter((entry) => entry.degraded).length &&
    Object.keys(summary.status).length === Object.keys(status).length &&
    Object.entries(status).every(([word, count]) => summary.status[word] === count) &&
    (summary.visibility.visible ?? 0) === entries.length;
  if (!right) report('I28', 'manifest.json', 'the summary does not count its own entries');
}

function checkEntry(manifest: Manifest, entry: ManifestEntry, context: ManifestContext): void {
  const { report } = context;
  const rules = context.rules(entry.timeframe);
  const history = fileDocument(manifest, entry, entry.files.history, 'history', context);
  const prediction = fileDocument(manifest, entry, entry.files.prediction, 'prediction', context);
  if (history?.type === 'history') {
    const same = (['updated_at', 'data_through', 'fresh_until', 'expires_at'] as const).every(
      (field) => history[field] === entry[field],
    );
    if (!same) report('I28', entry.key, 'the times of the entry are not those of its history');
    if (prediction?.type === 'prediction') checkTogether(history, prediction, rules.horizon, entry.key, report);
  }
  checkTimes(entry, entry, rules, context);
  for (const file of [entry.files.history, entry.files.prediction]) {
    if (file !== null) checkTimes(entry, file, rules, context);
  }
  checkWords(manifest, entry, rules, report);
}

/** The document of a reference, checked against what the manifest says of it. */
function fileDocument(
  { source }: Manifest,
  entry: ManifestEntry,
  file: FileReference | null,
  type: 'history' | 'prediction',
  { documents, report }: ManifestContext,
): HistoryDocument | PredictionDocument | undefined {
  const document = file === null ? undefined : documents.get(file.sha256);
  if (document === undefined || file === null) return undefined;
  const fits =
    document.type === type &&
    document.source === source &&
    document.symbol === entry.symbol &&
    document.timeframe === entry.timeframe &&
    document.data_through === file.data_through &&
    document.fresh_until === file.fresh_until &&
    document.expires_at === file.expires_at;
  if (!fits) report('I28', entry.key, `${file.name} is not the document that the manifest describes`);
  return document;
}

type Times = Pick<ManifestEntry, 'data_through' | 'fresh_until' | 'expires_at'>;

/** `fresh_until` is data_through + soft, `expires_at` data_through + hard (SPEC 5). */
function checkTimes(entry: ManifestEntry, times: Times, rules: TimeframeRules, { report, now }: ManifestContext): void {
  const [through, fresh, expires] = [times.data_through, times.fresh_until, times.expires_at].map((text) =>
    text === null ? null : Date.parse(text),
  );
  if (through === null || through === undefined) {
    if (fresh !== null || expires !== null) report('I30', entry.key, 'has an expiry without data');
    return;
  }
  if (through > now + CLOCK_TOLERANCE_MS) report('I02', entry.key, `data_through ${times.data_through} lies ahead`);
  if (fresh !== through + rules.softMinutes * MINUTE)
    report('I30', entry.key, 'fresh_until is not data_through + soft');
  if (expires !== through + rules.hardMinutes * MINUTE)
    report('I30', entry.key, 'expires_at is not data_through + hard');
}

/** The words were true when they were written, and nothing is servable that may not be. */
function checkWords(manifest: Manifest, entry: ManifestEntry, rules: TimeframeRules, report: Report): void {
  const { history, prediction } = entry.files;
  const at = Date.parse(judgingTime(manifest));
  const shown = [history, prediction].filter((file) => file !== null);
  const past = (field: 'fresh_until' | 'expires_at'): boolean => shown.some((file) => at > Date.parse(file[field]));
  if (entry.status === 'fresh' && past('fresh_until')) report('I30', entry.key, 'is called fresh and is not');
  if (entry.status === 'stale' && past('expires_at')) report('I30', entry.key, 'is called stale and is hard stale');
  const servable = entry.status === 'fresh' || entry.status === 'stale';
  if (entry.serve_allowed && !servable) report('SPEC 5', entry.key, `is served though it is ${entry.status}`);
  if (!entry.serve_allowed && entry.reason === null) report('SPEC 5', entry.key, 'is not served and does not say why');
  if (!servable) return;
  if (history === null || (rules.horizon > 0 && prediction === null)) {
    report('I21', entry.key, `is called ${entry.status} without its documents`);
  } else if (prediction !== null && prediction.data_through !== history.data_through) {
    const ahead = Date.parse(prediction.data_through) > Date.parse(history.data_through);
    if (ahead) report('I28', entry.key, 'its prediction rests on candles that are not published');
    else if (!entry.degraded && entry.serve_allowed) {
      report('I42', entry.key, 'its prediction is older than its history and it is not marked degraded');
    }
  }
}

/** Nothing goes back from one generation to the next, except a rollback that says so (I25). */
export function checkSuccession(before: Manifest, after: Manifest, report: Report): void {
  const where = `generations/${after.generation}.json`;
  if (after.rollback_of !== null) {
    if (after.rollback_of >= after.generation) report('I25', where, 'says it brought back a generation after it');
    return;
  }
  if (Date.parse(after.generated_at) < Date.parse(before.generated_at))
    report('I25', where, 'is older than the one before');
  const known = new Map(before.entries.map((entry) => [entry.key, entry.data_through]));
  for (const { key, data_through } of after.entries) {
    const earlier = known.get(key) ?? null;
    if (earlier !== null && data_through !== null && Date.parse(data_through) < Date.parse(earlier)) {
      report('I25', where, `the data of ${key} went back from ${earlier} to ${data_through}`);
    }
  }
}

/** Pairs that the newest generation does not hold and an earlier one held, by key, with the time their documents were made. */
export type LeftOut = Map<string, string>;

/**
 * A pair leaves when its symbol is hidden or no longer configured, and comes back with documents made anew. One that comes
 * back as it was had been left out by mistake: in between its readers got 404 (I42).
 */
export function checkLeftOut(leftOut: LeftOut, before: Manifest, after: Manifest, report: Report): void {
  const made = new Map(after.entries.map((entry) => [entry.key, entry.updated_at]));
  for (const [key, updatedAt] of leftOut) {
    if (!made.has(key)) continue;
    leftOut.delete(key);
    if (made.get(key) !== updatedAt || after.rollback_of !== null) continue;
    report('I42', `generations/${after.generation}.json`, `has ${key} as it was before a generation left it out`);
  }
  for (const entry of before.entries) if (!made.has(entry.key)) leftOut.set(entry.key, entry.updated_at);
}
