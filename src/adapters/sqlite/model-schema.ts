/** Tables of the models: the rows as Kysely sees them, and the numbered statements that make them. */
import type { Generated } from 'kysely';
import type { EpochMs, TimeframeId } from '../../domain/types';
import type { ChampionChange, ChangedBy, LifecycleKind } from '../../ports/model-registry';
import type { Migration } from './migration';

export interface ModelTable {
  id: Generated<number>;
  timeframe: TimeframeId;
  version: string;
  /** JSON of a ModelMetadata. */
  metadata: string;
}

export interface ChampionTable {
  id: Generated<number>;
  timeframe: TimeframeId;
  version: string;
  previous: string | null;
  at: EpochMs;
  kind: ChampionChange['kind'];
  by: ChangedBy;
  reason: string;
}

export interface ShadowTable {
  timeframe: TimeframeId;
  version: string;
  since: EpochMs;
}

export interface FreezeTable {
  timeframe: TimeframeId;
  since: EpochMs;
  version: string;
  reason: string;
}

export interface LifecycleEventTable {
  id: Generated<number>;
  key: string;
  timeframe: TimeframeId;
  at: EpochMs;
  kind: LifecycleKind;
  verdict: string;
  version: string | null;
  by: ChangedBy;
  reason: string;
  /** JSON. */
  criteria: string;
  facts: string;
}

export interface ModelSchema {
  model: ModelTable;
  champion_change: ChampionTable;
  shadow_model: ShadowTable;
  promotion_freeze: FreezeTable;
  lifecycle_event: LifecycleEventTable;
}

export const MODEL_MIGRATION: Migration = {
  version: 6,
  name: 'models',
  statements: [
    `CREATE TABLE model (
      id INTEGER PRIMARY KEY, timeframe TEXT NOT NULL, version TEXT NOT NULL, metadata TEXT NOT NULL,
      UNIQUE (timeframe, version)
    ) STRICT`,
    // The newest row is the champion: there is never none after the first, and never two (I31).
    `CREATE TABLE champion_change (
      id INTEGER PRIMARY KEY, timeframe TEXT NOT NULL, version TEXT NOT NULL, previous TEXT, at INTEGER NOT NULL,
      kind TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
      FOREIGN KEY (timeframe, version) REFERENCES model (timeframe, version)
    ) STRICT`,
    'CREATE INDEX champion_change_by_timeframe ON champion_change (timeframe, id)',
    `CREATE TABLE shadow_model (
      timeframe TEXT PRIMARY KEY, version TEXT NOT NULL, since INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE promotion_freeze (
      timeframe TEXT PRIMARY KEY, since INTEGER NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE lifecycle_event (
      id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, timeframe TEXT NOT NULL, at INTEGER NOT NULL,
      kind TEXT NOT NULL, verdict TEXT NOT NULL, version TEXT, by TEXT NOT NULL, reason TEXT NOT NULL,
      criteria TEXT NOT NULL, facts TEXT NOT NULL
    ) STRICT`,
    'CREATE INDEX lifecycle_event_by_kind ON lifecycle_event (timeframe, kind, id)',
  ],
};
