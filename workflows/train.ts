import {
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  patched,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  FitResult,
  PlanTrainingInput,
  RecipeInput,
  RegisterInput,
  RegisterResult,
  TrainingActivities,
  TrainingComputations,
  TrainingPlan,
  TrainingSymbol,
} from '../activities/training-contract';
import { BACKGROUND_QUEUE, championWorkflowId } from '../src/domain/names';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { changeChampion } from './change-champion';
import { KIND, OUTCOME, SYMBOLS, TIMEFRAME } from './search-attributes';
import { failureOf } from './stages';

/** `{"timeframe":"1h"}`; all else is optional, `asOf` only in virtual time. */
export interface TrainArguments {
  readonly timeframe: string;
  readonly symbols?: readonly string[];
  readonly trigger?: PlanTrainingInput['trigger'];
  readonly observations?: number;
  /** `{"family":"prophet","settings":{}}`: trained as it is named, without a search. */
  readonly recipe?: RecipeInput;
  readonly asOf?: EpochMs;
}

export interface TrainResult {
  readonly outcome: 'done' | 'partial' | 'failed' | 'refused';
  readonly version: string | null;
  readonly reason: string;
  readonly trained: readonly MarketSymbol[];
  readonly failed: readonly { readonly symbol: MarketSymbol; readonly reason: string }[];
  readonly asOf: EpochMs;
}

type Accepted = Extract<TrainingPlan, { verdict: 'train' }>;
type Attempt = Omit<TrainResult, 'asOf'>;

const retry = { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 } as const;
const { planTraining, snapshotCandles, registerCandidate, closeTraining } = proxyActivities<TrainingActivities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '30s',
  retry,
});
const { searchForRecipe, fitSymbol } = proxyActivities<TrainingComputations>({
  taskQueue: BACKGROUND_QUEUE,
  startToCloseTimeout: '6h',
  heartbeatTimeout: '60s',
  retry,
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, train);

/**
 * Trains a candidate: snapshots, search over the declared recipes, fits, registration as shadow; new fits of the champion's
 * own recipe take the place of the old ones. A symbol that fails is left out and told. A training that fails altogether is tried again after 10 and 30 minutes. Its ID is the lock.
 */
export async function train(input: TrainArguments): Promise<TrainResult> {
  const asOf = input.asOf ?? Date.now();
  const trigger = input.trigger ?? 'by hand';
  const { runId } = workflowInfo();
  upsertSearchAttributes([
    { key: KIND, value: 'train' },
    { key: TIMEFRAME, value: input.timeframe },
  ]);
  const plan = await planTraining.executeWithOptions({ summary: `${input.timeframe}: train? (${trigger})` }, [
    {
      timeframe: input.timeframe,
      symbols: input.symbols ?? null,
      trigger,
      observations: input.observations ?? 0,
      ...(input.recipe === undefined ? {} : { recipe: input.recipe }),
      asOf,
      runId,
    },
  ]);
  if (plan.verdict === 'refused') {
    upsertSearchAttributes([{ key: OUTCOME, value: 'refused' }]);
    return { outcome: 'refused', version: null, reason: plan.reason, trained: [], failed: [], asOf };
  }
  upsertSearchAttributes([{ key: SYMBOLS, value: plan.symbols.length }]);
  const startedAt = Date.now();
  const attempt = await withRetries(plan, asOf, runId, input.asOf !== undefined);
  const { source, timeframe } = plan;
  const { outcome, version, reason, failed } = attempt;
  await closeTraining.executeWithOptions({ summary: `${timeframe}: ${outcome}` }, [
    {
      source,
      timeframe,
      runId,
      asOf,
      trigger,
      startedAt,
      endedAt: Date.now(),
      outcome: recorded(outcome),
      version,
      reason,
      failed,
    },
  ]);
  setCurrentDetails(`**${timeframe}** ${outcome}: ${reason}`);
  upsertSearchAttributes([{ key: OUTCOME, value: outcome as string }]);
  return { ...attempt, asOf };
}

function recorded(outcome: Attempt['outcome']): 'done' | 'partial' | 'failed' {
  return outcome === 'refused' ? 'failed' : outcome;
}

async function withRetries(plan: Accepted, asOf: EpochMs, runId: string, virtual: boolean): Promise<Attempt> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await trainOnce(plan, asOf, runId, virtual);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const wait = plan.retryWaitsMs[attempt];
      const { message, retry: kind } = failureOf(error);
      if (wait === undefined || kind === 'permanent') {
        return { outcome: 'failed', version: null, reason: message, trained: [], failed: [] };
      }
      setCurrentDetails(`failed, tried again after ${wait / 60_000} min: ${message}`);
      // Virtual time stands still while a training runs: nothing waits.
      if (!virtual) await sleep(wait);
    }
  }
}

