/** The client of docs/data-contract.md, run as it is printed there, and what that page promises. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../../src/ports/clock';
import { serveWeb, type RunningWeb } from '../../../src/web/serve-web';
import { HOUR, createFixture, type Fixture } from './published-fixture';

type ReadPair = (
  base: string,
  symbol: string,
  timeframe: string,
  now?: () => number,
) => Promise<Record<string, unknown>>;

const TEXT = readFileSync(resolve(__dirname, '../../../docs/data-contract.md'), 'utf8');
const [CLIENT = '', RECORD = ''] = [...TEXT.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);

let fixture: Fixture;
let running: RunningWeb;
let readPair: ReadPair;

beforeEach(async () => {
  fixture = createFixture();
  const port = { host: '127.0.0.1', port: 0, explicit: true, variable: 'WEB_PORT' };
  const { publicDir, opsDir } = fixture;
  running = await serveWeb({
    publicDir,
    opsDir,
    source: 'simulated',
    live: false,
    clock: systemClock,
    pageDir: 'none',
    opsPageDir: 'none',
    web: port,
    ops: port,
  });
  readPair = runInNewContext(`${CLIENT};readPair`, { fetch, Date, Math, Promise }) as ReadPair;
});
afterEach(async () => {
  await running.close();
  fixture.remove();
});

test('the worked client reads a pair and judges it by the clock it is given', async () => {
  fixture.publish([
    { symbol: 'BTC/USDT', timeframe: '1h' },
    { symbol: 'BTC/USDT', timeframe: '1m' },
  ]);
  const fresh = await readPair(running.url, 'BTC/USDT', '1h');
  expect(fresh).toMatchObject({ state: 'fresh', degraded: false, publisherLate: false, simulated: true });
  expect(fresh.history).toMatchObject({ type: 'history', symbol: 'BTC/USDT' });
  expect((fresh.prediction as { forecast: unknown[] }).forecast).toHaveLength(24);
  expect((await readPair(running.url, 'BTC/USDT', '1m')).prediction).toBeNull();
  const dataThrough = Date.parse((fresh.history as { data_through: string }).data_through);
  expect((await readPair(running.url, 'BTC/USDT', '1h', () => dataThrough + 70 * 60_000)).state).toBe('stale');
  expect((await readPair(running.url, 'BTC/USDT', '1h', () => dataThrough + 3 * HOUR)).state).toBe('hard_stale');
});

test('the worked client is told what is unknown and what is blocked', async () => {
  const blocked = { symbol: 'BTC/USDT', timeframe: '1h', row: { exportBlock: 'the disk is full' } };
  fixture.publish([blocked]);
  expect(await readPair(running.url, 'ETH/USDT', '1h')).toEqual({ state: 'unknown' });
  expect(await readPair(running.url, 'BTC/USDT', '1h')).toEqual({
    state: 'not_served',
    status: 'fresh',
    reason: 'blocked: the disk is full',
  });
});

test('the worked client tells how often the ranges held, and nothing before a target has closed', async () => {
  const heldBySteps = runInNewContext(`${RECORD};heldBySteps`) as (prediction: unknown) => unknown[];
  fixture.publish([
    { symbol: 'BTC/USDT', timeframe: '1h', quality: { sample_count: 5 } },
    { symbol: 'ETH/USDT', timeframe: '1h' },
  ]);
  const { history, prediction } = await readPair(running.url, 'BTC/USDT', '1h');
  expect(heldBySteps(prediction)).toEqual(
    [1, 6, 24].map((step) => ({
      candlesAhead: step,
      closes: 24,
      held: expect.any(Number),
      newest: (history as { data_through: string }).data_through,
    })),
  );
  expect(heldBySteps((await readPair(running.url, 'ETH/USDT', '1h')).prediction)).toEqual([]);
  expect(heldBySteps({})).toEqual([]);
});

test('the page names every field that the documents and /status have', async () => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h', quality: { sample_count: 5 } }]);
  const names = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.slice(0, 1).forEach(collect);
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) {
        names.add(name);
        collect(inner);
      }
  };
  for (const path of ['history_BTC_USDT_1h.json', 'prediction_BTC_USDT_1h.json'].map((name) => `/static/${name}`)) {
    collect(await (await fetch(running.url + path)).json());
  }
  collect(await (await fetch(`${running.url}/status/BTC_USDT?timeframe=1h`)).json());
  const manifest = (await (await fetch(`${running.url}/static/manifest.json`)).json()) as Record<string, unknown>;
  Object.keys(manifest).forEach((name) => names.add(name));
  collect(manifest.entries);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(TEXT))).toEqual([]);
});
