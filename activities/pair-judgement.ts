/** Every visible pair, judged from the published files and the store with the one evaluator (SPEC 8, 9). */
import { isAhead } from '../src/domain/run-order';
import { evaluateStatus } from '../src/domain/status';
import type { StatusInput, StatusVerdict } from '../src/domain/status';
import { closeOf } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import type { PublicationRow } from '../src/ports/publication';
import { historySchema, judgingTime, predictionSchema } from '../src/publish/documents';
import { isoTime } from '../src/publish/canonical-json';
import type { FileReference, ManifestEntry } from '../src/publish/documents';
import type { PublishedManifest } from '../src/publish/published-reader';
import { standingPromise } from './expected-commit';
import { followedSymbols } from './followed';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { StoreSight } from './store-sight';

export interface JudgedPair {
  readonly pair: Pair;
  readonly row: PublicationRow;
  /** As it is published; null when the manifest does not name the pair. */
  readonly published: ManifestEntry | null;
  readonly verdict: StatusVerdict;
}

export interface Judgement {
  readonly pairs: readonly JudgedPair[];
  /** Why the manifest on disk is not to be trusted, or too old; null when it is well. */
  readonly manifestProblem: string | null;
  /** Since the manifest was committed a schedule was paused or resumed, so that it promises too little or too much. */
  readonly promiseMoved: boolean;
  /** A clock that was ahead has judged it: none of its words is of this moment. */
  readonly manifestAhead: boolean;
}

/** Judges as published at `asOf`. Hidden and retired pairs are left out. One judge keeps what it has found whole. */
export function createJudge(ports: ActivityPorts): (asOf: EpochMs, store: StoreSight) => Promise<Judgement> {
  const whole = new Set<string>();
  return async (asOf, store) => {
    const { timeframes } = ports.settings;
    const symbols = await followedSymbols(ports);
    const current = await ports.published.manifest();
    const entries = new Map(current?.manifest.entries.map((entry) => [entry.key, entry]));
    const generation = await generationInForce(ports, current);
    const rows = (await ports.publication.rows()).filter(
      (row) =>
        row.visibility === 'visible' &&
        symbols.includes(row.symbol) &&
        timeframes.includes(row.timeframe) &&
        !isToCome(row, entries, generation),
    );
    const pairs: JudgedPair[] = [];
    for (const row of rows) {
      const published = entries.get(pairKey(row)) ?? null;
      pairs.push(await judgePair(ports, { whole, store }, row, published, asOf));
    }
    const named = new Set([...entries.values()].flatMap(({ files }) => hashesOf(files)));
    for (const hash of whole) if (!named.has(hash)) whole.delete(hash);
    const expiresAt = current === null ? null : Date.parse(current.manifest.expires_at);
    const graceMs = 2 * ports.settings.cycleTargetMs;
    const promised = current === null ? null : (await standingPromise(ports, current.manifest, asOf)) + graceMs;
    return {
      pairs,
      manifestProblem: problemOf(ports, promised, rows.length > 0, asOf),
      promiseMoved: promised !== expiresAt,
      manifestAhead: current !== null && isAhead(Date.parse(judgingTime(current.manifest)), asOf, ports.clock.now()),
    };
  };
}

/** Null when nothing was ever published. Without a manifest that can be read no row is on its way: all are missing. */
async function generationInForce(ports: ActivityPorts, current: PublishedManifest | null): Promise<number | null> {
  if (current !== null) return current.manifest.generation;
  return (await ports.publication.generations(1)).length === 0 ? null : Number.POSITIVE_INFINITY;
}

/** The row is newer than the manifest in force: the one that names it is on its way, by the run that wrote the row. */
function isToCome(
  { absentUntil, ...row }: PublicationRow,
  entries: ReadonlyMap<string, ManifestEntry>,
  inForce: number | null,
): boolean {
  return absentUntil !== undefined && !entries.has(pairKey(row)) && (inForce ?? 0) <= absentUntil;
}

