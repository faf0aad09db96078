/** I21 I23 I25 I27 I30 I42 I44: every kept manifest, and how each follows from the one before. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { schemaJudge } from './documents';
import type { ObjectsSeen } from './documents';
import type { DatabaseFile } from './database-file';
import type { Findings } from './findings';
import { readySymbols } from './runs';

export interface FileOf {
  readonly sha256: string;
  readonly bytes: number;
  readonly data_through: string;
}

export interface Entry {
  readonly key: string;
  readonly symbol: string;
  readonly timeframe: string;
  readonly status: string;
  readonly serve_allowed: boolean;
  readonly reason: string | null;
  readonly visibility: string;
  readonly data_through: string | null;
  readonly fresh_until: string | null;
  readonly expires_at: string | null;
  readonly files: { readonly history: FileOf | null; readonly prediction: FileOf | null };
}

export interface ManifestText {
  readonly generation: number;
  readonly generated_at: string;
  /** What the words are as of, where a clock had been ahead before. */
  readonly judged_at?: string;
  readonly rollback_of: number | null;
  readonly entries: readonly Entry[];
}

/** Gives all that are kept and can be read, ascending. */
export function checkManifests(
  findings: Findings,
  publicDir: string,
  state: DatabaseFile,
  objects: ObjectsSeen,
): ManifestText[] {
  const folder = join(publicDir, 'generations');
  const texts = readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => [Number.parseInt(name, 10), readFileSync(join(folder, name), 'utf8')] as const)
    .toSorted(([a], [b]) => a - b);
  const inForce = readFileSync(join(publicDir, 'manifest.json'), 'utf8');
  findings.holds('I23 manifest', texts.at(-1)?.[1] === inForce, () => 'manifest.json: is not the newest generation');
  checkRecorded(findings, state, new Map(texts));
  const keepsSchema = schemaJudge();
  const stays = stayingPairs(state);
  const manifests: ManifestText[] = [];
  for (const [number, text] of texts) {
    const manifest = parsed(text);
    const where = `generation ${number}`;
    findings.holds('I44 schema', keepsSchema('manifest', manifest), () => `${where}: breaks its schema`);
    if (manifest === null) continue;
    findings.holds('I25 onward', manifest.generation === number, () => `${where}: says ${manifest.generation}`);
    for (const entry of manifest.entries) checkEntry(findings, entry, where, manifest, objects);
    const before = manifests.at(-1);
    if (before !== undefined) checkSuccession(findings, before, manifest, stays);
    manifests.push(manifest);
  }
  return manifests;
}

/**
 * Whether a pair that was shown at a time is shown ever since: its symbol has been ready all along, and its timeframe is
 * still published. A symbol that is hidden or no longer configured is not ready, or ready since later.
 */
function stayingPairs(state: DatabaseFile): (entry: Entry, shownAt: string) => boolean {
  const ready = readySymbols(state);
  const rows = state.all('SELECT DISTINCT timeframe FROM publication');
  const timeframes = new Set(rows.map(({ timeframe }) => timeframe));
  return ({ symbol, timeframe }, shownAt) =>
    timeframes.has(timeframe) && (ready.get(symbol) ?? Infinity) <= Date.parse(shownAt);
}

function parsed(text: string): ManifestText | null {
  try {
    return JSON.parse(text) as ManifestText;
  } catch {
    return null;
  }
}

/** I27: what the state store says was published is on disk with that hash, as far back as generations are kept. */
function checkRecorded(findings: Findings, state: DatabaseFile, texts: ReadonlyMap<number, string>): void {
  const oldest = Math.min(...texts.keys());
  for (const row of state.all('SELECT * FROM generation ORDER BY generation')) {
    const generation = Number(row.generation);
    if (generation < oldest || Number(row.manifest_bytes) === 0) continue;
    const text = texts.get(generation);
    const same = text !== undefined && createHash('sha256').update(text).digest('hex') === row.manifest_sha256;
    findings.holds('I27 durable', same, () => `generation ${generation}: was recorded and is not on disk as it was`);
  }
}

