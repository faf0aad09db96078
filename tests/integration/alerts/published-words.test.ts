/** What the monitor knows better than the last cycle is published, once and until it is; and what is on its way is no alarm. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createManifest } from '../../../activities/manifest';
import { openCandleStore } from '../../../src/adapters/sqlite/candle-store';
import { PipelineError } from '../../../src/domain/errors';
import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import type { CandleStore } from '../../../src/ports/candle-store';
import { MONITOR_SCHEDULE } from '../../../temporal/schedules';
import { inActivity } from '../../activity-context';
import { temporaryFolders } from '../../ports/store-fixtures';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { exportOf } from '../../unit/publish/example';
import { candlesFrom, openPipeline, pairOf, SOURCE } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 250 * HOUR;
const BTC = pairOf('BTC/USDT', '1h');
const ETH = pairOf('ETH/USDT', '1h');
const temporaryFolder = temporaryFolders();

let temporal: TestTemporal;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h' });
});
afterEach(() => pipeline.stop());

const monitorAt = (at: number) => pipeline.driveAll([MONITOR_SCHEDULE], at, at + 30_000);
const commitAt = (asOf: number) => pipeline.ports.publisher.commitManifest({ asOf, nextExpectedCommit: NOW + HOUR });
const entry = async () => pipeline.entry('BTC/USDT 1h');
const told = async () =>
  (await pipeline.stores.state.outbox.events(0, 100)).map(({ event }) => event.kind).toReversed();

/** Publishes candles of an hour before `NOW`, as a run at its boundary would. */
async function publish(pair: typeof BTC, candles: CandleStore = pipeline.stores.candles): Promise<void> {
  const input = exportOf(pair, NOW, 30);
  await candles.write(pair, input.candles, NOW);
  await pipeline.ports.publisher.exportPair(input);
}

test('SPEC 5 a store that holds other data than is published makes the pair hard stale for readers, and until it agrees', async () => {
  await publish(BTC);
  await commitAt(NOW + 7_000);
  const { candles, publisher } = pipeline.ports;
  const backup = await openCandleStore(join(temporaryFolder(), 'backup.db'));
  try {
    await backup.write(BTC, candlesFrom('1h', NOW - 9 * HOUR, 5), NOW);
    Object.assign(pipeline.ports, { candles: backup });
    // The round that finds it can not publish it: the next one does, though nothing is new to it.
    const commit = publisher.commitManifest.bind(publisher);
    publisher.commitManifest = async () => Promise.reject(new PipelineError('disk_full', 'the disk is full'));
    await monitorAt(NOW + MINUTE);
    publisher.commitManifest = commit;
    expect(await entry()).toMatchObject({ status: 'fresh', serve_allowed: true });
    await monitorAt(NOW + 2 * MINUTE);
    const apart = { status: 'hard_stale', serve_allowed: false, reason: 'store and published data are 4 h apart' };
    expect(await entry()).toMatchObject(apart);
    const { generation } = await pipeline.manifest();
    await monitorAt(NOW + 3 * MINUTE);
    expect((await pipeline.manifest()).generation).toBe(generation);
    // A cycle of another timeframe knows nothing of it.
    await commitAt(NOW + 5 * MINUTE);
    expect(await entry()).toMatchObject(apart);
  } finally {
    Object.assign(pipeline.ports, { candles });
    await backup.close();
  }
  await monitorAt(NOW + 6 * MINUTE);
  expect(await entry()).toMatchObject({ status: 'fresh', serve_allowed: true, reason: null });
  expect(await told()).toEqual(['hard_stale', 'hard_stale_repeat', 'recovery']);
});

test('I30 a later pass of a long cycle promises the next commit of now, not of when it began; a clock that was ahead counts not', async () => {
  await publish(BTC);
  const manifest = createManifest(pipeline.ports);
  const committed = async (timeframe: string, asOf: number): Promise<number> => {
    const input = { source: SOURCE, timeframe: parseTimeframe(timeframe), asOf, symbols: [] };
    await inActivity(() => manifest(input));
    return Date.parse((await pipeline.manifest()).expires_at) - NOW;
  };
  const grace = 2 * pipeline.ports.settings.cycleTargetMs + 5_000;
  await committed('1h', NOW + 5_000);
  expect(await committed('1h', NOW + HOUR + 5_000)).toBe(2 * HOUR + grace);
  expect(await committed('1d', NOW + 5_000)).toBe(2 * HOUR + grace);
  const ahead = await committed('1h', Date.now() + HOUR);
  expect(ahead).toBeGreaterThan(DAY);
  expect(await committed('1h', NOW + 5_000)).toBe(HOUR + grace);
});

