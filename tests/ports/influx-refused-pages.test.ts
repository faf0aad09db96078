/** I07 P14: a page of which InfluxDB refuses too much. What was decided of it stands where the server has it, and nowhere else. */
import { join } from 'node:path';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { InfluxConnection } from '../../src/adapters/influx/connection';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import { PipelineError } from '../../src/domain/errors';
import type { EpochMs } from '../../src/domain/types';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { BTC_1H, candle, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
afterEach(() => jest.restoreAllMocks());

const HOUR = 3_600_000;
const ALL = { from: slot(0), to: slot(29) };

describeOnInflux('a page of which InfluxDB refuses too much', () => {
  let influx: TestInflux;
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(async () => influx.stop());

  /** 30 stored candles, and another look at what was decided over them. */
  async function stored(bucket: string) {
    const clock = { at: Date.now(), now: () => clock.at, monotonic: () => clock.at };
    const path = join(temporaryFolder(), 'write-order.db');
    const order = await openWriteOrder(path, clock);
    const store = closed(await openInfluxCandles(influx.options(bucket), 'binance', order));
    await store.write(BTC_1H, candles(0, 29), 1000);
    const other = closed(await openWriteOrder(path, clock));
    const decided = async () => [...(await other.decided(BTC_1H, ALL)).keys()].toSorted((a, b) => a - b);
    return { store, clock, decided };
  }

  /** The server refuses these slots: with 422 it takes the others of a request, with 400 none. */
  function refusing(bucket: string, slots: readonly EpochMs[], status: 400 | 422) {
    const direct = new InfluxConnection(influx.options(bucket));
    const send = direct.write.bind(direct);
    jest.spyOn(InfluxConnection.prototype, 'write').mockImplementation(async (lines) => {
      const good = lines.filter((line) => !slots.some((time) => line.endsWith(` ${time}`)));
      if (good.length > 0 && (status === 422 || good.length === lines.length)) await send(good);
      if (good.length < lines.length) throw new PipelineError('store_refused', `${status}`);
    });
  }
  const slots = (from: number, to: number): EpochMs[] => candles(from, to).map(({ openTime }) => openTime);

  test.each([
    [422, [...candles(0, 14), ...candles(15, 19, 500), ...candles(20, 29)], slots(15, 19)],
    [400, candles(0, 29), []],
  ] as const)(
    '%i: revisions that it refuses are not shown, those that it took stay decided',
    async (status, left, kept) => {
      const { store, decided } = await stored(`too-much-${status}`);
      refusing(`too-much-${status}`, slots(0, 14), status);
      const page = candles(0, 19, 500);
      await expect(store.write(BTC_1H, page, 2000)).rejects.toMatchObject({ code: 'store_refused' });
      expect(await decided()).toEqual(kept);
      expect(await store.read(BTC_1H, {})).toEqual(left);
    },
  );

  test('a revision whose refusal was not heard to its end is not shown when it is refused again hours later', async () => {
    const { store, clock, decided } = await stored('hours-later');
    const lost = new PipelineError('store_unavailable', 'the link broke');
    jest.spyOn(InfluxConnection.prototype, 'write').mockRejectedValue(lost);
    await expect(store.write(BTC_1H, [candle(3, 500)], 2000)).rejects.toBe(lost);
    refusing('hours-later', [slot(3)], 422);
    clock.at += 2 * HOUR;
    expect(await store.write(BTC_1H, [candle(3, 500)], 3000)).toMatchObject({ refused: [{ openTime: slot(3) }] });
    expect(await decided()).toEqual([]);
    expect(await store.read(BTC_1H, {})).toEqual(candles(0, 29));
  });
});
