/** A message that was given up, or held back by a mute, is brought after all when somebody asks for it. */
import { join } from 'node:path';
import { pino } from 'pino';
import { createDeliver, createWaitingReceivers } from '../../activities/deliver';
import type { ActivityPorts } from '../../activities/ports';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { eventOf } from '../../src/domain/event';
import type { DeliveryState } from '../../src/ports/alert-outbox';
import { systemClock } from '../../src/ports/clock';
import { inActivity } from '../activity-context';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const AT = Date.UTC(2024, 0, 1);
const NAMES = ['discord', 'slack', 'webhook', 'other'] as const;

/** One message, delivered to one receiver, given up for another, held back from the third; the fourth waits. */
async function outboxOf(states: readonly DeliveryState[]) {
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  const memory = NOTHING_SEEN;
  const events = [eventOf('corrupt', AT, { key: 'corrupt 1', detail: 'a page' })];
  await state.monitor.commitRound({ asOf: AT, memory, events }, { receivers: [...NAMES], perMinute: 10 });
  const [message = ''] = await state.outbox.pending(1);
  for (const [index, receiver] of NAMES.entries())
    await state.outbox.settle({
      messageKey: message,
      receiver,
      state: states[index] ?? 'pending',
      error: null,
      changedAt: AT,
    });
  const sent: string[] = [];
  const notifiers = NAMES.map((name) => ({
    name,
    send: async () => {
      sent.push(name);
      return 'delivered' as const;
    },
  }));
  const log = pino({ level: 'silent' });
  const ports = { ...state, clock: systemClock, log, notifiers } as unknown as ActivityPorts;
  const waitingReceivers = createWaitingReceivers(ports);
  const waiting = (input: Parameters<typeof waitingReceivers>[0]) => inActivity(() => waitingReceivers(input));
  return { message, ports, sent, waiting, deliver: createDeliver(ports) };
}

test('asked for again, it goes to each receiver that does not have it; by itself only to those that wait', async () => {
  const { message, ports, sent, waiting, deliver } = await outboxOf(['delivered', 'undeliverable', 'muted', 'pending']);
  expect(await waiting({ message })).toEqual(['other']);
  const receivers = await waiting({ message, again: true });
  expect(receivers).toEqual(['other', 'slack', 'webhook']);
  expect(await waiting({ message, again: true })).toEqual(receivers);
  for (const receiver of receivers) expect(await deliver({ message, receiver })).toBe('delivered');
  expect(sent.toSorted()).toEqual(['other', 'slack', 'webhook']);
  expect((await ports.outbox.deliveries(message)).map(({ state }) => state)).toEqual(NAMES.map(() => 'delivered'));
});

test('a message that there is none of is refused, and not said to be delivered', async () => {
  const { waiting } = await outboxOf([]);
  const refusal = { type: 'invalid_input', nonRetryable: true, message: expect.stringContaining('no message "KEY"') };
  await expect(waiting({ message: 'KEY', again: true })).rejects.toMatchObject(refusal);
});
