/** What follows a round of the monitor: the manifest's words brought up to date, the probe, the heartbeat. */
import { slaFigures } from '../src/domain/sla';
import { DAY, lastBoundary, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import { firingNow } from '../src/ports/firing';
import type { SlaDay } from '../src/ports/monitor-store';
import { committing } from './committing';
import type { ManifestResult } from './contract';
import { nextExpectedCommit, standingPromise } from './expected-commit';
import { storeBesideRows } from './pair-judgement';
import type { ActivityPorts } from './ports';
import { slaEvents } from './sla-events';
import { guarded } from './stage';

/** Events, messages and probes are kept this long, what began a firing alert as long as that; the figures of each day for good. */
const KEPT_MS = 90 * DAY;
/** A message may still be on its way for a day after its own; the night after that counts it as what it came to. */
const DAYS_ROLLED_UP = 3;

/**
 * The manifest with the words of this moment; whatever is published stays (SPEC 5). It expires when the one before would
 * have, but for what was paused or resumed since, or at once: the monitor promises nothing in the name of a cycle that is late.
 */
export function createRecommit(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<ManifestResult> =>
    guarded(async () => {
      const current = await ports.published.manifest();
      const graceMs = 2 * ports.settings.cycleTargetMs;
      const promised =
        current === null
          ? await nextExpectedCommit(ports, null, asOf)
          : Math.max(await standingPromise(ports, current.manifest, asOf), asOf + 1_000 - graceMs);
      const seen = await storeBesideRows(ports, asOf);
      const { generation, entries } = await committing(ports, 'manifest', (deadline) =>
        ports.publisher.commitManifest({ asOf, nextExpectedCommit: promised, seen, thorough: true, deadline }),
      );
      await ports.monitor.settleChanged(asOf);
      return { generation, entries };
    });
}

export function createProbe(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }) =>
    guarded(async () => {
      const before = await ports.monitor.lastProbes(asOf);
      const result = await ports.probe.run(asOf, before?.probes ?? 1);
      if (result === null) return null;
      await ports.monitor.recordProbes({ at: asOf, ...result });
      return { probes: result.probes, good: result.good };
    });
}

/** A heartbeat that fails is the business of whoever waits for it. */
export function createHeartbeatActivity(ports: ActivityPorts) {
  return async (): Promise<boolean> => {
    if (ports.heartbeat === null) return false;
    await ports.heartbeat.ping().catch((error: unknown) => {
      ports.log.warn({ error: error instanceof Error ? error.message : 'unknown' }, 'the heartbeat was not heard');
    });
    return true;
  };
}

export function createRollUpDay(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }) =>
    guarded(async () => {
      const end = lastBoundary(parseTimeframe('1d'), asOf);
      for (let back = DAYS_ROLLED_UP - 1; back > 0; back--) {
        const earlier = await figuresOf(ports, end - (back + 1) * DAY);
        // A day that nobody probed is not invented afterwards.
        if (earlier.figures.probes > 0) await ports.monitor.recordDay(earlier);
      }
      const last = await figuresOf(ports, end - DAY);
      await ports.monitor.recordDay(last);
      await ports.monitor.forget(asOf - KEPT_MS, await lastingAlerts(ports));
      return { day: last.day, availability: last.figures.availability };
    });
}

/** Keys of the alerts that may fire for longer. A commit of a cycle that failed is over with any that succeeds. */
async function lastingAlerts(ports: ActivityPorts): Promise<string[]> {
  const memory = (await ports.monitor.last())?.memory ?? null;
  const firing = await firingNow(ports, memory);
  return firing
    .filter(({ key, kind }) => kind !== 'manifest_failure' || key === memory?.manifest)
    .map(({ key }) => key);
}

/** Of the day that begins at `from`. */
async function figuresOf(ports: ActivityPorts, from: EpochMs): Promise<SlaDay> {
  const to = from + DAY;
  const probes = await ports.monitor.probes(from, to);
  const counts = {
    probes: probes.reduce((sum, round) => sum + round.probes, 0),
    good: probes.reduce((sum, round) => sum + round.good, 0),
  };
  const figures = slaFigures(counts, await slaEvents(ports.outbox, from, to));
  return { day: new Date(from).toISOString().slice(0, 10), figures };
}
