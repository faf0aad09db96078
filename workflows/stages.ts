/** Calls of stages from a workflow: options, readable summaries, and failures as values instead of exceptions. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { isCancellation, log, proxyActivities, sleep } from '@temporalio/workflow';
import type { ActivityOptions, RetryPolicy } from '@temporalio/common';
import type {
  Answer,
  ComputeActivities,
  CycleActivities,
  ExportSummary,
  Failure,
  FetchResult,
  ForecastSummary,
  GateResult,
  RepairResult,
  StageInput,
  WriteResult,
} from '../activities/contract';
import { COMPUTE_QUEUE } from '../src/domain/names';
import type { EpochMs, MarketSymbol } from '../src/domain/types';

/** First pass: short retries only, so that one pair can not hold up the manifest. */
const QUICK: RetryPolicy = { maximumAttempts: 3, initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5s' };
/** Steps without which the cycle has no meaning. */
const STUBBORN: RetryPolicy = {
  maximumAttempts: 20,
  initialInterval: '500ms',
  backoffCoefficient: 2,
  maximumInterval: '20s',
};
/** A step whose worker has died is given to another one after this. */
const HEARTBEAT = '10s';
/** Pauses before failed members of a group are tried again, as QUICK does for a group of one. */
const GROUP_RETRY_WAITS_MS = [1_000, 2_000];

const stubborn = proxyActivities<CycleActivities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '10m',
  retry: STUBBORN,
});
const stages = proxyActivities<CycleActivities>({ startToCloseTimeout: '45s', retry: QUICK });
const compute = proxyActivities<ComputeActivities>({
  taskQueue: COMPUTE_QUEUE,
  startToCloseTimeout: '5m',
  retry: QUICK,
});

export const { openCycle, manifest, closeCycle, requestCycles } = stubborn;

/** Failures by symbol and values by symbol: what a stage gave for a group. */
export interface StageOutcome<T> {
  readonly values: Map<MarketSymbol, T>;
  readonly failures: Map<MarketSymbol, Failure>;
}

type Call<T> = (input: StageInput, options: ActivityOptions) => Promise<Answer<T>[]>;

/** The group a stage works on, and how its summary begins: `BTC/USDT 1h`, or `25 pairs 1h (BTC/USDT, …)`. */
function label(input: StageInput): string {
  const [first] = input.symbols;
  if (input.symbols.length === 1) return `${first} ${input.timeframe}`;
  const names = input.symbols.join(', ');
  return `${input.symbols.length} pairs ${input.timeframe} (${names.length > 200 ? `${names.slice(0, 200)}…` : names})`;
}

function optionsFor(input: StageInput, summary: string, secondsEach: number): ActivityOptions {
  const seconds = 15 + secondsEach * input.symbols.length;
  return {
    summary: `${label(input)} ${summary}`.slice(0, 350),
    startToCloseTimeout: seconds * 1000,
    heartbeatTimeout: HEARTBEAT,
  };
}

export function fetch(input: StageInput): Promise<StageOutcome<FetchResult>> {
  return callStage(input, (group, options) => stages.fetch.executeWithOptions(options, [group]), 'fetch', 30);
}

export function write(
  input: StageInput,
  pages: ReadonlyMap<MarketSymbol, Extract<FetchResult, { kind: 'candles' }>>,
): Promise<StageOutcome<WriteResult>> {
  const fresh = [...pages.values()].reduce((sum, page) => sum + page.fresh, 0);
  return callStage(
    input,
    (group, options) => {
      const members = group.symbols.flatMap((symbol) => {
        const page = pages.get(symbol);
        return page === undefined ? [] : [{ symbol, rows: page.rows, fetchedAt: page.fetchedAt }];
      });
      return stages.write.executeWithOptions(options, [{ ...group, pages: members }]);
    },
    `write: ${fresh} new`,
    5,
  );
}

export function repair(input: StageInput): Promise<StageOutcome<RepairResult>> {
  return callStage(input, (group, options) => stages.repair.executeWithOptions(options, [group]), 'repair', 30);
}

export function gate(input: StageInput): Promise<StageOutcome<GateResult>> {
  return callStage(input, (group, options) => stages.gate.executeWithOptions(options, [group]), 'gate', 5);
}

export function forecast(input: StageInput): Promise<StageOutcome<ForecastSummary>> {
  return callStage(input, (group, options) => compute.forecast.executeWithOptions(options, [group]), 'forecast', 60);
}

export function exportDocuments(
  input: StageInput,
  degraded: readonly MarketSymbol[],
): Promise<StageOutcome<ExportSummary>> {
  return callStage(
    input,
    (group, options) => {
      const affected = degraded.filter((symbol) => group.symbols.includes(symbol));
      return stages.export.executeWithOptions(options, [{ ...group, degraded: affected }]);
    },
    degraded.length === 0 ? 'export' : 'export, last good forecast kept',
    10,
  );
}

/** Calls a stage; members of a larger group that failed for a passing reason are tried again, alone among themselves. */
async function callStage<T>(
  input: StageInput,
  call: Call<T>,
  summary: string,
  secondsEach: number,
): Promise<StageOutcome<T>> {
  const values = new Map<MarketSymbol, T>();
  const failures = new Map<MarketSymbol, Failure>();
  let group = input;
  for (let attempt = 0; group.symbols.length > 0; attempt++) {
    const text = attempt === 0 ? summary : `${summary}, try ${attempt + 1}`;
    for (const answer of await answersOf(group, call, optionsFor(group, text, secondsEach))) {
      if (answer.ok) {
        values.set(answer.symbol, answer.value);
        failures.delete(answer.symbol);
      } else failures.set(answer.symbol, answer.failure);
    }
    const wait = GROUP_RETRY_WAITS_MS[attempt];
    if (input.symbols.length === 1 || wait === undefined) break;
    const again = group.symbols.filter((symbol) => failures.get(symbol)?.retry === 'transient');
    group = { ...group, symbols: again };
    if (again.length > 0) await sleep(wait);
  }
  return { values, failures };
}

async function answersOf<T>(input: StageInput, call: Call<T>, options: ActivityOptions): Promise<Answer<T>[]> {
  try {
    return await call(input, options);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const failure = failureOf(error);
    log.warn('stage failed', { symbols: input.symbols.join(','), code: failure.code });
    return input.symbols.map((symbol) => ({ symbol, ok: false, failure }));
  }
}

/** What an exception from an activity says; a time-out or a lost worker is a passing failure. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const [details] = cause.details ?? [];
    if (isFailure(details)) return details;
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code: 'internal', stage: 'preflight', retry: 'transient', message, retryAfterMs: null };
}

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'code' in value && 'retry' in value && 'stage' in value;
}

/** The time a failed pair may be tried again at, at the earliest. */
export function notBefore(failure: Failure, now: EpochMs): EpochMs {
  return now + (failure.retryAfterMs ?? 0);
}
