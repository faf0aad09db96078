/** A worker that wakes up with a delivery in its hand, after another one has made it (P10, I50): refused and counted. */
import { join } from 'node:path';
import { pino } from 'pino';
import { createDeliver } from '../../activities/deliver';
import type { ActivityPorts } from '../../activities/ports';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { eventOf } from '../../src/domain/event';
import { systemClock } from '../../src/ports/clock';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const AT = Date.UTC(2024, 0, 1);

test.each([
  ['sent once more', null],
  ['failed', new Error('the connection was lost in the freeze')],
])('P10 I50 a late attempt that %s leaves the delivery delivered, and is counted', async (_, failure) => {
  const path = join(temporaryFolder(), 'state.db');
  const [frozen, healthy] = [closed(await openStateStore(path)), closed(await openStateStore(path))];
  const memory = NOTHING_SEEN;
  const events = [eventOf('corrupt', AT, { key: 'corrupt 1', detail: 'a page' })];
  await frozen.monitor.commitRound({ asOf: AT, memory, events }, { receivers: ['slack'], perMinute: 10 });
  const [message = ''] = await frozen.outbox.pending(1);
  let thaw: () => void = () => {};
  const asleep = new Promise<void>((resolve) => (thaw = resolve));
  const log = pino({ level: 'silent' });
  const delivering = (state: typeof frozen, send: () => Promise<'delivered'>) => {
    const notifiers = [{ name: 'slack', send }];
    const ports = { ...state, clock: systemClock, log, notifiers } as unknown as ActivityPorts;
    return createDeliver(ports)({ message, receiver: 'slack' });
  };
  const late = delivering(frozen, async () => {
    await asleep;
    if (failure !== null) throw failure;
    return 'delivered';
  }).catch((error: unknown) => error);
  expect(await delivering(healthy, async () => 'delivered')).toBe('delivered');
  expect(await healthy.lateCommits.counts()).toEqual({ manifest: 0, champion: 0, delivery: 0 });
  thaw();
  await late;
  expect(await healthy.lateCommits.counts()).toEqual({ manifest: 0, champion: 0, delivery: 1 });
  expect(await healthy.outbox.deliveries(message)).toMatchObject([{ state: 'delivered' }]);
});