/** Soft and hard limits of SPEC 1 in minutes. */
const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  '1m': [5, 15],
  '1h': [65, 130],
  '1d': [1500, 3000],
  '1w': [11520, 23040],
  '1M': [50400, 100800],
};
const MINUTE = 60_000;

/** The word that the age of the older document gives; a history past its hard limit needs no prediction to be called so. */
function wordFor({ files: { history, prediction }, timeframe }: Entry, at: number): string | null {
  const ofHistory = wordOfAge(history, timeframe, at);
  if (timeframe === '1m' || history === null || ofHistory === 'hard_stale') return ofHistory;
  const older = history.data_through < (prediction?.data_through ?? '') ? history : prediction;
  return wordOfAge(older, timeframe, at);
}

function wordOfAge(file: FileOf | null, timeframe: string, at: number): string | null {
  if (file === null) return null;
  const [soft = 0, hard = 0] = LIMITS[timeframe] ?? [];
  const age = (at - Date.parse(file.data_through)) / MINUTE;
  return age <= soft ? 'fresh' : age <= hard ? 'stale' : 'hard_stale';
}

function checkEntry(
  findings: Findings,
  entry: Entry,
  generation: string,
  { generated_at: generatedAt, judged_at: judgedAt = generatedAt }: ManifestText,
  objects: ObjectsSeen,
): void {
  const { key, files, status, timeframe } = entry;
  const where = `${generation} ${key}`;
  for (const file of [files.history, files.prediction]) {
    if (file === null) continue;
    const whole = objects.sizes.get(file.sha256) === file.bytes;
    findings.holds('I21 named', whole, () => `${where}: names an object that is not there whole`);
  }
  const at = Date.parse(judgedAt);
  findings.holds('I30 honest', at <= Date.parse(generatedAt), () => `${where}: is as of a time after it was generated`);
  const through = Date.parse(entry.data_through ?? '');
  if (!Number.isNaN(through)) {
    const [soft = 0, hard = 0] = LIMITS[timeframe] ?? [];
    const times =
      Date.parse(entry.fresh_until ?? '') === through + soft * MINUTE &&
      Date.parse(entry.expires_at ?? '') === through + hard * MINUTE;
    findings.holds('I30 honest', times, () => `${where}: fresh_until or expires_at is not data_through and the limit`);
    findings.holds('I02 through', through <= at, () => `${where}: has data from the future, ${entry.data_through}`);
  }
  if (['fresh', 'stale', 'hard_stale'].includes(status)) {
    const word = wordFor(entry, at);
    // Data that is young can still be hard stale: when the store holds other data than is published (SPEC 5).
    const apart = status === 'hard_stale' && / apart(;|$)/.test(entry.reason ?? '');
    findings.holds('I30 honest', status === word || apart, () => `${where}: is called ${status} and is ${word}`);
  }
  findings.holds(
    'I30 honest',
    !entry.serve_allowed || ['fresh', 'stale'].includes(status),
    () => `${where}: is ${status} and may be served`,
  );
}

function checkSuccession(
  findings: Findings,
  before: ManifestText,
  manifest: ManifestText,
  stays: ReturnType<typeof stayingPairs>,
): void {
  const where = `generation ${manifest.generation}`;
  findings.holds(
    'I25 onward',
    manifest.generation === before.generation + 1 && manifest.generated_at >= before.generated_at,
    () => `${where}: follows ${before.generation}, of ${before.generated_at}`,
  );
  if (manifest.rollback_of !== null) return;
  const later = new Map(manifest.entries.map((entry) => [entry.key, entry]));
  for (const last of before.entries) {
    const { key } = last;
    const next = later.get(key);
    if (stays(last, before.generated_at)) {
      findings.holds('I42 shown', next !== undefined, () => `${where} ${key}: is not there any more`);
    }
    if (next === undefined) continue;
    const { data_through: through, files } = next;
    findings.holds(
      'I25 onward',
      (through ?? '') >= (last.data_through ?? ''),
      () => `${where} ${key}: has data that went back to ${through} from ${last.data_through}`,
    );
    if (last.files.prediction === null) continue;
    const kept = (files.prediction?.data_through ?? '') >= last.files.prediction.data_through;
    findings.holds('I42 last good', kept, () => `${where} ${key}: lost the prediction it had`);
  }
}