function problemOf(ports: ActivityPorts, promised: EpochMs | null, expected: boolean, asOf: EpochMs): string | null {
  if (promised === null) return expected ? 'there is no manifest that can be read' : null;
  const problem = ports.published.problem();
  if (problem !== null) return `the manifest on disk is not in force: ${problem}`;
  return asOf > promised ? `the publisher is late: it was due by ${isoTime(promised)}` : null;
}

async function judgePair(
  ports: ActivityPorts,
  { whole, store }: { readonly whole: Set<string>; readonly store: StoreSight },
  row: PublicationRow,
  published: ManifestEntry | null,
  asOf: EpochMs,
): Promise<JudgedPair> {
  const pair: Pair = { symbol: row.symbol, timeframe: row.timeframe };
  const prediction = published?.files.prediction ?? null;
  const stored = await storeDataThrough(ports, store, pair, asOf);
  const verdict = evaluateStatus({
    ...row,
    now: asOf,
    dataThrough: timeOf(published?.data_through ?? null),
    predictionDataThrough: timeOf(prediction?.data_through ?? null),
    document: await documentState(ports, whole, row, published),
    storeDataThrough: stored === undefined ? (row.storeDataThrough ?? null) : stored,
  });
  return { pair, row, published, verdict };
}

function timeOf(text: string | null): EpochMs | null {
  return text === null ? null : Date.parse(text);
}

/**
 * What the store holds beside what each visible pair publishes (SPEC 5: apart by more than hard is `hard_stale`). A pair of
 * which the store can not be asked is left out: what was seen of it last stays.
 */
export async function storeBesideRows(ports: ActivityPorts, asOf: EpochMs): Promise<PublicationRow[]> {
  const store = new StoreSight(ports);
  const seen: PublicationRow[] = [];
  for (const row of await ports.publication.rows()) {
    if (row.visibility !== 'visible') continue;
    const stored = await storeDataThrough(ports, store, row, asOf);
    if (stored !== undefined) seen.push({ ...row, storeDataThrough: stored });
  }
  return seen;
}

/** Undefined when the store can not be asked. */
async function storeDataThrough(
  ports: ActivityPorts,
  store: StoreSight,
  pair: Pair,
  asOf: EpochMs,
): Promise<EpochMs | null | undefined> {
  const extent = await store.extent({ symbol: pair.symbol, timeframe: pair.timeframe });
  if (extent === null || extent === undefined) return extent;
  return closeOf(pair.timeframe, Math.min(extent.last, lastUsableOpen(ports, pair, asOf)));
}

/** The worst of the pair's documents. */
async function documentState(
  ports: ActivityPorts,
  whole: Set<string>,
  { predicts }: PublicationRow,
  published: ManifestEntry | null,
): Promise<StatusInput['document']> {
  if (published === null) return 'missing';
  const { history, prediction } = published.files;
  // The publisher found a document damaged and does not name it any more; every commit looks whether it is whole again.
  if (published.status === 'corrupt' && (history === null || (predicts && prediction === null))) return 'corrupt';
  const states = [
    history === null ? 'ok' : await fileState(ports, whole, history, historySchema),
    prediction === null ? 'ok' : await fileState(ports, whole, prediction, predictionSchema),
  ];
  if (states.includes('corrupt')) return 'corrupt';
  return history === null || states.includes('missing') ? 'missing' : 'ok';
}

/** The bytes are checked against their hash each time; what they say, once. */
async function fileState(
  ports: ActivityPorts,
  whole: Set<string>,
  file: FileReference,
  schema: { safeParse(value: unknown): { readonly success: boolean } },
): Promise<StatusInput['document']> {
  const body = await ports.published.object(file);
  if (typeof body === 'string') return body;
  if (whole.has(file.sha256)) return 'ok';
  if (!isValid(body, schema)) return 'corrupt';
  whole.add(file.sha256);
  return 'ok';
}

function isValid(body: Buffer, schema: { safeParse(value: unknown): { readonly success: boolean } }): boolean {
  try {
    return schema.safeParse(JSON.parse(body.toString('utf8'))).success;
  } catch {
    return false;
  }
}

function hashesOf({ history, prediction }: ManifestEntry['files']): string[] {
  return [history, prediction].filter((file) => file !== null).map((file) => file.sha256);
}
