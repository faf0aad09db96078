/** One round of the monitor: what is seen, what is remembered, what is to be told. It observes; it never repairs. */
import { observePair, unwatched } from '../src/domain/alert-transitions';
import type { Observed, PairWatch } from '../src/domain/alert-transitions';
import type { Event } from '../src/domain/event';
import { noLaterThan, NOTHING_SEEN, pairOfKey } from '../src/domain/monitor-memory';
import { isAhead } from '../src/domain/run-order';
import { storageLevel } from '../src/domain/storage-budget';
import { observeDisk, observeManifest, observeStore } from '../src/domain/system-watch';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import type { MonitorMemory } from '../src/domain/monitor-memory';
import type { PublicationRow } from '../src/ports/publication';
import type { ObserveResult } from './contract';
import { createJudge } from './pair-judgement';
import type { Judgement } from './pair-judgement';
import { observeFills } from './observe-fills';
import { StoreSight } from './store-sight';
import { observeTrainings } from './training-age';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';

/** Messages whose delivery is started in one round. */
const DELIVERIES_A_ROUND = 50;

export function createObserve(ports: ActivityPorts) {
  const judge = createJudge(ports);
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<ObserveResult> =>
    guarded(async () => {
      const last = await ports.monitor.last();
      const now = ports.clock.now();
      if (last !== null && last.asOf >= asOf && !isAhead(last.asOf, asOf, now)) return resultOf(ports, last.memory, 0);
      const store = new StoreSight(ports);
      const judgement = await judge(asOf, store);
      const round = await nextRound(
        ports,
        noLaterThan(last?.memory ?? NOTHING_SEEN, asOf),
        { ...judgement, store },
        asOf,
      );
      const { alertsPerMinute: perMinute } = ports.settings;
      const receivers = ports.notifiers.map(({ name }) => name);
      await ports.monitor.commitRound({ asOf, ...round }, { receivers, perMinute }, now);
      for (const event of round.events) ports.log.warn({ event }, 'event');
      if (store.problem !== null) ports.log.warn({ error: store.problem }, 'the candle store can not be asked');
      const { promiseMoved } = judgement;
      return { ...(await resultOf(ports, round.memory, round.events.length)), promiseMoved, store: store.problem };
    });
}

interface Round {
  readonly memory: MonitorMemory;
  readonly events: readonly Event[];
}

async function nextRound(
  ports: ActivityPorts,
  before: MonitorMemory,
  { pairs, manifestProblem, manifestAhead, store }: Judgement & { readonly store: StoreSight },
  asOf: EpochMs,
): Promise<Round> {
  const states = await ports.pairState.symbolStates();
  const quarantined = new Set(states.filter((one) => one.activation === 'quarantined').map(({ symbol }) => symbol));
  const seen: (Observed<PairWatch> & { readonly key: string })[] = [];
  for (const { pair, row, verdict } of pairs) {
    const key = pairKey(pair);
    const last = before.pairs[key] ?? null;
    const degrades = verdict.degraded && (last?.degraded ?? null) === null;
    const observed = observePair(last, {
      pair,
      at: asOf,
      verdict,
      predicts: row.predicts,
      quarantined: quarantined.has(pair.symbol),
      forecastFailure: degrades ? await forecastFailure(ports, pair) : null,
      exportBlock: row.exportBlock,
      workflow: workflowOf(row),
    });
    seen.push({ key, ...observed });
  }
  const watched = new Set(seen.map(({ key }) => key));
  const left = Object.entries(before.pairs).filter(([key]) => !watched.has(key));
  const due = new Set(before.changed);
  const changed = pairs.filter(
    ({ pair, published, verdict }) =>
      manifestAhead ||
      due.has(pairKey(pair)) ||
      (before.pairs[pairKey(pair)]?.status ?? published?.status ?? verdict.status) !== verdict.status,
  );
  const disk = await observeStorage(ports, before, asOf);
  const manifest = observeManifest(before.manifest, manifestProblem, asOf);
  const fills = await observeFills(ports, store, before.fills, asOf);
  const stored = observeStore(before.store, store.problem, asOf);
  const untrained = await observeTrainings(ports, before.untrained, asOf);
  return {
    memory: {
      pairs: Object.fromEntries(seen.map(({ key, watch }): [string, PairWatch] => [key, watch])),
      fills: fills.watch,
      disk: disk.watch,
      manifest: manifest.watch,
      store: stored.watch,
      untrained: untrained.watch,
      changed: changed.map(({ pair }) => pairKey(pair)),
    },
    events: [
      ...seen.flatMap(({ events }) => events),
      ...left.flatMap(([key, watch]) => unwatched(pairOfKey(key), watch, asOf)),
      ...[disk, manifest, stored, fills, untrained].flatMap(({ events }) => events),
    ],
  };
}

async function resultOf(ports: ActivityPorts, memory: MonitorMemory, events: number): Promise<ObserveResult> {
  return {
    pairs: Object.keys(memory.pairs).length,
    changed: memory.changed,
    events,
    pending: await ports.outbox.pending(DELIVERIES_A_ROUND),
  };
}

/** What the stage met last, while it has not succeeded since. */
async function forecastFailure({ pairState }: ActivityPorts, pair: Pair): Promise<string | null> {
  const record = (await pairState.stages(pair)).find(({ stage }) => stage === 'predict');
  if (record === undefined || record.failureCount === 0 || record.lastCode === null) return null;
  return record.lastMessage === null ? record.lastCode : `${record.lastCode}: ${record.lastMessage}`;
}

/** The run that last wrote the pair's row. */
function workflowOf({ ops }: PublicationRow): Event['workflow'] {
  const { workflow } = ops;
  if (typeof workflow !== 'object' || workflow === null || !('id' in workflow)) return null;
  const run = 'run' in workflow && typeof workflow.run === 'string' ? workflow.run : null;
  return typeof workflow.id === 'string' ? { id: workflow.id, run } : null;
}

async function observeStorage(ports: ActivityPorts, { disk }: MonitorMemory, asOf: EpochMs) {
  const { usedBytes: used, budgetBytes: budget } = await ports.storage.measure();
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const known = used !== null && budget !== null;
  const detail = known ? `${gigabytes(used)} of ${gigabytes(budget)} used` : 'usage can not be read';
  return observeDisk(disk, storageLevel(used, budget), detail, asOf);
}
