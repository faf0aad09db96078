/** One message to one receiver, at least once (I50). Addresses and keys stay in this process: none travels (S11). */
import { PipelineError } from '../src/domain/errors';
import { eventOf } from '../src/domain/event';
import type { DeliveryState } from '../src/ports/alert-outbox';
import { refusedLate } from './committing';
import type { DeliverInput, WaitingInput } from './contract';
import { describeFailure, toApplicationFailure } from './failures';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';

type Settled = Exclude<DeliveryState, 'pending'>;

export function createWaitingReceivers(ports: ActivityPorts) {
  return ({ message, again = false }: WaitingInput): Promise<readonly string[]> =>
    guarded(async () => {
      const { outbox } = ports;
      if ((await outbox.message(message)) === null)
        throw new PipelineError('invalid_input', `there is no message "${message}": "alert list -o json" names them`);
      if (again) await reopen(ports, message);
      const waiting = (await outbox.deliveries(message)).filter(({ state }) => state === 'pending');
      return waiting.map(({ receiver }) => receiver);
    });
}

/** What was given up or held back is to be brought after all; whoever has the message already is left alone. */
async function reopen({ outbox, clock }: ActivityPorts, messageKey: string): Promise<void> {
  for (const { receiver, state, error } of await outbox.deliveries(messageKey))
    if (state === 'undeliverable' || state === 'muted')
      await outbox.settle({ messageKey, receiver, state: 'pending', error, changedAt: clock.now() });
}

/** @throws ApplicationFailure `delivery_failed`: to be tried again */
export function createDeliver(ports: ActivityPorts) {
  return async ({ message: messageKey, receiver }: DeliverInput): Promise<Settled> => {
    try {
      const message = await ports.outbox.message(messageKey);
      const delivery = (await ports.outbox.deliveries(messageKey)).find((one) => one.receiver === receiver);
      if (message === null || delivery === undefined) return 'undeliverable';
      if (delivery.state !== 'pending') return delivery.state;
      const settle = settler(ports, messageKey, receiver);
      const notifier = ports.notifiers.find(({ name }) => name === receiver);
      if (notifier === undefined) return await settle('undeliverable', 'the receiver is no longer configured');
      const known = (await ports.outbox.receivers()).find(({ name }) => name === receiver);
      if (known?.disabledAt != null) return await settle('undeliverable', 'the receiver is gone (410)');
      if ((await notifier.send(message)) === 'gone') return await disable(ports, messageKey, receiver);
      await ports.outbox.recordReceiver(receiver, 'success', ports.clock.now(), null);
      return await settle('delivered', null);
    } catch (error) {
      const { message } = describeFailure(error);
      const failed = { messageKey, receiver, error: message, changedAt: ports.clock.now() };
      if (!(await ports.outbox.settle({ ...failed, state: 'pending' }))) await refusedLate(ports, 'delivery');
      await ports.outbox.recordReceiver(receiver, 'failure', ports.clock.now(), message);
      ports.log.warn({ receiver, message: messageKey, error: message }, 'the alert was not taken; it is sent again');
      throw toApplicationFailure(error, 'here');
    }
  };
}

export function createGiveUp(ports: ActivityPorts) {
  return ({ message, receiver }: DeliverInput): Promise<void> =>
    guarded(async () => {
      const known = (await ports.outbox.deliveries(message)).find((one) => one.receiver === receiver);
      if (known?.state !== 'pending') return;
      await settler(ports, message, receiver)('undeliverable', known.error ?? 'not taken in time');
      ports.log.error({ receiver, message }, 'the alert could not be delivered');
    });
}

function settler(ports: ActivityPorts, messageKey: string, receiver: string) {
  return async <S extends Settled>(state: S, error: string | null): Promise<S> => {
    const settled = await ports.outbox.settle({ messageKey, receiver, state, error, changedAt: ports.clock.now() });
    if (!settled) await refusedLate(ports, 'delivery');
    return state;
  };
}

/** Nothing more is sent to a receiver that said that it is gone; the others are told. */
async function disable(ports: ActivityPorts, messageKey: string, receiver: string): Promise<'undeliverable'> {
  const at = ports.clock.now();
  const detail = `${receiver} answered 410: it gets nothing more until "alert test" reaches it`;
  ports.log.error({ receiver }, detail);
  const key = `receiver_disabled ${receiver} ${messageKey}`;
  await ports.events.record([eventOf('receiver_disabled', at, { key, detail })]);
  await ports.outbox.recordReceiver(receiver, 'gone', at, '410');
  return settler(ports, messageKey, receiver)('undeliverable', 'the receiver is gone (410)');
}
