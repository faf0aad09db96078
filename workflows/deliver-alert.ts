import { isCancellation, proxyActivities, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import type { MonitorActivities } from '../activities/contract';
import { KIND, OUTCOME } from './search-attributes';

/**
 * `{"message":"hard_stale-20240101T000000.000Z"}`. `once`: try once and leave the rest to the next round of the monitor.
 * `again`: to those too that were given up, or from whom the message was held back.
 */
export interface DeliverAlertArguments {
  readonly message: string;
  readonly once?: boolean;
  readonly again?: boolean;
}

const steps = proxyActivities<MonitorActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 20 },
});
const patient = proxyActivities<MonitorActivities>({
  startToCloseTimeout: '20s',
  scheduleToCloseTimeout: '24h',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '10m' },
});
const single = proxyActivities<MonitorActivities>({ startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });

setWorkflowOptions({ failureExceptionTypes: [Error] }, deliverAlert);

/** Brings one message to every receiver that waits for it, each on its own: one that is down holds up no other. */
export async function deliverAlert(input: DeliverAlertArguments): Promise<{ readonly delivered: number }> {
  upsertSearchAttributes([{ key: KIND, value: 'alert' }]);
  const { message, once = false, again = false } = input;
  const receivers = await steps.waitingReceivers({ message, again });
  const outcomes = await Promise.all(receivers.map((receiver) => bring(message, receiver, once)));
  const delivered = outcomes.filter((outcome) => outcome === 'delivered').length;
  upsertSearchAttributes([{ key: OUTCOME, value: delivered === receivers.length ? 'delivered' : 'not delivered' }]);
  return { delivered };
}

async function bring(message: string, receiver: string, once: boolean): Promise<string> {
  const deliver = once ? single.deliver : patient.deliver;
  try {
    return await deliver.executeWithOptions({ summary: `to ${receiver}` }, [{ message, receiver }]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (!once) await steps.giveUp({ message, receiver });
    return 'pending';
  }
}
