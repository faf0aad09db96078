/** A candle store that can not be asked: the monitor goes on with everything else, and tells it. */
import { PipelineError } from '../../../src/domain/errors';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import type { CandleStore } from '../../../src/ports/candle-store';
import { MONITOR_SCHEDULE } from '../../../temporal/schedules';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { exportOf } from '../../unit/publish/example';
import { candlesFrom, openPipeline, pairOf } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';

const NOW = Date.UTC(2024, 0, 1) + 250 * HOUR;
const BTC = pairOf('BTC/USDT', '1h');

let temporal: TestTemporal;
let pipeline: Pipeline;
let probed = 0;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  const probe = { run: async () => ({ probes: 1, good: (probed++, 1), fault: null }) };
  const outside = { notifiers: [], heartbeat: null, probe };
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' }, { outside });
  const input = exportOf(BTC, NOW, 30);
  await pipeline.stores.candles.write(BTC, input.candles, NOW);
  await pipeline.ports.publisher.exportPair(input);
  await pipeline.ports.publisher.commitManifest({ asOf: NOW + 7_000, nextExpectedCommit: NOW + HOUR });
});
afterEach(() => pipeline.stop());

const monitorAt = (at: number) => pipeline.driveAll([MONITOR_SCHEDULE], at, at + 30_000);
const told = async () =>
  (await pipeline.stores.state.outbox.events(0, 100)).map(({ event }) => event.kind).toReversed();

/** The store as it is, but for its extents, which are what the monitor looks at. */
function seenAs(extent: CandleStore['extent']): void {
  const { candles } = pipeline.stores;
  const seen = new Proxy(candles, {
    get: (target, name) => {
      if (name === 'extent') return extent;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  Object.assign(pipeline.ports, { candles: seen });
}

const away = async () => Promise.reject(new PipelineError('store_unavailable', 'InfluxDB: no answer in time'));

test('SPEC 8 the monitor sees a pair age, tells, publishes and probes while the candle store is away, and tells that it is', async () => {
  seenAs(away);
  await monitorAt(NOW + MINUTE);
  expect(await told()).toEqual([]);
  await monitorAt(NOW + 2 * MINUTE);
  expect(await told()).toEqual(['store_unreachable']);
  const [outage] = await pipeline.stores.state.outbox.events(0, 1);
  expect(outage?.event).toMatchObject({ detail: 'InfluxDB: no answer in time', since: NOW + MINUTE + 30_000 });
  await monitorAt(NOW + 3 * HOUR);
  expect(await told()).toEqual(['store_unreachable', 'manifest_failure', 'hard_stale']);
  expect(await pipeline.entry('BTC/USDT 1h')).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  expect(probed).toBe(3);
  Object.assign(pipeline.ports, { candles: pipeline.stores.candles });
  await monitorAt(NOW + 3 * HOUR + MINUTE);
  expect((await told()).slice(3)).toEqual(['store_reached']);
});

test('a pair whose store disagreed with what is published is not served again because the store is away', async () => {
  const apart = candlesFrom('1h', NOW - 9 * HOUR, 5);
  seenAs(async () => ({ first: apart[0]?.openTime ?? 0, last: apart.at(-1)?.openTime ?? 0, count: 5 }));
  await monitorAt(NOW + MINUTE);
  expect(await pipeline.entry('BTC/USDT 1h')).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  seenAs(away);
  await monitorAt(NOW + 2 * MINUTE);
  await pipeline.ports.publisher.commitManifest({ asOf: NOW + 3 * MINUTE, nextExpectedCommit: NOW + HOUR });
  expect(await pipeline.entry('BTC/USDT 1h')).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  expect(await told()).toEqual(['hard_stale']);
});
