import type { GateCriterion } from '../domain/promotion-gate';
import type { EpochMs, TimeframeId } from '../domain/types';
import type { ModelMetadata } from './model-metadata';

export type ChangedBy = 'configuration' | 'operator' | 'automatic';

/** One move of a timeframe's champion pointer; kept for ever. */
export interface ChampionChange {
  readonly timeframe: TimeframeId;
  readonly version: string;
  /** The champion before; null for the first. */
  readonly previous: string | null;
  readonly at: EpochMs;
  /**
   * `naive`: the champion was not better than naive, so the calibrated naive recipe took its place.
   * `refit`: the same recipe, fitted on newer candles.
   */
  readonly kind: 'first' | 'promotion' | 'rollback' | 'naive' | 'refit';
  readonly by: ChangedBy;
  readonly reason: string;
}

export interface ShadowModel {
  readonly timeframe: TimeframeId;
  readonly version: string;
  /** It forecasts from here on. */
  readonly since: EpochMs;
}

/** No model of the timeframe is promoted automatically until an operator lifts it. */
export interface PromotionFreeze {
  readonly timeframe: TimeframeId;
  readonly since: EpochMs;
  /** The model that was rolled back. */
  readonly version: string;
  readonly reason: string;
}

/** `decision`: the gate's; `trigger`: a request to train; `change`: made, or refused; the others happened. */
export type LifecycleKind =
  | 'decision'
  | 'trigger'
  | 'training'
  | 'shadow'
  | 'change'
  | 'drift'
  | 'report'
  | 'frozen'
  | 'unfrozen';

/** Anything decided, refused or done about models, with its reason; append-only (I56, S23). */
export interface LifecycleEvent {
  /** Repeating an event with the same key adds nothing. */
  readonly key: string;
  readonly timeframe: TimeframeId;
  readonly at: EpochMs;
  readonly kind: LifecycleKind;
  /** `PROMOTE`, `refused`, `done`, … */
  readonly verdict: string;
  readonly version: string | null;
  readonly by: ChangedBy;
  readonly reason: string;
  readonly criteria: readonly GateCriterion[];
  /** Small facts, for example `duration_ms`. */
  readonly facts: Readonly<Record<string, string | number | null>>;
}

/** Every model there was, which one is champion and which is shadow, and why. */
export interface ModelRegistry {
  /** Idempotent: the first registration of a version stands. */
  register(metadata: ModelMetadata): Promise<void>;
  model(timeframe: TimeframeId, version: string): Promise<ModelMetadata | null>;
  /** Newest first. */
  models(timeframe: TimeframeId): Promise<ModelMetadata[]>;
  /** The newest change, whose version is the champion; null before the first. */
  champion(timeframe: TimeframeId): Promise<ChampionChange | null>;
  /** Newest first. */
  history(timeframe: TimeframeId): Promise<ChampionChange[]>;
  /**
   * Moves the pointer if `previous` still is the champion: one transaction with its event, the freeze that a rollback
   * brings, and the end of the shadow that became champion. False, and nothing changed, when another
   * was faster or this very change was made before.
   * @throws PipelineError `invalid_input` when the version was never registered for the timeframe.
   */
  changeChampion(change: ChampionChange): Promise<boolean>;
  shadow(timeframe: TimeframeId): Promise<ShadowModel | null>;
  /** At most one a timeframe: the one before makes room. */
  setShadow(shadow: ShadowModel): Promise<void>;
  freeze(timeframe: TimeframeId): Promise<PromotionFreeze | null>;
  /** False when nothing was frozen. */
  unfreeze(timeframe: TimeframeId, at: EpochMs, reason: string): Promise<boolean>;
  record(event: LifecycleEvent): Promise<void>;
  /** Newest first. */
  events(
    timeframe: TimeframeId,
    filter: { readonly kind?: LifecycleKind; readonly limit: number },
  ): Promise<LifecycleEvent[]>;
}

