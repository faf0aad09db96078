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
import type { MonitorActivities } from '../activities/contract';
import { alertWorkflowId } from '../src/domain/names';
import type { EpochMs } from '../src/domain/types';
import { KIND, OUTCOME } from './search-attributes';

const { observe } = proxyActivities<MonitorActivities>({
  startToCloseTimeout: '45s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 5 },
});
/** What follows is repeated by the next round anyway. */
const { recommit, probe, writeOpsDocuments, heartbeat } = proxyActivities<MonitorActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumAttempts: 2 },
});

export interface MonitorReport {
  readonly asOf: EpochMs;
  readonly pairs: number;
  readonly changed: number;
  readonly events: number;
  /** Messages that some receiver waited for when the round ended its look. */
  readonly pending: number;
}

setWorkflowOptions({ failureExceptionTypes: [Error] }, monitor);

/**
 * Judges all pairs, tells what changed, and has the manifest committed again when a status did. It observes and alerts;
 * it never repairs. `asOf` only under the virtual-time driver: then messages are tried once a round, in order, and
 * nobody outside is called.
 */
export async function monitor(input: { readonly asOf?: EpochMs }): Promise<MonitorReport> {
  upsertSearchAttributes([{ key: KIND, value: 'monitor' }]);
  const virtual = input.asOf !== undefined;
  const asOf = input.asOf ?? Date.now();
  const seen = await observe.executeWithOptions({ summary: 'judge all pairs' }, [{ asOf }]);
  if (seen.changed.length > 0 || seen.promiseMoved === true) {
    const changed = seen.changed.length > 0 ? `status of ${seen.changed.slice(0, 5).join(', ')}` : 'what is expected';
    const summary = `${changed} changed: manifest again`;
    await orLater('recommit', () => recommit.executeWithOptions({ summary }, [{ asOf }]));
  }
  for (const message of seen.pending) await startDelivery(message, virtual);
  await orLater('probe', () => probe({ asOf }));
  await orLater('writeOpsDocuments', () => writeOpsDocuments({ asOf }));
  if (!virtual) await orLater('heartbeat', () => heartbeat());
  const report = {
    asOf,
    pairs: seen.pairs,
    changed: seen.changed.length,
    events: seen.events,
    pending: seen.pending.length,
  };
  // Absent in a round that began before this was looked for.
  const store = seen.store ?? null;
  const told = `${report.pairs} pairs judged, ${report.changed} changed, ${report.events} events, ${report.pending} messages to deliver`;
  setCurrentDetails(store === null ? told : `${told}; the candle store can not be asked: ${store}`);
  upsertSearchAttributes([{ key: OUTCOME, value: report.events > 0 ? 'told' : 'quiet' }]);
  return report;
}

/** A delivery that runs already is left alone; one that was lost is so started again (I50). */
async function startDelivery(message: string, virtual: boolean): Promise<void> {
  const options = {
    workflowId: alertWorkflowId(message),
    args: [{ message, once: virtual }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `alert ${message}`.slice(0, 350),
    typedSearchAttributes: [{ key: KIND, value: 'alert' }],
  };
  try {
    if (virtual) await executeChild('deliverAlert', options);
    else await startChild('deliverAlert', options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** A failure of a step that the next round repeats does not end this one. */
async function orLater(step: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('a step of the monitor failed; the next round repeats it', { step, error: String(error) });
  }
}
