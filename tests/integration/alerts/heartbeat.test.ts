/** I53 F98 and I55 over a real Temporal server: silence is noticed outside, and no receiver holds up a cycle. */
import { setTimeout as delay } from 'node:timers/promises';
import { createActivities, createComputeActivities } from '../../../activities';
import { createHeartbeat, createNotifiers } from '../../../src/adapters/webhook/notifiers';
import { eventOf } from '../../../src/domain/event';
import { TASK_QUEUE } from '../../../src/domain/names';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { systemClock } from '../../../src/ports/clock';
import { buildWeb } from '../../../src/web/public-server';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { respond, startReceiver } from './receiver';
import type { Receiver } from './receiver';
import { NOTHING_SEEN } from '../../../src/domain/monitor-memory';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const SYMBOLS = 'BTC/USDT,ETH/USDT';

let temporal: TestTemporal;
let outside: Receiver;
let pipeline: Pipeline;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  outside = await startReceiver();
});
afterEach(async () => {
  await pipeline.stop();
  await outside.close();
});

async function open(): Promise<void> {
  const policy = { allowedHosts: new Set([outside.host]), timeoutMs: 10_000 };
  const none = { discord: null, slack: null, webhookSecret: null };
  pipeline = await openPipeline(
    temporal,
    { SYMBOLS, TIMEFRAMES: '1h' },
    {
      outside: {
        notifiers: createNotifiers({ ...none, webhook: outside.url, policy, clock: systemClock }),
        heartbeat: createHeartbeat(outside.url.replace('/hook', '/beat'), policy),
        probe: { run: async () => null },
      },
    },
  );
  for (const symbol of SYMBOLS.split(','))
    pipeline.exchange.setCandles(pairOf(symbol, '1h'), candlesFrom('1h', START, 500));
}

/** Rings when it has heard nothing for two periods; what a dead man's switch does. */
function watcher(periodMs: number) {
  const beats = () => outside.received.filter(({ path }) => path === '/beat').length;
  let [heard, at, alarms] = [beats(), performance.now(), 0];
  let ringing = false;
  const timer = setInterval(() => {
    const count = beats();
    if (count > heard) [heard, at, ringing] = [count, performance.now(), false];
    else if (!ringing && performance.now() - at > 2 * periodMs) [ringing, alarms] = [true, alarms + 1];
  }, 50);
  return {
    get alarms() {
      return alarms;
    },
    get ringing() {
      return ringing;
    },
    heard: () => heard,
    stop: () => clearInterval(timer),
  };
}

test('I53 F98 while the monitor lives it is heard each period; when it dies the watcher rings within two, and readers are told', async () => {
  await open();
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  const expires = Date.parse((await pipeline.manifest()).expires_at);
  const { published: publicDir, ops: opsDir } = pipeline.stores.folder;
  const warningAt = async (now: number): Promise<unknown> => {
    const clock = { now: () => now, monotonic: () => performance.now() };
    const folders = { publicDir, opsDir, pageDir: 'none', schemasDir: 'none' };
    const web = buildWeb({ ...folders, source: 'memory', live: true, clock });
    const answer = await web.inject({ url: '/status/BTC_USDT?timeframe=1h' });
    await web.close();
    return answer.json<{ warning: unknown }>().warning;
  };
  expect(await warningAt(expires - 1)).toBeNull();
  expect(await warningAt(expires + 1)).toContain('publisher');
  const activities = createActivities(pipeline.ports);
  const PERIOD = 6_000;
  const round = () =>
    temporal.client.workflow.execute('monitor', { taskQueue: TASK_QUEUE, workflowId: 'monitor-beat', args: [{}] });
  const watch = await temporal.withWorkers(activities, async () => {
    await round();
    const started = watcher(PERIOD);
    for (let k = 0; k < 3; k++) {
      const next = performance.now() + PERIOD;
      // One round is refused by the watcher: that is its business, and the monitor goes on.
      outside.answer = respond(k === 1 ? 503 : 204);
      await round();
      await delay(Math.max(0, next - performance.now()));
    }
    return started;
  });
  expect(watch.heard()).toBeGreaterThanOrEqual(3);
  expect([watch.alarms, watch.ringing]).toEqual([0, false]);
  // Nobody runs the monitor any more.
  const dead = performance.now();
  while (!watch.ringing && performance.now() - dead < 3 * PERIOD) await delay(100);
  expect(performance.now() - dead).toBeLessThan(2 * PERIOD + 1_500);
  expect(watch.alarms).toBe(1);
  await delay(PERIOD);
  expect(watch.alarms).toBe(1);
  watch.stop();
}, 180_000);

test('I55 cycles take as long with a receiver that hangs on 30 messages as with one that answers', async () => {
  const measure = async (answer: Receiver['answer']): Promise<{ median: number; waiting: number }> => {
    await open();
    outside.answer = answer;
    const activities = { ...createActivities(pipeline.ports), ...createComputeActivities(pipeline.ports) };
    const took = await temporal.withWorkers(activities, async () => {
      for (let k = 0; k < 30; k++) {
        const key = `drift ${outside.host} ${k}`;
        await pipeline.stores.state.events.record([eventOf('drift', NOW + k, { key, detail: 'planted' })]);
        const asOf = Date.now() + k;
        const memory = NOTHING_SEEN;
        await pipeline.stores.state.monitor.commitRound(
          { asOf, memory, events: [] },
          { receivers: ['webhook'], perMinute: 1_000 },
        );
      }
      const messages = await pipeline.stores.state.outbox.pending(100);
      expect(messages).toHaveLength(30);
      const started = messages.map((message, k) =>
        temporal.client.workflow.start('deliverAlert', {
          taskQueue: TASK_QUEUE,
          workflowId: `alert-${outside.host}-${k}`,
          args: [{ message }],
        }),
      );
      await Promise.all(started);
      const times: number[] = [];
      for (let k = 0; k < 7; k++) {
        const at = performance.now();
        const { result } = await cycleAt(NOW + k * HOUR + 5_000);
        expect(result).toBe('published');
        times.push(performance.now() - at);
      }
      return times;
    });
    const waiting = (await pipeline.stores.state.outbox.pending(100)).length;
    for await (const { workflowId } of temporal.client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
      await temporal.client.workflow.getHandle(workflowId).terminate();
    return { median: took.slice(1).toSorted((a, b) => a - b)[3] ?? Number.NaN, waiting };
  };
  const cycleAt = async (asOf: number): Promise<{ result: string }> => {
    const { outcome } = (await temporal.client.workflow.execute('cycle', {
      taskQueue: TASK_QUEUE,
      workflowId: 'cycle-1h',
      args: [{ timeframe: parseTimeframe('1h'), asOf, trigger: 'test' }],
    })) as { outcome: string };
    return { result: outcome };
  };
  const calm = await measure(respond(204));
  await pipeline.stop();
  await outside.close();
  outside = await startReceiver();
  // It takes the request and never answers.
  const hung = await measure(() => {});
  expect([calm.waiting, hung.waiting]).toEqual([0, 30]);
  process.stdout.write(
    `I55 cycle, median: ${calm.median.toFixed(0)} ms calm, ${hung.median.toFixed(0)} ms with a hanging receiver\n`,
  );
  expect(hung.median).toBeLessThan(2.5 * calm.median);
}, 300_000);
