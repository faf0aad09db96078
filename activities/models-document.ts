/** `models.json` of the operators' pages: which recipe forecasts each timeframe, which waits, and why it is so. */
import type { z } from 'zod';
import { isSymbol } from '../src/domain/types';
import { comparedOrigins } from '../src/domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { refusalAfter } from '../src/ports/model-registry';
import type { ChampionChange, LifecycleEvent } from '../src/ports/model-registry';
import { canonicalDocument, isoTime } from '../src/publish/canonical-json';
import { modelsDocumentSchema, OPS_DOCUMENT_VERSION } from '../src/web/ops-documents';
import { trainingId } from '../src/domain/names';
import type { ActivityPorts } from './ports';

type ModelsDocument = z.output<typeof modelsDocumentSchema>;
type Entry = ModelsDocument['timeframes'][number];

const ACTIONS: Readonly<Record<ChampionChange['kind'], Entry['history'][number]['action']>> = {
  first: 'first_champion',
  promotion: 'promoted',
  rollback: 'rolled_back',
  naive: 'fallback_to_naive',
  refit: 'fitted_again',
};
const HISTORY_SHOWN = 50;

export async function writeModelsDocument(ports: ActivityPorts, asOf: EpochMs): Promise<void> {
  const timeframes: Entry[] = [];
  for (const timeframe of ports.settings.timeframes) {
    if (ports.settings.rules(timeframe).horizon > 0) timeframes.push(await entryOf(ports, timeframe));
  }
  const document = { version: OPS_DOCUMENT_VERSION, generated_at: isoTime(asOf), timeframes };
  await ports.opsDocuments.write('models.json', canonicalDocument(modelsDocumentSchema, document));
}

async function entryOf(ports: ActivityPorts, timeframe: TimeframeId): Promise<Entry> {
  const history = await ports.models.history(timeframe);
  const models = new Map((await ports.models.models(timeframe)).map((model) => [model.model_version, model]));
  const shadow = await ports.models.shadow(timeframe);
  const [current] = history;
  const familyOf = (version: string): string => models.get(version)?.family ?? 'unknown';
  const [decision] = await ports.models.events(timeframe, { kind: 'decision', limit: 1 });
  const [drift] = await ports.models.events(timeframe, { kind: 'drift', limit: 1 });
  return {
    timeframe,
    champion: current === undefined ? null : modelOf(models.get(current.version), current.at),
    shadow:
      shadow === null
        ? null
        : shadowOf(
            models.get(shadow.version),
            shadow.since,
            decision,
            comparedOrigins(ports.settings.rules(timeframe)),
          ),
    last_decision:
      decision === undefined ? null : decisionOf(decision, familyOf, await refusalAfter(ports.models, decision)),
    // Of fits in a row the newest: one comes with each training, and fifty of them would hide what else was done.
    history: history
      .filter(({ kind }, k) => kind !== 'refit' || history[k - 1]?.kind !== 'refit')
      .slice(0, HISTORY_SHOWN)
      .map(({ at, kind, version, by, reason }) => ({
        at: isoTime(at),
        action: ACTIONS[kind],
        version,
        family: familyOf(version),
        by,
        reason,
      })),
    training: trainingOf(timeframe, await ports.models.events(timeframe, { kind: 'training', limit: 50 })),
    drift: (drift?.criteria ?? []).map(({ name, value, threshold }) => ({
      name,
      value: typeof value === 'number' ? value : null,
      threshold,
      alarming: true,
      observed_at: isoTime(drift?.at ?? 0),
    })),
  };
}

function modelOf(model: ModelMetadata | undefined, since: EpochMs): NonNullable<Entry['champion']> | null {
  if (model === undefined) return null;
  const { model_version: version, family, settings, origin, trained_at } = model;
  return {
    version,
    family,
    settings: settings as NonNullable<Entry['champion']>['settings'],
    since: isoTime(since),
    trained_at: origin === 'training' ? isoTime(trained_at) : null,
  };
}

function shadowOf(
  model: ModelMetadata | undefined,
  since: EpochMs,
  decision: LifecycleEvent | undefined,
  needed: number,
): Entry['shadow'] {
  const shown = modelOf(model, since);
  if (shown === null) return null;
  const counted = decision?.version === shown.version ? decision.facts.ledger_origins : 0;
  return { ...shown, origins: typeof counted === 'number' ? counted : 0, origins_needed: needed };
}

function decisionOf(
  event: LifecycleEvent,
  familyOf: (version: string) => string,
  refusal: LifecycleEvent | null,
): NonNullable<Entry['last_decision']> {
  const version = event.version ?? 'unknown';
  const { basis, origins } = event.facts;
  return {
    at: isoTime(event.at),
    kind: 'promotion',
    outcome: event.verdict === 'PROMOTE' ? 'passed' : 'blocked',
    model_version: version,
    family: familyOf(version),
    basis: basis === 'ledger' || basis === 'backtest' ? basis : null,
    origins: typeof origins === 'number' ? origins : null,
    reason: refusal === null ? event.reason : `${event.reason}; not made champion: ${refusal.reason}`,
    criteria: event.criteria.map(({ name, value, threshold, passed }) => ({
      name,
      value: typeof value === 'number' ? value : null,
      threshold,
      passed,
      detail: typeof value === 'string' ? value : null,
    })),
  };
}

function trainingOf(timeframe: TimeframeId, events: readonly LifecycleEvent[]): Entry['training'] {
  const [last] = events;
  if (last === undefined) return null;
  const success = events.find(({ verdict }) => verdict !== 'failed');
  const failure = events.find(({ verdict }) => verdict === 'failed');
  const milliseconds = last.facts.duration_ms;
  const failed = String(last.facts.failed ?? '')
    .split(' ')
    .filter(isSymbol);
  return {
    last_success_at: success === undefined ? null : isoTime(success.at),
    last_failure_at: failure === undefined ? null : isoTime(failure.at),
    last_seconds: typeof milliseconds === 'number' ? milliseconds / 1000 : null,
    failed_symbols: failed,
    workflow: { id: trainingId(timeframe), run: null },
  };
}
