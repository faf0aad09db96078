/** What is repeated without asking the routes is what the routes would say, to the byte and to the moment. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { readPublished } from '../../../src/publish/published-reader';
import type { ManifestEntry } from '../../../src/publish/documents';
import { HotPath } from '../../../src/web/hot-path';
import { PublishedFolder } from '../../../src/web/published-folder';
import { buildWeb } from '../../../src/web/public-server';
import { readerAddress } from '../../../src/web/reader-address';
import { RequestRate } from '../../../src/web/request-rate';
import { answerHoldsUntil, buildStatusAnswer } from '../../../src/web/status-answer';
import { HOUR, createFixture, standingClock, type Fixture } from './published-fixture';
import { sendRaw } from './raw-socket';

const NOW = Date.parse('2026-11-24T14:12:00Z');
const PAIRS = [
  { symbol: 'BTC/USDT', timeframe: '1h' },
  { symbol: 'ETH/USDT', timeframe: '1h', row: { exportBlock: 'the disk is full' } },
];
const HISTORY = '/static/history_BTC_USDT_1h.json';
const STATUS = '/status/BTC_USDT?timeframe=1h';

let fixture: Fixture;
let clock: ReturnType<typeof standingClock>;
/** The monotonic clock, in milliseconds; it moves when a test says so, however busy the machine. */
let ticks = 0;
let web: FastifyInstance;
let url: string;
/** Requests that reached the routes. */
let routed = 0;

beforeEach(async () => {
  fixture = createFixture();
  clock = { ...standingClock(NOW), monotonic: () => ticks };
  const { publicDir, opsDir } = fixture;
  web = buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, pageDir: 'none', schemasDir: 'none' });
  web.addHook('onRequest', async () => {
    routed += 1;
  });
  url = await web.listen({ host: '127.0.0.1', port: 0 });
  fixture.publish(PAIRS, { now: NOW });
  routed = 0;
});
afterEach(async () => {
  await web.close();
  fixture.remove();
});

/** What was read before is too old to be repeated. */
const lookAgain = () => (ticks += 1000);
const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('hex');
const ask = (path: string, headers: readonly string[] = [], method = 'GET') =>
  sendRaw(url, [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n'));
const timeless = (answer: string) => answer.replace(/^date:.*$/im, '').replaceAll(/"request_id":"[^"]*"/g, '');

test('a repeated answer is the one of the routes to the byte, headers and their order included', async () => {
  const tag = /etag: (.*)\r/.exec(await ask(HISTORY))?.[1] ?? '';
  for (const path of ['/static/manifest.json', HISTORY, `/static/objects/${tag.slice(1, -1)}.json`, STATUS]) {
    for (const headers of [
      [],
      ['Accept-Encoding: gzip'],
      ['accept-encoding: br;q=0, gzip, br'],
      [`If-None-Match: ${tag}`],
    ]) {
      for (const method of ['GET', 'HEAD']) {
        lookAgain();
        const before = routed;
        const first = timeless(await ask(path, headers, method));
        expect([path, headers, method, routed - before]).toEqual([path, headers, method, 1]);
        const second = timeless(await ask(path, headers, method));
        expect([path, headers, method, routed - before]).toEqual([path, headers, method, 1]);
        expect(second).toBe(first);
      }
    }
  }
}, 60_000);

test('I22 a repeated body unpacks to the bytes that its tag names, in each encoding', async () => {
  for (const [encoding, unpack] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
    ['identity', (body: Buffer) => body],
  ] as const) {
    for (let time = 0; time < 3; time++) {
      const { headers, body } = await fetchRaw(HISTORY, encoding);
      expect(sha256(unpack(body))).toBe((headers.get('etag') ?? '').slice(1, -1));
    }
  }
  expect(routed).toBeLessThan(9);
});

async function fetchRaw(path: string, encoding: string) {
  const { request } = await import('node:http');
  return new Promise<{ headers: Map<string, string>; body: Buffer }>((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers: { 'accept-encoding': encoding } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          headers: new Map(Object.entries(response.headers) as [string, string][]),
          body: Buffer.concat(chunks),
        }),
      );
    });
    sent.on('error', reject).end();
  });
}

test('I30 a remembered answer ends with the moment that it was right for', async () => {
  const statusOf = async (path: string) => Number(/ (\d{3}) /.exec(await ask(path))?.[1]);
  const asked = async () => [
    await statusOf(HISTORY),
    await statusOf(STATUS),
    await statusOf('/status/ETH_USDT?timeframe=1h'),
  ];
  expect([await asked(), await asked()]).toEqual([
    [200, 200, 503],
    [200, 200, 503],
  ]);
  const hard = Date.parse('2026-11-24T14:00:00Z') + 130 * 60_000;
  clock.set(hard);
  expect([await asked(), await asked()]).toEqual([
    [200, 200, 503],
    [200, 200, 503],
  ]);
  clock.set(hard + 1);
  expect(await asked()).toEqual([503, 503, 503]);
  // A clock that is put back is believed too: each answer is that of its moment.
  clock.set(NOW);
  expect(await asked()).toEqual([200, 200, 503]);
});

