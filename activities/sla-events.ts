import type { SlaEvent } from '../src/domain/sla';
import type { EpochMs } from '../src/domain/types';
import type { AlertOutbox } from '../src/ports/alert-outbox';

/** More events than this in a span are not looked at: the newest count. */
const MOST = 20_000;

/** The events in [from, to) as the figures need them: one receiver that has a message makes it told. */
export async function slaEvents(outbox: AlertOutbox, from: EpochMs, to: EpochMs): Promise<SlaEvent[]> {
  const told = await outbox.events(from, MOST, to);
  return told.map(({ event: { kind, at, since, from: before }, delivery, reached }) => ({
    kind,
    at,
    since,
    from: before,
    delivery: reached ? 'delivered' : delivery,
  }));
}
