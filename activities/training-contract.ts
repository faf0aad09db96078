/** What travels between training, the daily report, changes of the champion and their activities. */
import type { ErrorCode } from '../src/domain/errors';
import type { GateVerdict } from '../src/domain/promotion-gate';
import type { TrainingTrigger } from '../src/domain/retrain';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';

/** A family and its settings, as in the Forecaster port. */
export interface RecipeInput {
  readonly family: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface PlanTrainingInput {
  readonly timeframe: string;
  /** Null: every symbol that is ready. */
  readonly symbols: readonly string[] | null;
  readonly trigger: TrainingTrigger;
  /** Of an event: how often it was observed in a row. */
  readonly observations: number;
  /** Named by an operator; absent: the best of the declared space. */
  readonly recipe?: RecipeInput;
  readonly asOf: EpochMs;
  readonly runId: string;
}

export type TrainingPlan =
  | {
      readonly verdict: 'train';
      readonly source: string;
      readonly timeframe: TimeframeId;
      readonly symbols: readonly MarketSymbol[];
      readonly champion: string;
      readonly recipe?: RecipeInput;
      readonly retryWaitsMs: readonly number[];
    }
  | { readonly verdict: 'refused'; readonly reason: string };

export interface SymbolTask {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly symbol: MarketSymbol;
  readonly asOf: EpochMs;
}

export interface SnapshotResult {
  readonly sha256: string;
  readonly file: string;
  readonly rows: number;
  readonly from: EpochMs;
  readonly through: EpochMs;
}

/** A symbol and the snapshot it is trained on. */
export interface TrainingSymbol {
  readonly symbol: MarketSymbol;
  readonly snapshot: SnapshotResult;
}

export interface SearchInput {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly members: readonly TrainingSymbol[];
  /** Absent: the best of the declared space. */
  readonly recipe?: RecipeInput;
}

export interface SearchResult {
  readonly recipe: RecipeInput;
  /** Losses on the holdout, the winner's and the champion's, too many for a payload: a file of this hash. */
  readonly holdout: string;
  readonly recipes: number;
}

export interface FitInput extends SymbolTask {
  readonly snapshot: SnapshotResult;
  readonly recipe: RecipeInput;
}

export interface FitResult {
  /** Null where every cycle fits. */
  readonly fileSha256: string | null;
}

export interface RegisterInput {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly runId: string;
  readonly recipe: RecipeInput;
  readonly holdout: string;
  readonly fits: readonly (TrainingSymbol & FitResult)[];
}

export interface RegisterResult {
  readonly version: string;
  /**
   * Where the champion's recipe is still the best there is nothing to shadow. `refit`: its new fits are to take the place of
   * the old ones; `kept`: there are none, or they may not.
   */
  readonly outcome: 'shadow' | 'kept' | 'refit';
  readonly reason: string;
  /** The champion's recipe where another won and this one is fitted on training: it is to be fitted and registered too. */
  readonly fitToo?: RecipeInput;
}

export interface CloseTrainingInput {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly runId: string;
  readonly asOf: EpochMs;
  readonly trigger: TrainingTrigger;
  readonly startedAt: EpochMs;
  readonly endedAt: EpochMs;
  readonly outcome: 'done' | 'partial' | 'failed';
  readonly version: string | null;
  readonly reason: string;
  readonly failed: readonly { readonly symbol: MarketSymbol; readonly reason: string }[];
}

export interface TrainingActivities {
  planTraining(input: PlanTrainingInput): Promise<TrainingPlan>;
  snapshotCandles(input: SymbolTask): Promise<SnapshotResult>;
  registerCandidate(input: RegisterInput): Promise<RegisterResult>;
  closeTraining(input: CloseTrainingInput): Promise<void>;
}

/** On the background queue. */
export interface TrainingComputations {
  searchForRecipe(input: SearchInput): Promise<SearchResult>;
  fitSymbol(input: FitInput): Promise<FitResult>;
}

export interface ChangeInput {
  readonly timeframe: string;
  readonly action: 'promote' | 'rollback' | 'naive' | 'refit';
  readonly version: string;
  /** The champion that it was decided against: of another one it is not true any more. Absent: whichever it is. */
  readonly champion?: string;
  readonly by: 'operator' | 'automatic';
  readonly reason: string;
  readonly asOf: EpochMs;
}

export interface ChangePlan {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly version: string;
  /** Champion that the change starts from. */
  readonly previous: string;
  readonly symbols: readonly MarketSymbol[];
}

export interface SmokeInput extends ChangePlan {
  readonly asOf: EpochMs;
}

export interface SmokeResult {
  readonly checked: number;
  readonly milliseconds: number;
}

export interface MoveInput extends ChangePlan {
  readonly action: ChangeInput['action'];
  readonly by: ChangeInput['by'];
  readonly reason: string;
  readonly asOf: EpochMs;
}

export interface RefusalInput extends ChangeInput {
  readonly runId: string;
  readonly failure: { readonly code: ErrorCode; readonly message: string };
}

/** On the compute queue: a change takes effect in seconds, whatever is being trained. */
export interface SmokeActivities {
  /** @throws `change_refused` naming the symbol that has no valid forecast. */
  smokeCheck(input: SmokeInput): Promise<SmokeResult>;
}

export interface ChangeActivities {
  /** @throws `change_refused` in one sentence. */
  planChange(input: ChangeInput): Promise<ChangePlan>;
  /** Compare and set: @throws `change_refused` when the champion is no longer the one the plan started from. */
  movePointer(input: MoveInput): Promise<void>;
  /** Keeps that a change was not made, and why. */
  recordRefusal(input: RefusalInput): Promise<void>;
}

export type ReportedChange = Pick<ChangeInput, 'version' | 'champion' | 'reason'> & {
  readonly action: 'promote' | 'naive';
};

/** What the daily report found of one timeframe, and what follows. */
export interface TimeframeReport {
  readonly timeframe: TimeframeId;
  /** `FAILED`: it could not be judged. */
  readonly verdict: GateVerdict | 'NO_SHADOW' | 'FAILED';
  readonly reason: string;
  readonly change: ReportedChange | null;
  /** In place of a promotion that is refused. */
  readonly otherwise: ReportedChange | null;
  /** Event to train for, with how often it was observed in a row. */
  readonly train: { readonly trigger: TrainingTrigger; readonly observations: number } | null;
}

export interface ReportActivities {
  reportModels(input: { readonly asOf: EpochMs }): Promise<readonly TimeframeReport[]>;
}
