/**
 * Every failure the program names: what it means, whether trying again can help, what the operator does next.
 * `activities/failures.ts` turns these into Temporal failures; CLI and pages print the remedy.
 */
import type { Stage } from './types';

/**
 * - `transient`  try again soon, with back-off
 * - `wait`       try again, but not before `retryAfterMs`
 * - `permanent`  the same attempt can not succeed; a change is needed first
 */
export type Retry = 'transient' | 'wait' | 'permanent';

interface ErrorEntry {
  readonly stage: Stage;
  readonly retry: Retry;
  readonly meaning: string;
  readonly remedy: string;
}

export const ERROR_TABLE = {
  exchange_unreachable: {
    stage: 'detect',
    retry: 'transient',
    meaning: 'the exchange could not be reached',
    remedy: 'check the network; the pair goes on by itself when the exchange answers',
  },
  exchange_timeout: {
    stage: 'detect',
    retry: 'transient',
    meaning: 'the exchange did not answer in time',
    remedy: 'nothing: the request is repeated',
  },
  rate_limited: {
    stage: 'detect',
    retry: 'wait',
    meaning: 'the exchange asked us to slow down',
    remedy: 'nothing: no request is sent before the time it named',
  },
  exchange_banned: {
    stage: 'detect',
    retry: 'wait',
    meaning: 'the exchange has banned this address for a while',
    remedy: 'wait for the end of the ban; then look for other programs that use the same address',
  },
  exchange_blocked: {
    stage: 'detect',
    retry: 'wait',
    meaning: 'the exchange refuses this address or region (401, 403 or 451)',
    remedy: 'choose another exchange with EXCHANGE, or run from a place it serves; it is probed every 15 minutes',
  },
  bad_response: {
    stage: 'ingest',
    retry: 'transient',
    meaning: 'the exchange answered with something that is not a list of candles',
    remedy: 'nothing: the request is repeated; if it stays, look at the exchange for maintenance',
  },
  empty_response: {
    stage: 'ingest',
    retry: 'transient',
    meaning: 'the exchange answered with no candle where one must exist',
    remedy: 'nothing: the request is repeated; an empty answer never moves the cursor',
  },
  no_progress: {
    stage: 'ingest',
    retry: 'permanent',
    meaning: 'the exchange answers the same page again and again',
    remedy: 'report it with the symbol and timeframe; the other pairs go on',
  },
  page_rejected: {
    stage: 'ingest',
    retry: 'transient',
    meaning: 'too many rows of one answer were invalid, so none was stored',
    remedy: 'see the quarantine (data gaps); the request is repeated',
  },
  bad_symbol: {
    stage: 'ingest',
    retry: 'permanent',
    meaning: 'the exchange does not know this symbol, or no longer trades it',
    remedy: 'correct SYMBOLS, or leave it: history is kept and the pair ages honestly',
  },
  unsupported_timeframe: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'the exchange does not offer this timeframe on our calendar',
    remedy: 'remove it from TIMEFRAMES or choose another exchange',
  },
  already_running: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'another deployment uses this folder',
    remedy: 'stop it, or choose another DATA_DIR',
  },
  source_mismatch: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'this run was started for another source of candles than this worker serves',
    remedy: 'start the worker with the EXCHANGE the run was started for, or terminate the run',
  },
  store_unavailable: {
    stage: 'ingest',
    retry: 'transient',
    meaning: 'the candle store could not be reached or is busy',
    remedy: 'check the store; nothing is lost, the write is repeated',
  },
  store_unauthorized: {
    stage: 'ingest',
    retry: 'permanent',
    meaning: 'the candle store does not accept this token, organisation or bucket',
    remedy: 'correct INFLUXDB_TOKEN, INFLUXDB_ORG or INFLUXDB_BUCKET and start again; nothing is lost',
  },
  store_refused: {
    stage: 'ingest',
    retry: 'permanent',
    meaning: 'the candle store refuses these candles as they are',
    remedy: 'see the message for its reason; `data gaps` lists rows that were set aside',
  },
  storage_blocked: {
    stage: 'ingest',
    retry: 'permanent',
    meaning: 'the storage budget is used up, so no new history is fetched',
    remedy: 'free space or raise STORAGE_BUDGET_GB; what is stored goes on being updated',
  },
  disk_full: {
    stage: 'export',
    retry: 'transient',
    meaning: 'the disk is full',
    remedy: 'free space; published files stay as they are and go on by themselves',
  },
  insufficient_data: {
    stage: 'gate',
    retry: 'permanent',
    meaning: 'fewer closed candles than the minimum to forecast',
    remedy: 'wait for more candles or a fill to end',
  },
  forecast_failed: {
    stage: 'predict',
    retry: 'transient',
    meaning: 'the model did not give a forecast',
    remedy: 'the last good forecast stays; see the message, then `forecast show`',
  },
  forecast_invalid: {
    stage: 'predict',
    retry: 'permanent',
    meaning: 'the model gave a forecast that breaks a rule, so it was refused',
    remedy: 'the last good forecast stays; see the message for the rule',
  },
  forecast_timeout: {
    stage: 'predict',
    retry: 'transient',
    meaning: 'the model took longer than its limit and was stopped',
    remedy:
      'the last good forecast stays; raise FORECAST_TIMEOUT_SECONDS and start the worker again, or lower the load of the machine',
  },
  model_corrupt: {
    stage: 'predict',
    retry: 'permanent',
    meaning: 'a model file is missing or is not what was written, so it is not used',
    remedy: 'the last good forecast stays; restore the file, or go back with `model rollback`',
  },
  training_failed: {
    stage: 'train',
    retry: 'wait',
    meaning: 'a model could not be trained',
    remedy: 'the champion stays; it is tried again after 10 and 30 minutes, then at the next trigger: see `model show`',
  },
  tracker_unavailable: {
    stage: 'train',
    retry: 'transient',
    meaning: 'the MLflow server did not answer or refused',
    remedy: 'nothing is lost: the registry has it all, and what is due is sent when MLflow answers',
  },
  change_refused: {
    stage: 'promote',
    retry: 'permanent',
    meaning: 'the champion was not changed, because the change is not possible or would do harm',
    remedy: 'the champion stays; see the message, and `model history` for the versions there are',
  },
  export_failed: {
    stage: 'export',
    retry: 'transient',
    meaning: 'a document could not be written',
    remedy: 'check the disk under DATA_DIR; the pair is blocked until an export succeeds',
  },
  manifest_failed: {
    stage: 'manifest',
    retry: 'transient',
    meaning: 'the manifest could not be committed',
    remedy: 'check the disk under DATA_DIR; the previous manifest stays',
  },
  delivery_failed: {
    stage: 'monitor',
    retry: 'transient',
    meaning: 'a receiver of alerts did not take a message',
    remedy: 'nothing: it is sent again until it is taken, for a day; `alert test` shows whether receivers are reached',
  },
  fenced: {
    stage: 'manifest',
    retry: 'permanent',
    meaning: 'a late attempt tried to commit after a newer one',
    remedy: 'nothing: the newer content stands',
  },
  invalid_input: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'an argument is not valid',
    remedy: 'see the message',
  },
  internal: {
    stage: 'preflight',
    retry: 'transient',
    meaning: 'an error this program has no name for',
    remedy: 'look at the log with the run ID and report it',
  },
  payload_too_large: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'a step gave back more than a workflow history may hold (64 KiB)',
    remedy: 'report it with the run ID; the other pairs go on',
  },
  store_corrupt: {
    stage: 'preflight',
    retry: 'permanent',
    meaning: 'a database file is damaged',
    remedy:
      'stop the program, move the damaged file and its -wal and -shm files aside, start again: candles are fetched anew',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERROR_TABLE, text);
}

export interface ErrorContext {
  /** For `wait`: do not try again before this many milliseconds. */
  readonly retryAfterMs?: number;
  /** Overrides the stage of the table where the same failure can happen elsewhere. */
  readonly stage?: Stage;
  /** Overrides the retry of the table where the same failure may pass. */
  readonly retry?: Retry;
  readonly cause?: unknown;
}

/** The one error class the program throws on purpose. `message` says what and where in one sentence. */
export class PipelineError extends Error {
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    const entry: ErrorEntry = ERROR_TABLE[code];
    this.name = 'PipelineError';
    this.code = code;
    this.stage = context.stage ?? entry.stage;
    this.retry = context.retry ?? entry.retry;
    this.retryAfterMs = context.retryAfterMs;
  }

  /** What the operator does next. */
  get remedy(): string {
    return ERROR_TABLE[this.code].remedy;
  }
}
