/** What of the life of models an operator is told, within the transaction that records it (I50). */
import { eventOf } from '../../domain/event';
import type { Event, EventKind } from '../../domain/event';
import { championWorkflowId, MODEL_REPORT, trainingId } from '../../domain/names';
import type { LifecycleEvent } from '../../ports/model-registry';

/**
 * Null when it is only kept: decisions that block, requests, calm looks for drift, the first champion, a champion fitted
 * again, what an operator was refused to his face.
 */
export function alertOfLifecycle(event: LifecycleEvent): Event | null {
  const kind = kindOf(event);
  if (kind === null) return null;
  const { key, timeframe, at, version, reason, by, facts } = event;
  const model = version === null ? '' : `model ${version}: `;
  const moved =
    event.kind === 'change' && event.verdict !== 'refused' ? { from: String(facts.previous), to: version } : {};
  const detail = `${model}${reason} (${by})`;
  return eventOf(kind, at, { key: `models ${key}`, timeframe, detail, ...moved, workflow: workflowOf(event) });
}

function workflowOf({ kind, timeframe }: LifecycleEvent): Event['workflow'] {
  const ids = {
    change: championWorkflowId(timeframe),
    training: trainingId(timeframe),
    drift: MODEL_REPORT,
    report: MODEL_REPORT,
  };
  return kind in ids ? { id: ids[kind as keyof typeof ids], run: null } : null;
}

function kindOf({ kind, verdict, by }: LifecycleEvent): EventKind | null {
  if (kind === 'report') return 'report_failed';
  if (kind === 'drift') return verdict === 'drift' ? 'drift' : null;
  if (kind === 'training') return verdict === 'done' ? null : 'training_failed';
  if (kind !== 'change' || verdict === 'first' || verdict === 'refit') return null;
  if (verdict === 'refused') return by === 'automatic' ? 'change_refused' : null;
  return verdict === 'rollback' ? 'rollback' : 'promotion';
}
