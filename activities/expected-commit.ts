/** When the next commit of the manifest is expected (SPEC 5): a timeframe whose schedule is paused is waited for by nobody. */
import { cycleScheduleId } from '../src/domain/names';
import { isAhead } from '../src/domain/run-order';
import { DAY, nextBoundary, openOf, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { judgingTime } from '../src/publish/documents';
import type { Manifest } from '../src/publish/documents';
import type { ActivityPorts } from './ports';

/** When the earliest next cycle of any timeframe is due, after a commit of `asOf` on `standing`. */
export async function nextExpectedCommit(
  ports: ActivityPorts,
  standing: Manifest | null,
  asOf: EpochMs,
): Promise<EpochMs> {
  return nextCommit(ports, await runningTimeframes(ports), reached(ports, standing, asOf));
}

/**
 * What is left of the promise of the manifest in force. A commit that only timeframes owed that are paused now is not waited
 * for; one that a resumed timeframe will make is. Otherwise a promise that was not kept stays broken.
 */
export async function standingPromise(ports: ActivityPorts, standing: Manifest, asOf: EpochMs): Promise<EpochMs> {
  const running = await runningTimeframes(ports);
  const next = nextCommit(ports, running, reached(ports, standing, asOf));
  const promised = Date.parse(standing.expires_at) - 2 * ports.settings.cycleTargetMs;
  if (running.length === 0) return next;
  const boundary = promised - ports.settings.scheduleOffsetMs;
  const owing = ports.settings.timeframes.filter((timeframe) => openOf(timeframe, boundary) === boundary);
  const frozen = owing.length > 0 && !owing.some((timeframe) => running.includes(timeframe));
  return Math.min(next, frozen ? nextCommit(ports, running, boundary) : promised);
}

/** The time that the pipeline has come to: a late pass, or a round of the monitor, still carries the `asOf` it began with. */
function reached({ clock }: ActivityPorts, standing: Manifest | null, asOf: EpochMs): EpochMs {
  const judged = standing === null ? asOf : Date.parse(judgingTime(standing));
  return isAhead(judged, asOf, clock.now()) ? asOf : Math.max(asOf, judged);
}

/** With all paused the monitor alone commits: it promises to the end of the next day, each day again. */
function nextCommit({ settings }: ActivityPorts, running: readonly TimeframeId[], after: EpochMs): EpochMs {
  const boundaries = running.map((timeframe) => nextBoundary(timeframe, after));
  const next = running.length === 0 ? nextBoundary(parseTimeframe('1d'), after + DAY) : Math.min(...boundaries);
  return next + settings.scheduleOffsetMs;
}

/** A schedule that can not be asked for counts as running: then its cycle is missed, not forgotten. */
async function runningTimeframes({ settings, schedulePaused }: ActivityPorts): Promise<TimeframeId[]> {
  const paused = await Promise.all(
    settings.timeframes.map((timeframe) => schedulePaused(cycleScheduleId(timeframe)).catch(() => false)),
  );
  return settings.timeframes.filter((_, index) => paused[index] !== true);
}
