/** Steps whose commit others can see: an attempt that was given up meanwhile refuses itself, and is counted (P10, I26). */
import { activityInfo } from '@temporalio/activity';
import { PipelineError } from '../src/domain/errors';
import type { CommitKind } from '../src/ports/late-commits';
import type { ActivityPorts } from './ports';

/** Left for the commit itself before Temporal gives the attempt up. */
const MARGIN_MS = 2_000;
const BEAT_MS = 1_000;

/**
 * Runs `work`, which asks for `deadline()` just before it commits: on the clock's monotonic scale, and past at once when this
 * process has slept for longer than a heartbeat may be away, since then its step has been given to another worker.
 */
export async function committing<T>(
  ports: Pick<ActivityPorts, 'clock' | 'lateCommits' | 'log'>,
  kind: CommitKind,
  work: (deadline: () => number) => Promise<T>,
): Promise<T> {
  const { startToCloseTimeoutMs, heartbeatTimeoutMs = 0 } = activityInfo();
  // The server says 0 of a step that need not give a sign of life.
  const away = heartbeatTimeoutMs === 0 ? Number.POSITIVE_INFINITY : heartbeatTimeoutMs;
  const { clock } = ports;
  const end = clock.monotonic() + startToCloseTimeoutMs - MARGIN_MS;
  let beatAt = clock.monotonic();
  let slept = false;
  const beat = (): void => {
    slept ||= clock.monotonic() - beatAt > away;
    beatAt = clock.monotonic();
  };
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work(() => {
      beat();
      return slept ? Number.NEGATIVE_INFINITY : end;
    });
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'fenced') await refusedLate(ports, kind);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Counts a commit that came too late; that it was refused is more than that it is counted. */
export async function refusedLate(
  { clock, lateCommits, log }: Pick<ActivityPorts, 'clock' | 'lateCommits' | 'log'>,
  kind: CommitKind,
): Promise<void> {
  log.warn({ kind }, 'a commit that came too late was refused');
  await lateCommits
    .refused(kind, clock.now())
    .catch((error: unknown) => log.error({ error: String(error) }, 'a late commit could not be counted'));
}
