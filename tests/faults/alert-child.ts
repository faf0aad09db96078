/**
 * An alert as a process of its own, to be killed at any step: decides on it, then brings it to its receiver, as a round of
 * the monitor and the workflow behind it do. Arguments: state database, address and host of the receiver, and before or
 * after which call of a port the process kills itself (odd: before, even: after; 0: never).
 * Prints the calls that it made; a killed one prints nothing.
 */
import { pino } from 'pino';
import { createDeliver, createWaitingReceivers } from '../../activities/deliver';
import type { ActivityPorts } from '../../activities/ports';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { createNotifiers } from '../../src/adapters/webhook/notifiers';
import { eventOf } from '../../src/domain/event';
import { systemClock } from '../../src/ports/clock';
import { inActivity } from '../activity-context';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const AT = Date.UTC(2024, 0, 1, 12);

export interface AlertRun {
  readonly path: string;
  readonly url: string;
  readonly host: string;
  readonly killAt: number;
}

/** The calls that were made. */
export async function bringAlert({ path, url, host, killAt }: AlertRun): Promise<string[]> {
  const calls: string[] = [];
  const mayDie = (at: number): void => {
    if (at === killAt) process.kill(process.pid, 'SIGKILL');
  };
  /** The same port, whose every call is a place to be killed before and after. */
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const number = calls.push(String(name));
          mayDie(2 * number - 1);
          const result: unknown = await Reflect.apply(value, target, args);
          mayDie(2 * number);
          return result;
        };
      },
    });
  const state = await openStateStore(path);
  const policy = { allowedHosts: new Set([host]), timeoutMs: 5_000 };
  const none = { discord: null, slack: null, webhookSecret: null };
  const notifiers = createNotifiers({ ...none, webhook: url, policy, clock: systemClock }).map(mortal);
  const ports = {
    outbox: mortal(state.outbox),
    events: mortal(state.events),
    notifiers,
    clock: systemClock,
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts;
  const events = [eventOf('corrupt', AT, { key: 'corrupt BTC/USDT 1h', detail: 'a flipped bit' })];
  const plan = { receivers: notifiers.map(({ name }) => name), perMinute: 10 };
  await mortal(state.monitor).commitRound({ asOf: AT, memory: NOTHING_SEEN, events }, plan);
  for (const message of await ports.outbox.pending(10)) {
    for (const receiver of await inActivity(() => createWaitingReceivers(ports)({ message }))) {
      await inActivity(() => createDeliver(ports)({ message, receiver }));
    }
  }
  await state.close();
  return calls;
}

if (require.main === module) {
  const [path = '', url = '', host = '', killAt = '0'] = process.argv.slice(2);
  void bringAlert({ path, url, host, killAt: Number(killAt) }).then((calls) => process.stdout.write(calls.join(' ')));
}
