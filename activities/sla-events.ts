import { SLA_KINDS } from '../src/domain/sla';
import type { SlaEvent } from '../src/domain/sla';
import type { EpochMs } from '../src/domain/types';
import type { AlertOutbox } from '../src/ports/alert-outbox';

/** More than a hundred pairs can enter and leave a state in 30 days; past it the newest count. */
const MOST = 200_000;

/** The events in [from, to) as the figures need them: one receiver that has a message makes it told. */
export async function slaEvents(outbox: AlertOutbox, from: EpochMs, to: EpochMs): Promise<SlaEvent[]> {
  const told = await outbox.events(from, MOST, { to, kinds: SLA_KINDS });
  return told.map(({ event: { kind, at, since, from: before }, delivery, reached }) => ({
    kind,
    at,
    since,
    from: before,
    delivery: reached ? 'delivered' : delivery,
  }));
}