test('a pair that is not configured any more ends the alerts that were told of it', async () => {
  await publish(BTC);
  await commitAt(NOW + 7_000);
  await monitorAt(NOW + 3 * HOUR);
  Object.assign(pipeline.ports, { settings: { ...pipeline.ports.settings, symbols: [ETH.symbol] } });
  await monitorAt(NOW + 3 * HOUR + MINUTE);
  await monitorAt(NOW + 3 * HOUR + 2 * MINUTE);
  const about = (await pipeline.stores.state.outbox.events(0, 100)).filter(({ event }) => event.symbol === BTC.symbol);
  const [ended, begun] = about.map(({ event }) => event);
  expect(about).toHaveLength(2);
  expect(begun).toMatchObject({ kind: 'hard_stale' });
  expect(ended).toMatchObject({ kind: 'unwatched', ends: begun?.key, detail: 'no longer watched' });
});

test('I22 a bit that flips in a published object is told to readers, and stays so until the object is whole', async () => {
  await publish(BTC);
  await commitAt(NOW + 7_000);
  const file = (await entry())?.files.prediction;
  const object = join(pipeline.stores.folder.published, 'objects', `${file?.sha256}.json`);
  const body = await readFile(object, 'utf8');
  await writeFile(object, body.replace('1', '2'));
  await monitorAt(NOW + MINUTE);
  expect(await entry()).toMatchObject({ status: 'corrupt', serve_allowed: false, files: { prediction: null } });
  // A cycle of another timeframe reads nothing else, and a look at the manifest finds nothing new.
  await commitAt(NOW + 2 * MINUTE);
  await monitorAt(NOW + 3 * MINUTE);
  expect(await entry()).toMatchObject({ status: 'corrupt', serve_allowed: false });
  expect(await told()).toEqual(['corrupt']);
  await writeFile(object, body);
  await commitAt(NOW + 4 * MINUTE);
  expect(await entry()).toMatchObject({ status: 'fresh', serve_allowed: true, files: { prediction: file } });
  await monitorAt(NOW + 5 * MINUTE);
  expect(await told()).toEqual(['corrupt', 'recovery']);
});

test('a pair whose first manifest is on its way is not missing; one that no manifest names in its time is', async () => {
  await publish(BTC);
  await monitorAt(NOW + MINUTE);
  expect(await told()).toEqual([]);
  await commitAt(NOW + 2 * MINUTE);
  await publish(ETH);
  await monitorAt(NOW + 3 * MINUTE);
  expect(await told()).toEqual([]);
  await commitAt(NOW + 4 * MINUTE);
  await monitorAt(NOW + 5 * MINUTE);
  expect(await told()).toEqual([]);
  // A row that was there before: as after a restore of the state store, no run is about to publish it.
  const row = (await pipeline.ports.publication.rows()).find(({ symbol }) => symbol === ETH.symbol);
  if (row === undefined) throw new Error('no row');
  await pipeline.ports.publisher.removePair(ETH);
  await commitAt(NOW + 6 * MINUTE);
  await pipeline.ports.publication.upsert(row);
  await monitorAt(NOW + 7 * MINUTE);
  expect(await told()).toEqual(['missing']);
});

test('SPEC 9 a promise that only a paused schedule would keep is published anew', async () => {
  await publish(BTC);
  await commitAt(NOW + 7_000);
  Object.assign(pipeline.ports, { schedulePaused: async (id: string) => id === 'cycle-1h' });
  await monitorAt(NOW + MINUTE);
  expect(Date.parse((await pipeline.manifest()).expires_at)).toBeGreaterThan(NOW + DAY);
  expect(await told()).toEqual([]);
});
