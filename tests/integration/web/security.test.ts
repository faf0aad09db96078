/** The public server under hostile requests, over real sockets. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { systemClock } from '../../../src/ports/clock';
import type { PublishedReader } from '../../../src/publish/published-reader';
import { createApp, LIMITS } from '../../../src/web/app';
import { buildOps } from '../../../src/web/ops-server';
import { buildWeb } from '../../../src/web/public-server';
import { readerAddress } from '../../../src/web/reader-address';
import { RequestRate } from '../../../src/web/request-rate';
import { serveWeb, type RunningWeb } from '../../../src/web/serve-web';
import { createFixture, type Fixture } from './published-fixture';
import { rawGet, sendRaw, statusOf } from './raw-socket';

let fixture: Fixture;
let running: RunningWeb;

const PORT = { host: '127.0.0.1', port: 0, explicit: true };
const NONE = { source: 'simulated', live: false, clock: systemClock, schemasDir: 'none', opsPageDir: 'none' };

beforeAll(async () => {
  fixture = createFixture();
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
  const pageDir = join(fixture.opsDir, 'page');
  mkdirSync(pageDir);
  writeFileSync(join(pageDir, 'index.html'), '<!doctype html><meta name="market" content="" />');
  writeFileSync(join(pageDir, 'app.js'), 'export {};');
  writeFileSync(join(pageDir, '.secret.js'), 'hidden');
  writeFileSync(join(pageDir, 'notes.txt'), 'not listed');
  symlinkSync('/etc', join(fixture.publicDir, 'etc'));
  const { publicDir, opsDir } = fixture;
  running = await serveWeb({
    ...NONE,
    publicDir,
    opsDir,
    pageDir,
    headersTimeout: 1000,
    web: { ...PORT, variable: 'WEB_PORT' },
    ops: { ...PORT, variable: 'OPS_PORT' },
  });
});
afterAll(async () => {
  await running.close();
  fixture.remove();
});

const UP = ['..', '%2e%2e', '%2E%2E', '.%2e', '%2e.', '%252e%252e', '..%00', '%c0%ae%c0%ae', '%uff0e%uff0e', '..;'];
const SLASH = ['/', '%2f', '%2F', '\\', '%5c', '%252f', '%c0%af', '//'];
const HOSTILE = [
  ...UP.flatMap((up) => SLASH.map((slash) => `/static/${up}${slash}${up}${slash}etc${slash}passwd`)),
  ...UP.map((up) => `/${up}/${up}/${up}/etc/passwd`),
  ...UP.map((up) => `/static/objects/${up}%2fmanifest.json`),
  '/..%2f..%2fetc/passwd',
  '//etc/passwd',
  '//static//manifest.json/..',
  '/static/etc/passwd',
  '/static/etc%2fpasswd',
  '/static/./manifest.json',
  '/static/manifest.json%00.html',
  '/static/manifest.json/',
  '/static/',
  '/static/objects/',
  '/static/objects/../manifest.json',
  '/static/~root',
  '/static/C:\\windows\\win.ini',
  '/static/file:///etc/passwd',
  'http://169.254.169.254/latest',
  'file:///etc/passwd',
  '/.env',
  '/.git/config',
  '/.secret.js',
  '/notes.txt',
  '/%',
  '/static/%zz',
  '/status/..%2f..?timeframe=1h',
  '/schemas/..%2f..%2fpackage.json',
  `/static/${'a'.repeat(1900)}`,
];

test(`S01 S21 none of ${HOSTILE.length} hostile paths, sent raw, answers anything but 400 or 404`, async () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(60);
  for (const path of HOSTILE) {
    const answer = await rawGet(running.url, path);
    expect([path, [400, 404].includes(statusOf(answer))]).toEqual([path, true]);
    expect(answer).not.toMatch(/root:|secret|stack|\/src\//i);
  }
});

test('S02 the route tables hold nothing but GET and HEAD', async () => {
  const seen: string[] = [];
  const collect = (app: ReturnType<typeof createApp>) => {
    const print = app.printRoutes({ commonPrefix: false });
    seen.push(...[...print.matchAll(/\(([A-Z, ]+)\)/g)].flatMap((match) => (match[1] ?? '').split(', ')));
  };
  const { publicDir, opsDir } = fixture;
  for (const app of [
    buildWeb({ ...NONE, publicDir, opsDir, pageDir: 'none' }),
    buildOps({ ...NONE, publicDir, opsDir }),
  ]) {
    await app.ready();
    collect(app);
    await app.close();
  }
  expect(seen.length).toBeGreaterThan(20);
  expect([...new Set(seen)].toSorted()).toEqual(['GET', 'HEAD']);
});

const ROUTES = ['/', '/app.js', '/static/manifest.json', '/static/history_BTC_USDT_1h.json', '/healthz', '/unknown'];
const ROUTES_WITH_QUERY = [...ROUTES, '/status/BTC_USDT?timeframe=1h', '/history/BTC_USDT'];

test('S02 S20 every other method answers 405 on every route and ends the connection', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'LINK', 'PURGE']) {
    for (const path of ROUTES_WITH_QUERY) {
      const answer = await rawGet(running.url, path, method);
      expect([method, path, statusOf(answer)]).toEqual([method, path, 405]);
      expect(answer.toLowerCase()).toContain('allow: get, head');
    }
  }
  expect(statusOf(await rawGet(running.url, 'example.com:80', 'CONNECT'))).toBe(405);
  expect(statusOf(await rawGet(running.url, '/', 'BREW'))).toBe(400);
});

test('S20 HEAD gives the headers of GET and no body', async () => {
  for (const path of ROUTES_WITH_QUERY) {
    const [get, head] = [await rawGet(running.url, path), await rawGet(running.url, path, 'HEAD')];
    const headersOf = (answer: string) => (answer.split('\r\n\r\n')[0] ?? '').replace(/^date:.*$/im, '');
    expect(head.split('\r\n\r\n')[1]).toBe('');
    expect(headersOf(head)).toBe(headersOf(get));
  }
});

test('S05 S06 each kind of answer has exactly its headers, whatever the origin', async () => {
  const varying = new Set(['date', 'etag', 'content-length', 'connection', 'keep-alive']);
  const headersOf = async (path: string, init: RequestInit = {}) => {
    const { status, headers } = await fetch(`${running.url}${path}`, init);
    return { path, status, ...Object.fromEntries([...headers].filter(([name]) => !varying.has(name))) };
  };
  const cross = { headers: { origin: 'https://evil.example', cookie: 'a=b', 'accept-encoding': 'identity' } };
  const json = {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'ETag, Retry-After',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'content-type': 'application/json; charset=utf-8',
    'cross-origin-resource-policy': 'cross-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  expect(await headersOf('/unknown', cross)).toEqual({
    path: '/unknown',
    status: 404,
    ...json,
    'cache-control': 'no-store',
  });
  const document = '/static/history_BTC_USDT_1h.json';
  const revalidated = { 'cache-control': 'no-cache, must-revalidate', vary: 'Accept-Encoding' };
  expect(await headersOf(document, cross)).toEqual({ path: document, status: 200, ...json, ...revalidated });
  const { 'content-type': _type, ...unchanged } = json;
  const again = { ...cross, headers: { ...cross.headers, 'if-none-match': '*' } };
  expect(await headersOf(document, again)).toEqual({ path: document, status: 304, ...unchanged, ...revalidated });
  expect(await headersOf('/', cross)).toEqual({
    path: '/',
    status: 200,
    ...revalidated,
    'content-security-policy': expect.not.stringContaining('unsafe'),
    'content-type': 'text/html; charset=utf-8',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
});

test('S06 no origin, however it is spelt, is ever reflected', async () => {
  for (const origin of [
    'null',
    'https://localhost.evil.example',
    'https://evil-localhost',
    'http://127.0.0.1:1',
    '*',
  ]) {
    const { headers } = await fetch(`${running.url}/static/manifest.json`, { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  }
});

test('S17 F102 oversized requests are refused at once, and others are served meanwhile', async () => {
  const host = 'Host: localhost\r\n';
  const flood = { url: running.url, started: performance.now() };
  const answers = await Promise.all([
    sendRaw(flood.url, `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`),
    sendRaw(flood.url, `GET /${'a'.repeat(3000)} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`),
    sendRaw(flood.url, `GET / HTTP/1.1\r\n${host}Content-Length: 104857600\r\n\r\n${'x'.repeat(100_000)}`),
    sendRaw(flood.url, `POST / HTTP/1.1\r\n${host}Content-Length: 104857600\r\n\r\n${'x'.repeat(100_000)}`),
    sendRaw(flood.url, `GET /?${'a=1&'.repeat(600)} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`),
    rawGet(flood.url, '/healthz'),
  ]);
  expect(answers.map(statusOf)).toEqual([431, 414, 413, 405, 414, 200]);
  expect(performance.now() - flood.started).toBeLessThan(4000);
});

test('S17 F102 headers that never end are cut off with 408 while others are served', async () => {
  const slow = sendRaw(running.url, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 8000);
  expect(statusOf(await rawGet(running.url, '/healthz'))).toBe(200);
  expect(statusOf(await slow)).toBe(408);
});

const FRAMING: readonly (readonly [string, string])[] = [
  ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
  ['a length that is no number', 'Content-Length: 4x\r\n\r\nabcd'],
  ['a folded header', 'X-A: 1\r\n folded\r\n\r\n'],
  ['a space before the colon', 'X-A : 1\r\n\r\n'],
  ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n'],
  ['a null byte', 'X-A: a\0b\r\n\r\n'],
  ['a bare line feed', 'X-A: 1\nX-B: 2\r\n\r\n'],
];

test.each(FRAMING)('S19 a request with %s is refused and the connection closed', async (_name, rest) => {
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const answer = await sendRaw(running.url, `GET / HTTP/1.1\r\nHost: localhost\r\n${rest}${smuggled}`, 1500);
  expect([400, 413]).toContain(statusOf(answer));
  expect(answer).not.toContain('"status":"ok"');
});

test('S22 an address that can not be decoded is told of in our words, and another origin may read them', async () => {
  const answer = await rawGet(running.url, '/%E0%A4%A');
  expect(statusOf(answer)).toBe(400);
  expect(answer).toMatch(/access-control-allow-origin: \*/i);
  expect(answer).toContain('"error":"bad_request"');
  expect(answer).not.toContain('FST_');
});

