/** The manifest of all pairs, committed as the next generation; a late attempt refuses itself before it publishes. */
import { activityInfo } from '@temporalio/activity';
import { eventOf } from '../src/domain/event';
import { DAY, HOUR } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import { committing } from './committing';
import type { ManifestResult, StageInput } from './contract';
import { nextExpectedCommit } from './expected-commit';
import { followedSymbols } from './followed';
import { describeFailure } from './failures';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';

/** Old generations and left-over files are looked for this often, not at each commit: it reads every kept manifest. */
const SWEEP_EVERY_MS = HOUR;

export function createManifest(ports: ActivityPorts) {
  let sweptAt = Number.NEGATIVE_INFINITY;
  const sweepNowAndThen = async (): Promise<void> => {
    if (ports.clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = ports.clock.monotonic();
    await ports.publisher
      .sweep()
      .catch((error: unknown) => ports.log.warn({ error: String(error) }, 'old files stay for now'));
  };
  return (input: StageInput): Promise<ManifestResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { generation, entries } = await committing(ports, 'manifest', async (deadline) => {
        await removeRetired(ports);
        const standing = await ports.published.manifest();
        const next = await nextExpectedCommit(ports, standing?.manifest ?? null, input.asOf);
        return ports.publisher.commitManifest({ asOf: input.asOf, nextExpectedCommit: next, deadline });
      }).catch(async (error: unknown) => {
        await recordFailure(ports, input, error);
        throw error;
      });
      await endFailures(ports, input.asOf);
      await sweepNowAndThen();
      return { generation, entries };
    });
}

/** A failure that repeats is told, once a run; one that the next attempt mends is not. */
async function recordFailure(ports: ActivityPorts, { timeframe, asOf }: StageInput, error: unknown): Promise<void> {
  const { attempt, workflowExecution } = activityInfo();
  if (attempt < TOLD_FROM_ATTEMPT) return;
  const workflow =
    workflowExecution === undefined ? null : { id: workflowExecution.workflowId, run: workflowExecution.runId };
  const key = `manifest_failure ${timeframe} ${new Date(asOf).toISOString()}`;
  const { message: detail } = describeFailure(error);
  await ports.events.record([eventOf('manifest_failure', asOf, { key, timeframe, detail, workflow })]);
}

const TOLD_FROM_ATTEMPT = 3;

/** Failures that were told are over with the next commit. What can not be recorded now is recorded with the one after. */
async function endFailures({ events, log }: ActivityPorts, asOf: EpochMs): Promise<void> {
  try {
    const open = await events.failedCommits(asOf - FAILURES_LOOKED_FOR_MS);
    await events.record(
      open.map(({ key: alert, timeframe, since, at }) => {
        const end = { key: `manifest_recovery ${alert}`, timeframe, since, alert, ends: alert, detail: '' };
        return eventOf('manifest_recovery', Math.max(at, asOf), end);
      }),
    );
  } catch (error) {
    log.warn({ error: String(error) }, 'the end of a failure could not be recorded yet');
  }
}

/** As long as events are kept. */
const FAILURES_LOOKED_FOR_MS = 90 * DAY;

/** Pairs that the configuration no longer names leave the user plane; their data stays. */
async function removeRetired(ports: ActivityPorts): Promise<void> {
  const { timeframes } = ports.settings;
  const symbols = await followedSymbols(ports);
  for (const row of await ports.publication.rows()) {
    if (symbols.includes(row.symbol) && timeframes.includes(row.timeframe)) continue;
    await ports.publisher.removePair({ symbol: row.symbol, timeframe: row.timeframe });
  }
}
