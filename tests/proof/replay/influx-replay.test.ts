/**
 * The same replay on InfluxDB and on the embedded store, side by side. Short form: two symbols over the hours around an outage and midnight; full form
 * (`npm run proof:replay`): five symbols, four timeframes, thirty days.
 */
import { testOnCandles } from '../../candles';
import { describeOnInflux, INFLUXD_START_MS, startInfluxd } from '../../influxd';
import type { TestInflux } from '../../influxd';
import { FULL_PROOF, writeTable } from '../outcome-table';
import { FULL_SCRIPT, Replayed } from './replayed';
import type { ReplayScript } from './replayed';

const SHORT: Omit<ReplayScript, 'data'> = {
  symbols: ['ETH/USDT', 'SOL/USDT'],
  timeframes: ['1h', '1d'],
  from: '2023-03-24T12:00',
  to: '2023-03-25T01:00',
};
const SCRIPT = FULL_PROOF ? FULL_SCRIPT : SHORT;
const TIMEOUT = (FULL_PROOF ? 180 : 10) * 60_000;

describeOnInflux('a replay on InfluxDB', () => {
  let influx: TestInflux;
  const opened: Replayed[] = [];
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(async () => {
    for (const replayed of opened) await replayed.remove();
    await influx.stop();
  }, 60_000);

  function open(data: string, store: Readonly<Record<string, string>> = {}): Replayed {
    const replayed = new Replayed({ data, ...SCRIPT }, store);
    opened.push(replayed);
    return replayed;
  }

  testOnCandles(
    'SPEC 0 ends with the same documents as on SQLite, byte for byte, the same candles, gaps and forecasts',
    async (data) => {
      const { url, token, org } = influx;
      const variables = { STORE: 'influx', INFLUXDB_URL: url, INFLUXDB_TOKEN: token, INFLUXDB_ORG: org };
      const [embedded, server] = [open(data), open(data, variables)];
      const [one, other] = await Promise.all([
        embedded.report([...embedded.arguments(), '--no-verify']),
        server.report(),
      ]);
      expect(other.verified).toEqual({ cycles: one.cycles.total, breaches: [] });
      expect(other.pairs).toEqual(one.pairs);
      const documents = embedded.published();
      expect(server.published()).toEqual(documents);
      expect(await server.content()).toEqual(await embedded.content());
      writeTable(
        'replay-influx',
        [
          `${one.from} to ${one.to}, ${one.pairs.length} pairs, ${one.cycles.total} cycles`,
          `${Object.keys(documents).length} published files, byte for byte the same on both stores`,
          `SQLite ${one.cycles_a_second} cycles a second, InfluxDB ${other.cycles_a_second}, both at once`,
        ].join('\n'),
      );
      expect(Object.keys(documents).length).toBeGreaterThan(8);

      // Another replay on the same server never meets these candles: its bucket is its own.
      expect(await open(data, variables).withStores(({ candles }) => candles.pairs())).toEqual([]);
    },
    TIMEOUT,
  );
});