test('S17 one address can not ask without end, and another is not held up by it', () => {
  const rate = new RequestRate(60);
  const waits = Array.from({ length: 61 }, () => rate.take('203.0.113.7', 0));
  expect(waits.slice(0, 60).every((wait) => wait === 0)).toBe(true);
  expect(waits[60]).toBe(1);
  expect(rate.take('203.0.113.8', 0)).toBe(0);
  expect(rate.take('203.0.113.7', 1000)).toBe(0);
  expect(rate.take('203.0.113.7', 1000)).toBe(1);
});

test('S18 a forwarded address is not believed', async () => {
  const app = createApp({ audience: 'public', rate: new RequestRate(2) });
  app.get('/', async () => 'ok');
  const ask = async (forwarded: string) => {
    const headers = { 'x-forwarded-for': forwarded };
    return (await app.inject({ url: '/', headers, remoteAddress: '203.0.113.7' })).statusCode;
  };
  expect([await ask('1.1.1.1'), await ask('2.2.2.2'), await ask('3.3.3.3')]).toEqual([200, 200, 429]);
  await app.close();
});

test('S18 behind a proxy that is named each reader has a rate of its own, and others are not believed', async () => {
  const { publicDir, opsDir } = fixture;
  const app = buildWeb({ ...NONE, publicDir, opsDir, pageDir: 'none', trustedProxies: ['172.16.0.0/12'] });
  const stopped = jest.spyOn(performance, 'now').mockReturnValue(0);
  const refusedOf = async (remoteAddress: string): Promise<number> => {
    let refused = 0;
    for (let index = 0; index < LIMITS.requestsPerMinute + 10; index++) {
      const headers = { 'x-forwarded-for': `1.2.3.4, 198.51.100.${index % 200}` };
      refused += (await app.inject({ url: '/healthz', headers, remoteAddress })).statusCode === 429 ? 1 : 0;
    }
    return refused;
  };
  try {
    expect([await refusedOf('172.18.0.1'), await refusedOf('203.0.113.7')]).toEqual([0, 10]);
  } finally {
    stopped.mockRestore();
    await app.close();
  }
}, 60_000);