test('a new manifest ends all that was remembered, and no reader ever goes back to the older one', async () => {
  const generationOf = async () => Number(/"generation":(\d+)/.exec(await ask('/static/manifest.json'))?.[1]);
  let newest = 1;
  for (let generation = 1; generation <= 4; generation++) {
    if (generation > 1) fixture.publish(PAIRS, { now: NOW, generation });
    // Past the time that an answer may lag, and the time that a look may take besides.
    for (let asked = 0; asked < 16; asked++) {
      ticks += 50;
      const seen = await generationOf();
      expect(seen).toBeGreaterThanOrEqual(newest);
      newest = seen;
    }
    expect(newest).toBe(generation);
  }
  fixture.publish([{ ...PAIRS[0], symbol: 'SOL/USDT', timeframe: '1h' }], { now: NOW, generation: 9 });
  lookAgain();
  expect(await ask(HISTORY)).toMatch(/^HTTP\/1.1 404 /);
});

test('S02 S17 S19 what the routes refuse is refused at a remembered address too', async () => {
  for (let time = 0; time < 2; time++) expect(await ask(HISTORY)).toMatch(/^HTTP\/1.1 200 /);
  const codes = [
    await ask(HISTORY, [], 'POST'),
    await ask(HISTORY, [], 'DELETE'),
    await ask(HISTORY, ['Content-Length: 104857600']),
    await ask(HISTORY, ['Transfer-Encoding: chunked']),
    await ask(`${HISTORY}?`),
    await ask(`${HISTORY}/`),
    await ask(HISTORY, ['Content-Length: 4', 'Transfer-Encoding: chunked']),
  ].map((answer) => Number(/ (\d{3}) /.exec(answer)?.[1]));
  expect(codes).toEqual([405, 405, 413, 413, 200, 404, 400]);
});

test('S17 S18 a repeated answer counts against the rate of its reader, and past it the routes refuse', async () => {
  const folder = new PublishedFolder(readPublished(fixture.publicDir), clock);
  const hot = new HotPath(folder, clock, new RequestRate(2), readerAddress(['203.0.113.7']));
  const snapshot = await folder.current();
  if (snapshot === null) throw new Error('nothing published');
  const always = { from: -Infinity, until: Infinity };
  hot.remember('/x', snapshot, { ...always, code: 200, headers: [], body: Buffer.from('x') });
  const request = (reader: string) => ({
    url: '/x',
    method: 'GET',
    rawHeaders: [],
    headers: { 'x-forwarded-for': reader },
    socket: { remoteAddress: '203.0.113.7' },
  });
  const response = { writeHead: () => response, end: () => response };
  const answered = (reader: string) =>
    hot.answer(request(reader) as unknown as IncomingMessage, response as unknown as ServerResponse);
  expect(['a', 'b', 'c'].map(() => answered('198.51.100.1'))).toEqual([true, true, false]);
  expect(answered('198.51.100.2')).toBe(true);
});

test('addresses that differ only in spelling can not fill the memory', async () => {
  const folder = new PublishedFolder(readPublished(fixture.publicDir), clock);
  const hot = new HotPath(folder, clock, new RequestRate(1e9), readerAddress([]));
  const snapshot = await folder.current();
  if (snapshot === null) throw new Error('nothing published');
  const answer = { from: -Infinity, until: Infinity, code: 200, headers: [], body: Buffer.from('x') };
  for (let spelling = 0; spelling < 5000; spelling++) hot.remember(`/x?${spelling}`, snapshot, answer);
  const response = { writeHead: () => response, end: () => response };
  const known = (address: string) =>
    hot.answer(
      {
        url: address,
        method: 'GET',
        rawHeaders: [],
        socket: { remoteAddress: '127.0.0.1' },
      } as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    );
  expect([known('/x?0'), known('/x?4095'), known('/x?4096'), known('/x?4999')]).toEqual([true, true, false, false]);
});

test('I30 a status answer is the same at every instant for which it is remembered, and not remembered past a limit', async () => {
  const folder = new PublishedFolder(readPublished(fixture.publicDir), clock);
  const entry: ManifestEntry | undefined = (await folder.current())?.byPair.get('BTC_USDT 1h');
  if (entry === undefined) throw new Error('no entry');
  const expiry = new Date(NOW + 2 * HOUR + 17_123).toISOString();
  const at = (now: number) =>
    JSON.stringify(buildStatusAnswer({ entry, now, document: 'ok', manifestExpiresAt: expiry, record: null }));
  const limits = [entry.fresh_until, entry.expires_at, expiry].map((text) => Date.parse(text ?? ''));
  let moments = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.integer({ min: NOW - HOUR, max: NOW + 5 * HOUR }),
        fc.tuple(fc.constantFrom(...limits), fc.integer({ min: -700, max: 700 })).map(([limit, off]) => limit + off),
      ),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (now, share) => {
        const until = answerHoldsUntil(entry, expiry, now);
        expect(until).toBeLessThan(Math.max(now, Date.parse(entry.data_through ?? '')) + 1200);
        if (until < now) return;
        moments += 1;
        expect(at(now + Math.floor((until - now) * share))).toBe(at(now));
      },
    ),
    { numRuns: 500 },
  );
  expect(moments).toBeGreaterThan(400);
});
