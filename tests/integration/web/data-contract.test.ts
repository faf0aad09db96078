/** The client of docs/data-contract.md, run as it is printed there, and what that page promises. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { openDocumentFolder } from '../../../src/adapters/files/document-folder';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { systemClock } from '../../../src/ports/clock';
import { materialise } from '../../../src/publish/materialise';
import { readPublished } from '../../../src/publish/published-reader';
import { LIMITS } from '../../../src/web/app';
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

async function serve(source: string, live: boolean): Promise<RunningWeb> {
  const port = { host: '127.0.0.1', port: 0, explicit: true, variable: 'WEB_PORT' };
  const { publicDir, opsDir } = fixture;
  const pages = { pageDir: 'none', opsPageDir: 'none' };
  return serveWeb({ publicDir, opsDir, source, live, clock: systemClock, ...pages, web: port, ops: port });
}

beforeEach(async () => {
  fixture = createFixture();
  running = await serve('simulated', false);
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
  expect(fresh).toMatchObject({ state: 'fresh', degraded: false, publisherLate: false, real: false });
  expect(fresh.history).toMatchObject({ type: 'history', symbol: 'BTC/USDT' });
  expect((fresh.prediction as { forecast: unknown[] }).forecast).toHaveLength(24);
  expect((await readPair(running.url, 'BTC/USDT', '1m')).prediction).toBeNull();
  const dataThrough = Date.parse((fresh.history as { data_through: string }).data_through);
  expect((await readPair(running.url, 'BTC/USDT', '1h', () => dataThrough + 70 * 60_000)).state).toBe('stale');
  expect((await readPair(running.url, 'BTC/USDT', '1h', () => dataThrough + 3 * HOUR)).state).toBe('hard_stale');
});

test('the worked client waits for a server that has published nothing yet, and is told of any other failure', async () => {
  expect(await readPair(running.url, 'BTC/USDT', '1h')).toEqual({ state: 'nothing_published' });
  await expect(readPair(`${running.url}/elsewhere`, 'BTC/USDT', '1h')).rejects.toThrow('nothing at this address');
});

test.each([
  ['binance', true, true],
  ['binance', false, false],
  ['replay', true, false],
  ['simulated', true, false],
])('the worked client takes prices of %s, live %s, for real: %s', async (source, live, real) => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }], { source });
  const web = await serve(source, live);
  try {
    expect(await readPair(web.url, 'BTC/USDT', '1h')).toMatchObject({ state: 'fresh', real });
  } finally {
    await web.close();
  }
});

test('the worked client calls nothing fresh once the publisher was due again', async () => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }], { nextExpectedCommit: Date.now() - 10 * 60_000 });
  expect(await readPair(running.url, 'BTC/USDT', '1h')).toMatchObject({ state: 'not_confirmed', publisherLate: true });
});

test('the worked client reads what export materialise writes for a static host, and nothing of another age by name', async () => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
  const root = join(fixture.publicDir, 'static-host');
  await materialise(readPublished(fixture.publicDir), openDocumentFolder(join(root, 'static')));
  const host = await serveFolder(root);
  try {
    const fresh = await readPair(host.url, 'BTC/USDT', '1h');
    expect(fresh).toMatchObject({ state: 'fresh', history: { type: 'history' }, prediction: { type: 'prediction' } });
    const history = join(root, 'static', 'history_BTC_USDT_1h.json');
    writeFileSync(history, JSON.stringify({ ...(fresh.history as object), data_through: '2024-01-01T00:00:00.000Z' }));
    await expect(readPair(host.url, 'BTC/USDT', '1h')).rejects.toThrow(
      'history_BTC_USDT_1h.json is not of this manifest: read the manifest again',
    );
    rmSync(history);
    await expect(readPair(host.url, 'BTC/USDT', '1h')).rejects.toThrow('history_BTC_USDT_1h.json is answered 404');
  } finally {
    await host.close();
  }
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
  collect(manifest);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(TEXT))).toEqual([]);
});

test('the page has the word and code of every error that a reader can be told, and the numbers that hold', async () => {
  const blocked = { symbol: 'BTC/USDT', timeframe: '1h', row: { exportBlock: 'the disk is full' } };
  const asked: [string, RequestInit?][] = [
    ['/static/manifest.json'],
    ['/nothing'],
    ['/status/BTC_USDT'],
    ['/static/manifest.json', { method: 'OPTIONS' }],
    ['/history/BTC_USDT'],
    [`/${'a'.repeat(LIMITS.address)}`],
    ['/static/history_BTC_USDT_1h.json'],
  ];
  const rows = new Set<string>();
  for (const [path, init] of asked) {
    if (path.startsWith('/static/history')) fixture.publish([blocked]);
    const answer = await untilPublished(path, init);
    rows.add(`| ${answer.status} | \`${((await answer.json()) as { error: string }).error}\` |`);
  }
  expect(rows.size).toBe(7);
  expect([...rows].filter((row) => !TEXT.includes(row))).toEqual([]);
  expect(TEXT).toContain(`more than ${LIMITS.address} characters`);
  expect(TEXT).toContain(`more than ${LIMITS.requestsPerMinute} requests a minute`);
  expect(TEXT).toContain(`longer than ${LIMITS.headers / 1024} KiB`);
});

test('the page says how much history a document holds', () => {
  const served = (timeframe: string): unknown => defaultRules(parseTimeframe(timeframe)).served;
  const [said] = /It holds [^.]*\./.exec(TEXT) ?? [];
  expect(said?.replaceAll(/\s+/g, ' ')).toBe(
    'It holds the last 180 candles of `1m`, the last 30 days of `1h` and of other multiples, and all there is of `1d`, `1w` and `1M`.',
  );
  expect(['1m', '1h', '4h', '1d', '1w', '1M'].map(served)).toEqual([
    { candles: 180 },
    ...[{ days: 30 }, { days: 30 }],
    ...['all', 'all', 'all'],
  ]);
});

/** A plain web server, whose 404 is a page as nginx sends it. */
async function serveFolder(root: string): Promise<{ readonly url: string; close(): Promise<unknown> }> {
  const host = createServer((request, response) => {
    const path = join(root, request.url ?? '/');
    const found = existsSync(path);
    response.writeHead(found ? 200 : 404, { 'content-type': found ? 'application/json' : 'text/html' });
    response.end(found ? readFileSync(path) : '<html><h1>404 Not Found</h1></html>');
  });
  await new Promise<void>((listening) => host.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(host.address() as AddressInfo).port}`,
    close: () => {
      host.closeAllConnections();
      return new Promise((closed) => host.close(closed));
    },
  };
}

/** What the server says of a new manifest, which it sees within 0.4 s. */
async function untilPublished(path: string, init?: RequestInit): Promise<Response> {
  const documents = path.startsWith('/static/history');
  for (;;) {
    const answer = await fetch(running.url + path, init);
    if (!documents || answer.status !== 404) return answer;
  }
}
