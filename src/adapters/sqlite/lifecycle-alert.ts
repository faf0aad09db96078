/** What of the life of models an operator is told, within the transaction that records it (I50). */
import { eventOf } from '../../domain/event';
import type { Event, EventKind } from '../../domain/event';
import type { LifecycleEvent } from '../../ports/model-registry';

/** Null when it is only kept: decisions that block, requests, calm looks for drift, the first champion. */
export function alertOfLifecycle(event: LifecycleEvent): Event | null {
  const kind = kindOf(event);
  if (kind === null) return null;
  const { key, timeframe, at, version, reason, by } = event;
  const model = version === null ? '' : `model ${version}: `;
  return eventOf(kind, at, { key: `models ${key}`, timeframe, detail: `${model}${reason} (${by})` });
}

function kindOf({ kind, verdict }: LifecycleEvent): EventKind | null {
  if (kind === 'drift') return verdict === 'drift' ? 'drift' : null;
  if (kind === 'training') return verdict === 'done' ? null : 'training_failed';
  if (kind !== 'change' || verdict === 'first') return null;
  return verdict === 'rollback' ? 'rollback' : 'promotion';
}
