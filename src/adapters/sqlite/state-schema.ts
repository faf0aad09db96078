/** Tables of `state.db`: the rows as Kysely sees them, and the numbered statements that make them. */
import type { ErrorCode } from '../../domain/errors';
import type { EpochMs, MarketSymbol, Stage, TimeframeId } from '../../domain/types';
import type { RequestPriority } from '../../ports/exchange';
import type { ForecastRole } from '../../ports/forecast-ledger';
import type { GapState } from '../../ports/gap-ledger';
import type { SymbolActivation } from '../../ports/pair-state';
import type { BoundaryOutcome, CycleRunEnd } from '../../ports/run-log';
import type { RowFault } from '../../domain/candle';
import type { Generated } from 'kysely';
import { DATA_QUALITY_MIGRATION } from './data-quality-schema';
import type { DataQualitySchema } from './data-quality-schema';
import { LATE_COMMIT_MIGRATION } from './late-commit-schema';
import type { LateCommitSchema } from './late-commit-schema';
import type { Migration } from './migration';
import { MODEL_MIGRATION } from './model-schema';
import type { ModelSchema } from './model-schema';
import { EVENT_INDEX_MIGRATION, MONITOR_MIGRATION } from './monitor-schema';
import type { MonitorSchema } from './monitor-schema';

interface PairColumns {
  symbol: MarketSymbol;
  timeframe: TimeframeId;
}

export interface SymbolStateTable {
  symbol: MarketSymbol;
  activation: SymbolActivation;
  since: EpochMs;
  reason: string | null;
}

export interface EarliestTable extends PairColumns {
  open_time: EpochMs;
  proven_at: EpochMs;
}

export interface StageTable extends PairColumns {
  stage: Stage;
  last_success_at: EpochMs | null;
  last_failure_at: EpochMs | null;
  failure_count: number;
  same_code_count: Generated<number>;
  last_code: ErrorCode | null;
  last_message: string | null;
}

export interface QuarantineTable extends PairColumns {
  id: Generated<number>;
  reason: RowFault;
  open_time: number | null;
  raw: string;
  at: EpochMs;
  times: number;
}

export interface RevisionTable extends PairColumns {
  open_time: EpochMs;
  at: EpochMs;
  /** JSON of a candle. */
  before: string;
  after: string;
}

export interface GapTable extends PairColumns {
  from_open: EpochMs;
  to_open: EpochMs;
  state: GapState;
  asks: number;
  first_asked_at: EpochMs;
  last_asked_at: EpochMs;
  failed: number;
}

export interface ForecastTable extends PairColumns {
  id: Generated<number>;
  role: ForecastRole;
  data_through: EpochMs;
  model_version: string;
  issued_at: EpochMs;
  family: string;
  last_close: number;
  /** Rows of seven doubles, one a step. Bound as a Buffer, read as an ArrayBuffer. */
  quantiles: Uint8Array | ArrayBuffer;
  /** 1 when every step has a score: nothing is left to look for. */
  fully_scored: number;
}

export interface ScoreTable extends PairColumns {
  role: ForecastRole;
  data_through: EpochMs;
  model_version: string;
  /** Rows of doubles, one a scored step. Bound as a Buffer, read as an ArrayBuffer. */
  steps: Uint8Array | ArrayBuffer;
}

export interface CycleRunTable {
  run_id: string;
  round: number;
  timeframe: TimeframeId;
  workflow_id: string;
  as_of: EpochMs;
  started_at: EpochMs;
  trigger: string;
  first_pass_at: EpochMs | null;
  ended_at: EpochMs | null;
  outcome: CycleRunEnd['outcome'] | null;
  pairs: number | null;
  failed: number | null;
  new_candles: number | null;
}

export interface BoundaryTable {
  timeframe: TimeframeId;
  boundary: EpochMs;
  outcome: BoundaryOutcome;
  reason: string;
  recorded_at: EpochMs;
}

export interface PublicationTable extends PairColumns {
  as_of: EpochMs;
  /** JSON of a PublicationRow. */
  row: string;
}

export interface GenerationTable {
  generation: number;
  manifest_sha256: string;
  manifest_bytes: number;
  ops_manifest_sha256: string;
  ops_manifest_bytes: number;
  generated_at: EpochMs;
  rollback_of: number | null;
}

export interface RequestTable {
  id: Generated<number>;
  exchange: string;
  at: EpochMs;
  weight: number;
  priority: RequestPriority;
}

export interface GateTable {
  exchange: string;
  /** When the ban was told; 0 for one that an earlier version told. */
  banned_at: EpochMs;
  banned_until: EpochMs;
  ban_code: 'rate_limited' | 'exchange_banned' | 'exchange_blocked';
  /** Until then a live request may be waiting, so no fill goes. */
  live_waiting_until: EpochMs;
}

export interface StateSchema extends DataQualitySchema, LateCommitSchema, ModelSchema, MonitorSchema {
  symbol_state: SymbolStateTable;
  earliest_candle: EarliestTable;
  stage_record: StageTable;
  quarantined_row: QuarantineTable;
  revision: RevisionTable;
  gap: GapTable;
  forecast: ForecastTable;
  forecast_score: ScoreTable;
  cycle_run: CycleRunTable;
  boundary: BoundaryTable;
  publication: PublicationTable;
  generation: GenerationTable;
  exchange_request: RequestTable;
  exchange_gate: GateTable;
}