test.each<[string, string, string | undefined, string]>([
  ['nobody is told', '10.0.0.5', undefined, '10.0.0.5'],
  ['a reader that spoofs', '203.0.113.7', '1.1.1.1', '203.0.113.7'],
  ['one proxy', '10.0.0.5', '198.51.100.1', '198.51.100.1'],
  ['one proxy, and a reader that spoofs', '10.0.0.5', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
  ['two proxies', '10.0.0.5', '1.1.1.1, 198.51.100.1, 172.18.0.9', '198.51.100.1'],
  ['a proxy seen through a socket for both families', '::ffff:172.18.0.1', '198.51.100.1', '198.51.100.1'],
  ['a reader by IPv6', 'fd00::5', '2001:db8::1', '2001:db8::1'],
  ['a reader that is no address', '10.0.0.5', '198.51.100.1, unknown', '10.0.0.5'],
])('S18 whose request it is: %s', (_, remoteAddress, forwarded, reader) => {
  const addressOf = readerAddress(['10.0.0.5', '172.16.0.0/12', 'fd00::/8']);
  const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } };
  expect(addressOf(request as unknown as Parameters<typeof addressOf>[0])).toBe(reader);
});

test('S22 a fault inside any document route is a generic 500 with a request ID, and the log has the cause once', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const fail = async () => {
    throw new Error('secret detail in /var/lib');
  };
  const reader: PublishedReader = { manifest: fail, object: fail, packed: fail, problem: () => null };
  const { publicDir, opsDir } = fixture;
  const app = buildWeb({ ...NONE, publicDir, opsDir, pageDir: 'none', reader, logger: pino(sink) });
  for (const url of [
    '/static/manifest.json',
    '/static/a.json',
    '/static/objects/a.json',
    '/status/BTC_USDT?timeframe=1h&',
  ]) {
    const answer = await app.inject({ url, headers: { authorization: 'Bearer canary-token' } });
    expect([url, answer.statusCode]).toEqual([url, 500]);
    expect(answer.json()).toEqual({
      error: 'internal',
      message: 'something failed here; try again',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const line = JSON.parse(lines.at(-1) ?? '') as { requestId: string; err: { message: string } };
    expect([line.requestId, line.err.message]).toEqual([answer.json().request_id, 'secret detail in /var/lib']);
  }
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toContain('canary-token');
  expect((await app.inject('/healthz')).statusCode).toBe(200);
  await app.close();
});