async function trainOnce(plan: Accepted, asOf: EpochMs, runId: string, virtual: boolean): Promise<Attempt> {
  const { source, timeframe } = plan;
  const failed: { symbol: MarketSymbol; reason: string }[] = [];
  const errors: unknown[] = [];
  const each = async <In extends { symbol: MarketSymbol }, Out>(
    members: readonly In[],
    work: (member: In) => Promise<Out>,
  ) => {
    const done: Out[] = [];
    // One after the other: a training is in no hurry, and its memory is that of one symbol.
    for (const member of members) {
      try {
        done.push(await work(member));
      } catch (error) {
        if (isCancellation(error)) throw error;
        failed.push({ symbol: member.symbol, reason: failureOf(error).message });
        errors.push(error);
      }
    }
    return done;
  };
  const members = await each(
    plan.symbols.map((symbol) => ({ symbol })),
    async ({ symbol }): Promise<TrainingSymbol> => ({
      symbol,
      snapshot: await snapshotCandles.executeWithOptions({ summary: `${symbol} ${timeframe} snapshot` }, [
        { source, timeframe, symbol, asOf },
      ]),
    }),
  );
  if (members.length === 0) throw failureOfAll(errors, 'no symbol to train on');
  const found = await searchForRecipe.executeWithOptions(
    { summary: `${timeframe}: search over ${members.length} symbols` },
    [{ source, timeframe, asOf, members, ...(plan.recipe === undefined ? {} : { recipe: plan.recipe }) }],
  );
  const { recipe, holdout } = found;
  const fitted = (of: RecipeInput) =>
    each(members, async (member): Promise<TrainingSymbol & FitResult> => ({
      ...member,
      ...(await fitSymbol.executeWithOptions({ summary: `${member.symbol} ${timeframe} fit ${of.family}` }, [
        { source, timeframe, asOf, recipe: of, ...member },
      ])),
    }));
  const register = (of: RecipeInput, all: RegisterInput['fits']) =>
    registerCandidate.executeWithOptions({ summary: `${timeframe}: register ${of.family}` }, [
      { source, timeframe, asOf, runId, recipe: of, holdout, fits: all },
    ]);
  const fits = await fitted(recipe);
  if (fits.length === 0) throw failureOfAll(errors, 'no symbol could be fitted');
  const winner = await register(recipe, fits);
  const registered = [winner];
  const { version, fitToo } = winner;
  if (fitToo !== undefined) {
    const again = await fitted(fitToo);
    if (again.length > 0) registered.push(await register(fitToo, again));
  }
  const reasons: string[] = [];
  for (const one of registered) {
    const refused = one.outcome === 'refit' ? await fitAgain(timeframe, one, virtual ? asOf : null) : null;
    reasons.push(refused === null ? one.reason : `${one.reason}; not used: ${refused}`);
  }
  reasons.push(...failed.map((one) => `${one.symbol} left out: ${one.reason}`));
  const reason = reasons.join('; ');
  const outcome = failed.length === 0 ? 'done' : 'partial';
  return { outcome, version, reason, trained: fits.map(({ symbol }) => symbol), failed };
}

/** Of the failures of all symbols the first that may pass, so that they are tried again; else the first. */
function failureOfAll(errors: readonly unknown[], otherwise: string): unknown {
  const told = errors.find((error) => failureOf(error).retry !== 'permanent') ?? errors[0] ?? new Error(otherwise);
  // Runs that were begun before this try again whatever failed.
  return patched('symbols-fail-for-good') ? told : new Error(failureOf(told).message);
}

/** Under the lock of the champion, tried on every symbol like any change; null when done, else why not: the old fits stay. */
async function fitAgain(
  timeframe: TimeframeId,
  { version, reason }: RegisterResult,
  asOf: EpochMs | null,
): Promise<string | null> {
  try {
    await executeChild<typeof changeChampion>('changeChampion', {
      workflowId: championWorkflowId(timeframe),
      args: [{ timeframe, action: 'refit', version, by: 'automatic', reason, ...(asOf === null ? {} : { asOf }) }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${timeframe}: refit ${version}`,
      typedSearchAttributes: [
        { key: KIND, value: 'change' },
        { key: TIMEFRAME, value: timeframe as string },
      ],
    });
    return null;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return failureOf(error instanceof ChildWorkflowFailure ? error.cause : error).message;
  }
}
