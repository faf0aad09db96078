/**
 * The registry mirrored to MLflow: each training and each decision as a run, each model as a registered version, champion
 * and shadow as aliases. What is there is asked of MLflow, so an outage is caught up by the next round. A run is ended
 * last, and one that is not ended is completed: a round that stopped half-way leaves nothing twice and nothing unfinished.
 * The registry is the embedded tracker and never waits for this.
 */
import type { TimeframeId } from '../../domain/types';
import { isFiniteNumber } from '../../domain/metric';
import type { ModelMetadata } from '../../ports/model-metadata';
import type { LifecycleEvent, ModelRegistry } from '../../ports/model-registry';
import { MlflowClient } from './mlflow-client';
import type { MlflowRun } from './mlflow-client';

const EXPERIMENT = 'coin-predict';
/** Tag of a run: the event's key. */
const KEY = 'coin_predict_key';
/** Tag of a registered version: our version. */
const VERSION = 'coin_predict_version';
/** Events looked back at, and runs asked for: more than any outage leaves behind in weeks. */
const EVENTS_BACK = 200;
const RUNS_BACK = 1_000;

export interface MirrorOutcome {
  /** Runs and versions that were added in this round. */
  readonly runs: number;
  readonly versions: number;
}

/** @throws PipelineError `tracker_unavailable`; then the next round goes on. */
export async function mirrorToMlflow(
  url: string,
  registry: ModelRegistry,
  timeframes: readonly TimeframeId[],
): Promise<MirrorOutcome> {
  const client = new MlflowClient(url);
  const experiment = await client.experiment(EXPERIMENT);
  const known = new Map<string, MlflowRun>();
  const begun = new Map<string, MlflowRun>();
  for (const run of await client.runsWithTag(experiment, KEY, RUNS_BACK)) {
    const key = run.data?.tags?.find((tag) => tag.key === KEY)?.value;
    if (key !== undefined) (run.info.status === 'RUNNING' ? begun : known).set(key, run);
  }
  let [runs, versions] = [0, 0];
  for (const timeframe of timeframes) {
    const events = (await registry.events(timeframe, { limit: EVENTS_BACK })).filter(
      (event) => event.kind === 'decision' || bringsModel(event),
    );
    for (const event of events.toReversed()) {
      if (known.has(event.key)) continue;
      const model = event.version === null ? null : await registry.model(timeframe, event.version);
      known.set(event.key, await addRun(client, experiment, { event, model, begun: begun.get(event.key) }));
      runs += 1;
    }
    versions += await mirrorVersions(client, registry, timeframe, known, events);
  }
  return { runs, versions };
}

/** A training's winner, and the champion's new fits where another recipe won. */
function bringsModel({ kind, verdict, version }: LifecycleEvent): boolean {
  return version !== null && (kind === 'training' || (kind === 'change' && verdict === 'refit'));
}

interface AddedRun {
  readonly event: LifecycleEvent;
  readonly model: ModelMetadata | null;
  /** What an earlier round left unfinished. */
  readonly begun: MlflowRun | undefined;
}

async function addRun(client: MlflowClient, experiment: string, { event, model, begun }: AddedRun): Promise<MlflowRun> {
  const duration = event.facts.duration_ms;
  const endedAt = event.at + (typeof duration === 'number' ? duration : 0);
  const run =
    begun ??
    (await client.createRun({
      experiment,
      name: `${event.kind} ${event.timeframe} ${event.verdict}`,
      startedAt: event.at,
      tags: { [KEY]: event.key, kind: event.kind, verdict: event.verdict, reason: event.reason, by: event.by },
    }));
  await client.logContent(run, {
    at: endedAt,
    params: {
      timeframe: event.timeframe,
      ...(model === null
        ? {}
        : {
            family: model.family,
            settings: JSON.stringify(model.settings).slice(0, 500),
            model_version: model.model_version,
          }),
    },
    metrics: metricsOf(event, model),
  });
  if (model !== null) await client.uploadArtifact(run, 'metadata.json', JSON.stringify(model, null, 2));
  await client.endRun(run, event.verdict === 'failed' ? 'FAILED' : 'FINISHED', endedAt);
  return run;
}

/** Finite numbers only: what could not be measured has no metric. */
function metricsOf(event: LifecycleEvent, model: ModelMetadata | null): Record<string, number> {
  const metrics: Record<string, number> = {};
  const add = (name: string, value: unknown): void => {
    if (isFiniteNumber(value)) metrics[name.replaceAll(/[^A-Za-z0-9_]+/g, '_')] = value;
  };
  for (const [name, value] of Object.entries(event.facts)) add(name, value);
  for (const { name, value } of event.criteria) add(name, value);
  if (bringsModel(event)) for (const [name, value] of Object.entries(model?.metrics ?? {})) add(name, value);
  return metrics;
}

async function mirrorVersions(
  client: MlflowClient,
  registry: ModelRegistry,
  timeframe: TimeframeId,
  known: ReadonlyMap<string, MlflowRun>,
  events: readonly LifecycleEvent[],
): Promise<number> {
  const name = `${EXPERIMENT}-${timeframe}`;
  await client.registerModel(name);
  const there = await client.versionsByTag(name, VERSION);
  let added = 0;
  for (const event of events.toReversed()) {
    const run = known.get(event.key);
    if (!bringsModel(event) || event.version === null || run === undefined || there.has(event.version)) continue;
    there.set(event.version, await client.createVersion(name, run, { [VERSION]: event.version }));
    added += 1;
  }
  const champion = (await registry.champion(timeframe))?.version;
  const shadow = (await registry.shadow(timeframe))?.version;
  for (const [alias, version] of [['champion', champion] as const, ['shadow', shadow] as const]) {
    const of = version === undefined ? undefined : there.get(version);
    // A recipe of the configuration was never trained, so MLflow has no version of it.
    if (of === undefined) await client.removeAlias(name, alias);
    else await client.setAlias(name, alias, of);
  }
  return added;
}
