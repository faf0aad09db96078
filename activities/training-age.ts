/** How long ago each timeframe was last trained, for the monitor (SPEC 7). */
import type { Event } from '../src/domain/event';
import { observeTraining } from '../src/domain/system-watch';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { forecastSince, lastTrainedAt } from '../src/ports/model-registry';
import type { ActivityPorts } from './ports';

export async function observeTrainings(
  ports: ActivityPorts,
  before: Readonly<Record<string, string>>,
  asOf: EpochMs,
): Promise<{ readonly watch: Record<string, string>; readonly events: Event[] }> {
  const watch: Record<string, string> = {};
  const events: Event[] = [];
  for (const timeframe of ports.settings.timeframes) {
    const trainedAt = await trainedOrBegunAt(ports, timeframe);
    if (trainedAt === null) continue;
    const observed = observeTraining(before[timeframe] ?? null, { timeframe, trainedAt, at: asOf });
    if (observed.watch !== null) watch[timeframe] = observed.watch;
    events.push(...observed.events);
  }
  return { watch, events };
}

/** Null where nothing is forecast, or nothing yet. */
async function trainedOrBegunAt(ports: ActivityPorts, timeframe: TimeframeId): Promise<EpochMs | null> {
  if (ports.settings.rules(timeframe).horizon === 0) return null;
  return (await lastTrainedAt(ports.models, timeframe)) ?? forecastSince(ports.models, timeframe);
}