/** When the timeframe had its first champion: what was never trained is as old as that. Null before. */
export async function forecastSince(
  models: Pick<ModelRegistry, 'history'>,
  timeframe: TimeframeId,
): Promise<EpochMs | null> {
  return (await models.history(timeframe)).at(-1)?.at ?? null;
}

/** Trainings looked through for one that left a model. */
const TRAININGS_READ = 200;

/** When the timeframe was last trained, all symbols or some of them; null when it never was, or not lately. */
export async function lastTrainedAt(
  models: Pick<ModelRegistry, 'events'>,
  timeframe: TimeframeId,
): Promise<EpochMs | null> {
  const trainings = await models.events(timeframe, { kind: 'training', limit: TRAININGS_READ });
  return trainings.find(({ verdict }) => verdict !== 'failed')?.at ?? null;
}

/** The change that made the champion's recipe champion: all since have only fitted it again. Null before the first. */
export async function promotionOf(
  models: Pick<ModelRegistry, 'history'>,
  timeframe: TimeframeId,
): Promise<ChampionChange | null> {
  return (await models.history(timeframe)).find(({ kind }) => kind !== 'refit') ?? null;
}

/** Changes, made or refused, that are looked through after a decision. */
const CHANGES_READ = 20;

/** The refusal of the change that a decision called for; null where there was none. */
export async function refusalAfter(
  models: Pick<ModelRegistry, 'events'>,
  { timeframe, at, version }: LifecycleEvent,
): Promise<LifecycleEvent | null> {
  const changes = await models.events(timeframe, { kind: 'change', limit: CHANGES_READ });
  return changes.find((of) => of.verdict === 'refused' && of.version === version && of.at >= at) ?? null;
}

/** The event of a change, as {@link ModelRegistry.changeChampion} records it. */
export function eventOf(change: ChampionChange): LifecycleEvent {
  const { timeframe, at, version, by, reason, kind, previous } = change;
  return {
    key: `change ${timeframe} ${at} ${version}`,
    timeframe,
    at,
    kind: 'change',
    verdict: kind,
    version,
    by,
    reason,
    criteria: [],
    facts: { previous },
  };
}

/** What was asked for and not done. */
export interface RefusedChange {
  /** Of the run that refused it, or of the command when none was started. */
  readonly id: string;
  readonly timeframe: TimeframeId;
  readonly version: string;
  readonly action: string;
  readonly at: EpochMs;
  readonly by: ChangedBy;
  /** The reason given for the change. */
  readonly asked: string;
  readonly code: string;
  /** Why it was not done. */
  readonly sentence: string;
}

/** S23: a change that was not made is kept like one that was. */
export function refusalEvent({
  id,
  timeframe,
  version,
  action,
  at,
  by,
  asked,
  code,
  sentence,
}: RefusedChange): LifecycleEvent {
  return {
    ...plainEvent(`refused ${timeframe} ${id}`, timeframe, at, 'change', sentence.slice(0, 500)),
    verdict: 'refused',
    version,
    by,
    facts: { action, code, asked: asked.slice(0, 300) },
  };
}

export function freezeEvent({ timeframe, since, version, reason }: PromotionFreeze): LifecycleEvent {
  const key = `frozen ${timeframe} ${since}`;
  return { ...plainEvent(key, timeframe, since, 'frozen', reason), version, verdict: 'frozen' };
}

export function unfreezeEvent(timeframe: TimeframeId, at: EpochMs, reason: string): LifecycleEvent {
  return { ...plainEvent(`unfrozen ${timeframe} ${at}`, timeframe, at, 'unfrozen', reason), by: 'operator' };
}

function plainEvent(
  key: string,
  timeframe: TimeframeId,
  at: EpochMs,
  kind: LifecycleKind,
  reason: string,
): LifecycleEvent {
  return { key, timeframe, at, kind, verdict: 'done', version: null, by: 'automatic', reason, criteria: [], facts: {} };
}
