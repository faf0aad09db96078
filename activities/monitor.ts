/** What follows a round of the monitor: the manifest's words brought up to date, the probe, the heartbeat. */
import { slaFigures } from '../src/domain/sla';
import { DAY, lastBoundary, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import { committing } from './committing';
import type { ManifestResult } from './contract';
import { nextExpectedCommit } from './manifest';
import type { ActivityPorts } from './ports';
import { slaEvents } from './sla-events';
import { guarded } from './stage';

/** Events, messages and probes are kept this long; the figures of each day for good. */
const KEPT_MS = 90 * DAY;

/**
 * The manifest with the words of this moment; whatever is published stays (SPEC 5). It expires when the one before would
 * have, or at once: the monitor promises nothing in the name of a cycle that is late.
 */
export function createRecommit(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<ManifestResult> =>
    guarded(async () => {
      const current = await ports.published.manifest();
      const graceMs = 2 * ports.settings.cycleTargetMs;
      const promised =
        current === null
          ? nextExpectedCommit(ports, asOf)
          : Math.max(Date.parse(current.manifest.expires_at), asOf + 1_000) - graceMs;
      const { generation, entries } = await committing(ports, 'manifest', (deadline) =>
        ports.publisher.commitManifest({ asOf, nextExpectedCommit: promised, deadline }),
      );
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
      const to = lastBoundary(parseTimeframe('1d'), asOf);
      const from = to - DAY;
      const probes = await ports.monitor.probes(from, to);
      const counts = {
        probes: probes.reduce((sum, round) => sum + round.probes, 0),
        good: probes.reduce((sum, round) => sum + round.good, 0),
      };
      const day = new Date(from).toISOString().slice(0, 10);
      const figures = slaFigures(counts, await slaEvents(ports.outbox, from, to));
      await ports.monitor.recordDay({ day, figures });
      await ports.monitor.forget(asOf - KEPT_MS);
      return { day, availability: figures.availability };
    });
}
