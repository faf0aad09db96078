/** Makes the server's schedules match the configuration, without waking what the operator paused. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { Client, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import type { ScheduleChange } from '../src/ports/control';

/** Memo that marks a schedule as ours, so that ones no longer wanted can be told from other people's. */
const OWNER = 'coin-predict';

/**
 * Create or update each wanted schedule; remove ours that are wanted no longer. Idempotent, and harmless when several
 * processes do it at once. The update carries over the state, so a paused schedule stays paused with its reason.
 */
export async function reconcileSchedules(
  client: Client,
  wanted: readonly ScheduleOptions[],
): Promise<ScheduleChange[]> {
  const changes: ScheduleChange[] = [];
  for (const options of wanted) changes.push({ id: options.scheduleId, change: await createOrUpdate(client, options) });
  const keep = new Set(wanted.map((options) => options.scheduleId));
  for await (const summary of client.schedule.list()) {
    if (keep.has(summary.scheduleId) || summary.memo?.owner !== OWNER) continue;
    await unlessGone(async () => {
      await client.schedule.getHandle(summary.scheduleId).delete();
      changes.push({ id: summary.scheduleId, change: 'removed' });
    });
  }
  return changes;
}

/** A schedule that was deleted is listed for a moment more: what is done to it then is of no account. */
export async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

async function createOrUpdate(client: Client, options: ScheduleOptions): Promise<'created' | 'updated'> {
  try {
    await client.schedule.create(options);
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  await client.schedule.getHandle(options.scheduleId).update((previous): ScheduleUpdateOptions => {
    const { scheduleId: _id, memo: _memo, ...definition } = options;
    // A paused schedule keeps its state and its reason; a running one takes the note of the definition.
    return {
      ...definition,
      state: previous.state.paused ? previous.state : { ...previous.state, ...definition.state },
    };
  });
  return 'updated';
}
