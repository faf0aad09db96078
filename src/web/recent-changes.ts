/** What changed between published generations, in sentences for the operator. */
import { DAY } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';
import type { GenerationRecord } from '../ports/publication';
import { judgingTime, manifestSchema, type Manifest, type ManifestEntry } from '../publish/documents';
import type { OperationsDocument } from './ops-documents';

export type Change = OperationsDocument['changes'][number];

export interface GenerationSource {
  /** Newest first. */
  generations(limit: number): Promise<readonly GenerationRecord[]>;
  readGeneration(generation: number): Promise<string | null>;
}

/** Generations that a day can have: one timeframe of a minute, and retries. */
const MOST_GENERATIONS = 4000;

/** Reads each generation once, however often it is asked. */
export class RecentChanges {
  private readonly changes: Change[] = [];
  private newest: Manifest | null = null;

  constructor(private readonly source: GenerationSource) {}

  /** Of the 24 h before `now`, newest first. */
  async read(now: EpochMs): Promise<readonly Change[]> {
    const since = now - DAY;
    const records = (await this.source.generations(MOST_GENERATIONS)).filter(({ generatedAt }) => generatedAt >= since);
    for (const { generation } of records.toReversed()) {
      if (this.newest !== null && generation <= this.newest.generation) continue;
      const manifest = parse(await this.source.readGeneration(generation));
      if (manifest === null) continue;
      if (this.newest !== null) this.changes.push(...changesBetween(this.newest, manifest));
      this.newest = manifest;
    }
    const kept = this.changes.filter(({ at }) => Date.parse(at) >= since);
    this.changes.splice(0, this.changes.length, ...kept);
    return kept.toReversed();
  }
}

function parse(text: string | null): Manifest | null {
  if (text === null) return null;
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** What is different in `after`, in the order of its entries. */
export function changesBetween(before: Manifest, after: Manifest): Change[] {
  const at = judgingTime(after);
  const known = new Map(before.entries.map((entry) => [entry.key, entry]));
  const changes: Change[] = [];
  if (after.rollback_of !== null && after.rollback_of !== before.rollback_of) {
    changes.push({ at, kind: 'rollback', pair: null, sentence: `generation ${after.rollback_of} was brought back` });
  }
  for (const entry of after.entries) {
    const earlier = known.get(entry.key);
    known.delete(entry.key);
    if (earlier === undefined) changes.push({ at, kind: 'visibility', pair: entry.key, sentence: 'is published now' });
    else changes.push(...changesOf(earlier, entry).map((change) => ({ ...change, at, pair: entry.key })));
  }
  const gone = [...known.keys()].map((pair): Change => ({
    at,
    kind: 'visibility',
    pair,
    sentence: 'is not published any more',
  }));
  return [...changes, ...gone];
}

function changesOf(before: ManifestEntry, after: ManifestEntry): Pick<Change, 'kind' | 'sentence'>[] {
  const because = after.reason === null ? '' : `: ${after.reason}`;
  const changes: Pick<Change, 'kind' | 'sentence'>[] = [];
  if (before.status !== after.status) {
    changes.push({ kind: 'status', sentence: `${before.status} -> ${after.status}${because}` });
  }
  if (before.degraded !== after.degraded) {
    const sentence = after.degraded ? 'degraded: the last good forecast is served' : 'not degraded any more';
    changes.push({ kind: 'degraded', sentence });
  }
  const [blockedBefore, blockedNow] = [isBlocked(before), isBlocked(after)];
  if (blockedBefore !== blockedNow) {
    changes.push({ kind: 'blocked', sentence: blockedNow ? (after.reason ?? 'blocked') : 'not blocked any more' });
  }
  return changes;
}

/** Withheld though its data is good enough. */
function isBlocked({ serve_allowed, status }: ManifestEntry): boolean {
  return !serve_allowed && (status === 'fresh' || status === 'stale');
}
