import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { ReportActivities, ReportedChange, TimeframeReport } from '../activities/training-contract';
import { championWorkflowId, trainingId } from '../src/domain/names';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { changeChampion } from './change-champion';
import { KIND, OUTCOME, TIMEFRAME } from './search-attributes';
import type { train } from './train';

const { reportModels: judge } = proxyActivities<ReportActivities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '2m', maximumAttempts: 10 },
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, reportModels);

export interface ReportResult {
  readonly asOf: EpochMs;
  readonly timeframes: readonly TimeframeReport[];
  /** What was done about it: `1h: promote 0123456789abcdef`. */
  readonly done: readonly string[];
}

/** Judges the models of every timeframe, and starts the changes and trainings that follow. `asOf` only in virtual time. */
export async function reportModels(input: { readonly asOf?: EpochMs }): Promise<ReportResult> {
  upsertSearchAttributes([{ key: KIND, value: 'report' }]);
  const virtual = input.asOf !== undefined;
  const asOf = input.asOf ?? Date.now();
  const timeframes = await judge.executeWithOptions({ summary: 'champion, shadow and naive of every timeframe' }, [
    { asOf },
  ]);
  const done: string[] = [];
  for (const report of timeframes) {
    for (const wanted of [report.change, report.otherwise]) {
      // A report that an earlier release made names no second change.
      if (wanted === null || wanted === undefined) continue;
      if (!(await change(report.timeframe, wanted, asOf, virtual))) continue;
      done.push(`${report.timeframe}: ${wanted.action} ${wanted.version}`);
      break;
    }
    if (report.train !== null && (await startTraining(report, asOf, virtual))) {
      done.push(`${report.timeframe}: train, ${report.train.trigger}`);
    }
  }
  const rows = timeframes.map(
    ({ timeframe, verdict, reason }) => `| ${timeframe} | ${verdict} | ${reason.replaceAll('|', '/')} |`,
  );
  setCurrentDetails(['| timeframe | verdict | reason |', '|---|---|---|', ...rows].join('\n'));
  upsertSearchAttributes([{ key: OUTCOME, value: done.length === 0 ? 'nothing to do' : 'changed' }]);
  return { asOf, timeframes, done };
}

/** False when it was refused or another change is under way: the next report decides anew. */
async function change(
  timeframe: TimeframeId,
  wanted: ReportedChange,
  asOf: EpochMs,
  virtual: boolean,
): Promise<boolean> {
  try {
    await executeChild<typeof changeChampion>('changeChampion', {
      workflowId: championWorkflowId(timeframe),
      args: [{ timeframe, ...wanted, by: 'automatic', ...(virtual ? { asOf } : {}) }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${timeframe}: ${wanted.action} ${wanted.version}`,
      typedSearchAttributes: [
        { key: KIND, value: 'change' },
        { key: TIMEFRAME, value: timeframe as string },
      ],
    });
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('the champion was not changed', { timeframe, error: String(error) });
    return false;
  }
}

async function startTraining(
  { timeframe, train: wanted }: TimeframeReport,
  asOf: EpochMs,
  virtual: boolean,
): Promise<boolean> {
  if (wanted === null) return false;
  const options = {
    workflowId: trainingId(timeframe),
    args: [{ timeframe, ...wanted, ...(virtual ? { asOf } : {}) }] as Parameters<typeof train>,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${timeframe}: train, ${wanted.trigger}`,
    typedSearchAttributes: [
      { key: KIND, value: 'train' },
      { key: TIMEFRAME, value: timeframe as string },
    ],
  };
  try {
    if (virtual) await executeChild<typeof train>('train', options);
    else await startChild<typeof train>('train', options);
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (!(error instanceof WorkflowExecutionAlreadyStartedError))
      log.warn('no training', { timeframe, error: String(error) });
    return false;
  }
}
