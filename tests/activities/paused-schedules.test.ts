/** Paused means frozen (SPEC 9): nobody waits for the commit of a paused timeframe, and every other one is still waited for. */
import { createManifest } from '../../activities/manifest';
import { createRecommit } from '../../activities/monitor';
import { createObserve } from '../../activities/observe';
import { HOUR, MINUTE, parseTimeframe } from '../../src/domain/timeframe';
import { inActivity } from '../activity-context';
import { openPipeline, pairOf, SOURCE } from '../integration/pipeline/pipeline';
import type { Pipeline } from '../integration/pipeline/pipeline';
import type { TestTemporal } from '../temporal';
import { exportOf } from '../unit/publish/example';

/** Fourteen hours before the day ends. */
const NOW = Date.UTC(2024, 0, 11, 10);
const BTC = pairOf('BTC/USDT', '1h');
const paused = new Set<string>();
let pipeline: Pipeline;

beforeEach(async () => {
  paused.clear();
  // No workflow is run, so there is no server to run it.
  const environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h,1d' };
  pipeline = await openPipeline(null as unknown as TestTemporal, environment);
  Object.assign(pipeline.ports, { schedulePaused: async (id: string) => paused.has(id) });
  const input = exportOf(BTC, NOW, 30);
  await pipeline.stores.candles.write(BTC, input.candles, NOW);
  await pipeline.ports.publisher.exportPair(input);
  await commit('1h', NOW + 5_000);
  expect(await due()).toBe(HOUR);
});
afterEach(() => pipeline.stop());

async function commit(timeframe: string, asOf: number): Promise<void> {
  const input = { source: SOURCE, timeframe: parseTimeframe(timeframe), asOf, symbols: [] };
  await inActivity(() => createManifest(pipeline.ports)(input));
}

/** As the workflow of the monitor goes on: whether it had the manifest committed again. */
async function monitorAt(asOf: number): Promise<boolean> {
  const { changed, promiseMoved } = await inActivity(() => createObserve(pipeline.ports)({ asOf }));
  const again = changed.length > 0 || promiseMoved === true;
  if (again) await inActivity(() => createRecommit(pipeline.ports)({ asOf }));
  return again;
}

/** The boundary after NOW whose commit the manifest promises. */
async function due(): Promise<number> {
  const { cycleTargetMs, scheduleOffsetMs } = pipeline.ports.settings;
  return Date.parse((await pipeline.manifest()).expires_at) - 2 * cycleTargetMs - scheduleOffsetMs - NOW;
}

/** The histories that nobody fills here are not what this is about. */
const told = async () => {
  const events = await pipeline.stores.state.outbox.events(0, 100);
  return events
    .map(({ event }) => event.kind)
    .filter((kind) => kind !== 'fill_stalled')
    .toReversed();
};

test('a paused timeframe is not waited for, its pairs age all the same, and it is waited for again when it goes on', async () => {
  expect(await monitorAt(NOW + MINUTE)).toBe(false);
  paused.add('cycle-1h');
  expect(await monitorAt(NOW + 2 * MINUTE)).toBe(true);
  expect(await due()).toBe(14 * HOUR);
  expect(await monitorAt(NOW + 3 * MINUTE)).toBe(false);
  await monitorAt(NOW + 3 * HOUR);
  expect(await pipeline.entry('BTC/USDT 1h')).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  expect(await told()).toEqual(['hard_stale']);
  paused.clear();
  await monitorAt(NOW + 3 * HOUR + MINUTE);
  expect(await due()).toBe(4 * HOUR);
  await monitorAt(NOW + 4 * HOUR + 5 * MINUTE);
  expect(await told()).toContain('manifest_failure');
});

test('a cycle does not promise the commit of a paused timeframe', async () => {
  paused.add('cycle-1h');
  await commit('1d', NOW + 6_000);
  expect(await due()).toBe(14 * HOUR);
});

test('a pause excuses no cycle that was late before it and none of another timeframe', async () => {
  paused.add('cycle-1h');
  await monitorAt(NOW + MINUTE);
  await monitorAt(NOW + 14 * HOUR + 5 * MINUTE);
  expect(await told()).toContain('manifest_failure');
  paused.clear();
  await commit('1h', NOW + 15 * HOUR + 5_000);
  await monitorAt(NOW + 15 * HOUR + MINUTE);
  expect((await told()).at(-1)).toBe('manifest_recovery');
  // Nothing comes at the 16th hour, and the words of a pair change after it: that promise is broken.
  await monitorAt(NOW + 16 * HOUR + 5 * MINUTE);
  await inActivity(() => createRecommit(pipeline.ports)({ asOf: NOW + 16 * HOUR + 6 * MINUTE }));
  paused.add('cycle-1h');
  await monitorAt(NOW + 16 * HOUR + 7 * MINUTE);
  expect((await told()).filter((kind) => kind === 'manifest_recovery')).toHaveLength(1);
});

test('a round of the monitor that began before a cycle and looks after it takes nothing back of what the cycle promised', async () => {
  await commit('1h', NOW + HOUR + 5_000);
  expect(await due()).toBe(2 * HOUR);
  expect(await monitorAt(NOW + HOUR - 2_000)).toBe(false);
  await inActivity(() => createRecommit(pipeline.ports)({ asOf: NOW + HOUR - 2_000 }));
  expect(await due()).toBe(2 * HOUR);
});

test('with all paused nothing is waited for: the monitor promises for itself, each day again', async () => {
  for (const id of ['cycle-1h', 'cycle-1d']) paused.add(id);
  await monitorAt(NOW + 2 * MINUTE);
  expect(await due()).toBe(38 * HOUR);
  expect(await monitorAt(NOW + 3 * MINUTE)).toBe(false);
  await monitorAt(NOW + 20 * HOUR);
  expect(await due()).toBe(62 * HOUR);
  expect(await told()).not.toContain('manifest_failure');
});