const PAIR = 'symbol TEXT NOT NULL, timeframe TEXT NOT NULL';

export const STATE_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'pair state',
    statements: [
      `CREATE TABLE symbol_state (
        symbol TEXT PRIMARY KEY, activation TEXT NOT NULL, since INTEGER NOT NULL, reason TEXT
      ) STRICT`,
      `CREATE TABLE earliest_candle (
        ${PAIR}, open_time INTEGER NOT NULL, proven_at INTEGER NOT NULL, PRIMARY KEY (symbol, timeframe)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE stage_record (
        ${PAIR}, stage TEXT NOT NULL, last_success_at INTEGER, last_failure_at INTEGER,
        failure_count INTEGER NOT NULL, last_code TEXT, last_message TEXT, PRIMARY KEY (symbol, timeframe, stage)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE quarantined_row (
        id INTEGER PRIMARY KEY, ${PAIR}, reason TEXT NOT NULL, open_time REAL, raw TEXT NOT NULL,
        at INTEGER NOT NULL, times INTEGER NOT NULL, UNIQUE (symbol, timeframe, reason, raw)
      ) STRICT`,
      `CREATE TABLE revision (
        ${PAIR}, open_time INTEGER NOT NULL, at INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
        PRIMARY KEY (symbol, timeframe, open_time, at)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE gap (
        ${PAIR}, from_open INTEGER NOT NULL, to_open INTEGER NOT NULL, state TEXT NOT NULL, asks INTEGER NOT NULL,
        first_asked_at INTEGER NOT NULL, last_asked_at INTEGER NOT NULL, PRIMARY KEY (symbol, timeframe, from_open)
      ) STRICT, WITHOUT ROWID`,
    ],
  },
  {
    version: 2,
    name: 'forecast ledger',
    statements: [
      `CREATE TABLE forecast (
        id INTEGER PRIMARY KEY, ${PAIR}, role TEXT NOT NULL, data_through INTEGER NOT NULL, model_version TEXT NOT NULL,
        issued_at INTEGER NOT NULL, family TEXT NOT NULL, last_close REAL NOT NULL, quantiles BLOB NOT NULL,
        fully_scored INTEGER NOT NULL, UNIQUE (symbol, timeframe, role, data_through, model_version, issued_at)
      ) STRICT`,
      // Without it, every cycle would read the whole ledger to find the few forecasts that still wait for a score.
      'CREATE INDEX forecast_to_score ON forecast (symbol, timeframe, data_through) WHERE fully_scored = 0',
      `CREATE TABLE forecast_score (
        ${PAIR}, role TEXT NOT NULL, data_through INTEGER NOT NULL, model_version TEXT NOT NULL, steps BLOB NOT NULL,
        PRIMARY KEY (symbol, timeframe, role, data_through, model_version)
      ) STRICT, WITHOUT ROWID`,
    ],
  },
  {
    version: 3,
    name: 'runs and publication',
    statements: [
      `CREATE TABLE cycle_run (
        run_id TEXT NOT NULL, round INTEGER NOT NULL, timeframe TEXT NOT NULL, workflow_id TEXT NOT NULL,
        as_of INTEGER NOT NULL, started_at INTEGER NOT NULL, trigger TEXT NOT NULL, first_pass_at INTEGER,
        ended_at INTEGER, outcome TEXT, pairs INTEGER, failed INTEGER, new_candles INTEGER, PRIMARY KEY (run_id, round)
      ) STRICT`,
      'CREATE INDEX cycle_run_by_start ON cycle_run (timeframe, started_at, round)',
      `CREATE TABLE boundary (
        timeframe TEXT NOT NULL, boundary INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        recorded_at INTEGER NOT NULL, PRIMARY KEY (timeframe, boundary)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE publication (
        ${PAIR}, as_of INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (symbol, timeframe)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE generation (
        generation INTEGER PRIMARY KEY, manifest_sha256 TEXT NOT NULL, manifest_bytes INTEGER NOT NULL,
        ops_manifest_sha256 TEXT NOT NULL, ops_manifest_bytes INTEGER NOT NULL, generated_at INTEGER NOT NULL,
        rollback_of INTEGER
      ) STRICT`,
    ],
  },
  {
    version: 4,
    name: 'rate budget',
    statements: [
      `CREATE TABLE exchange_request (
        id INTEGER PRIMARY KEY, exchange TEXT NOT NULL, at INTEGER NOT NULL, weight REAL NOT NULL,
        priority TEXT NOT NULL
      ) STRICT`,
      'CREATE INDEX exchange_request_by_time ON exchange_request (exchange, at)',
      `CREATE TABLE exchange_gate (
        exchange TEXT PRIMARY KEY, banned_until INTEGER NOT NULL, ban_code TEXT NOT NULL,
        live_waiting_until INTEGER NOT NULL
      ) STRICT`,
    ],
  },
  DATA_QUALITY_MIGRATION,
  MODEL_MIGRATION,
  MONITOR_MIGRATION,
  LATE_COMMIT_MIGRATION,
  {
    version: 9,
    name: 'failures running with one code',
    statements: ['ALTER TABLE stage_record ADD COLUMN same_code_count INTEGER NOT NULL DEFAULT 0'],
  },
  {
    version: 10,
    name: 'when a ban was told',
    statements: ['ALTER TABLE exchange_gate ADD COLUMN banned_at INTEGER NOT NULL DEFAULT 0'],
  },
  EVENT_INDEX_MIGRATION,
];
