/** All operational state of one source in one SQLite file. */
import type { DataQualityStore } from '../../ports/data-quality';
import type { ForecastLedger } from '../../ports/forecast-ledger';
import type { GapLedger } from '../../ports/gap-ledger';
import type { LateCommits } from '../../ports/late-commits';
import type { ModelRegistry } from '../../ports/model-registry';
import type { AlertOutbox } from '../../ports/alert-outbox';
import type { EventLog } from '../../ports/event-log';
import type { MonitorStore } from '../../ports/monitor-store';
import type { PairStateStore } from '../../ports/pair-state';
import type { PublicationStore } from '../../ports/publication';
import type { RateBudget } from '../../ports/rate-budget';
import type { RunLog } from '../../ports/run-log';
import type { SymbolChoice } from '../../ports/symbol-choice';
import { SqliteDataQuality } from './data-quality';
import { SqliteForecastLedger } from './forecast-ledger';
import { SqliteGapLedger } from './gap-ledger';
import { SqliteModelRegistry } from './model-registry';
import { SqliteAlertOutbox } from './alert-outbox';
import { SqliteEventLog } from './event-log';
import { SqliteLateCommits } from './late-commits';
import { SqliteMonitorStore } from './monitor-store';
import { SqlitePairState } from './pair-state';
import { SqlitePublication } from './publication';
import { SqliteRateBudget } from './rate-budget';
import type { BudgetOptions } from './rate-budget';
import { SqliteRunLog } from './run-log';
import { SqliteSymbolChoice } from './symbol-choice';
import { StateDatabase } from './state-database';

export interface StateStore {
  readonly pairState: PairStateStore;
  readonly gapLedger: GapLedger;
  readonly dataQuality: DataQualityStore;
  readonly symbolChoice: SymbolChoice;
  readonly forecastLedger: ForecastLedger;
  readonly runLog: RunLog;
  readonly publication: PublicationStore;
  readonly models: ModelRegistry;
  readonly events: EventLog;
  readonly monitor: MonitorStore;
  readonly outbox: AlertOutbox;
  readonly lateCommits: LateCommits;
  /** The deployment's rate budget; budgets made from the same file share it, whatever process they live in. */
  budget(options?: BudgetOptions): RateBudget;
  close(): Promise<void>;
}

/**
 * Opens the state database at `path`, creating it and its folder when there is none.
 * @throws PipelineError `store_unavailable`, `store_corrupt`, `disk_full`, or `invalid_input` when a newer program wrote it.
 */
export async function openStateStore(path: string): Promise<StateStore> {
  const state = await StateDatabase.open(path);
  return {
    pairState: new SqlitePairState(state),
    gapLedger: new SqliteGapLedger(state),
    dataQuality: new SqliteDataQuality(state),
    symbolChoice: new SqliteSymbolChoice(state),
    forecastLedger: new SqliteForecastLedger(state),
    runLog: new SqliteRunLog(state),
    publication: new SqlitePublication(state),
    models: new SqliteModelRegistry(state),
    events: new SqliteEventLog(state),
    monitor: new SqliteMonitorStore(state),
    outbox: new SqliteAlertOutbox(state),
    lateCommits: new SqliteLateCommits(state),
    budget: (options) => new SqliteRateBudget(state, options),
    close: async () => state.close(),
  };
}
