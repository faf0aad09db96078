/** Published documents over HTTP: the right bytes, or a clear refusal. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { buildWeb } from '../../../src/web/public-server';
import { createFixture, NO_DOCUMENTS, standingClock, type Fixture, type PairFixture } from './published-fixture';

const NOW = Date.parse('2026-11-24T14:12:00Z');
const BTC: PairFixture = { symbol: 'BTC/USDT', timeframe: '1h' };
const HISTORY = '/static/history_BTC_USDT_1h.json';
const PREDICTION = '/static/prediction_BTC_USDT_1h.json';

let fixture: Fixture;
let clock: ReturnType<typeof standingClock>;
let web: FastifyInstance;

function build(): FastifyInstance {
  const { publicDir, opsDir } = fixture;
  return buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, pageDir: 'none', schemasDir: 'none' });
}

beforeEach(() => {
  fixture = createFixture();
  clock = standingClock(NOW);
  web = build();
});
afterEach(async () => {
  await web.close();
  fixture.remove();
});

const publish = (pairs: readonly PairFixture[] = [BTC]) => fixture.publish(pairs, { now: NOW });
const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('hex');
/** Longer than the server may go on with what it has read. */
const lookAgain = () => new Promise((resolve) => setTimeout(resolve, 230));
const manifestPath = () => join(fixture.publicDir, 'manifest.json');

function objectOf(kind: 'history' | 'prediction'): { sha256: string; path: string } {
  const manifest = JSON.parse(readFileSync(manifestPath(), 'utf8')) as {
    entries: { files: Record<string, { sha256: string }> }[];
  };
  const hash = manifest.entries[0]?.files[kind]?.sha256 ?? '';
  return { sha256: hash, path: join(fixture.publicDir, 'objects', `${hash}.json`) };
}

test('I22 every document is sent with the hash of its bytes as its strong tag, and the manifest names that hash', async () => {
  publish();
  for (const [address, kind] of [
    [HISTORY, 'history'],
    [PREDICTION, 'prediction'],
  ] as const) {
    const answer = await web.inject(address);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe(`"${sha256(answer.rawPayload)}"`);
    expect(answer.headers.etag).toBe(`"${objectOf(kind).sha256}"`);
  }
  const manifest = await web.inject('/static/manifest.json');
  expect(manifest.rawPayload.equals(readFileSync(manifestPath()))).toBe(true);
  expect(manifest.headers.etag).toBe(`"${sha256(manifest.rawPayload)}"`);
});

test.each([
  ['br', 'br', brotliDecompressSync],
  ['gzip, deflate', 'gzip', gunzipSync],
  ['br;q=0, gzip', 'gzip', gunzipSync],
  ['gzip;q=0', undefined, (body: Buffer) => body],
  ['identity', undefined, (body: Buffer) => body],
])('I22 with Accept-Encoding "%s" the body unpacks to the same bytes', async (accept, encoding, unpack) => {
  publish();
  const answer = await web.inject({ url: HISTORY, headers: { 'accept-encoding': accept } });
  expect(answer.headers['content-encoding']).toBe(encoding);
  expect(answer.headers.vary).toBe('Accept-Encoding');
  expect(`"${sha256(unpack(answer.rawPayload))}"`).toBe(answer.headers.etag);
});

test('S32 canonical names and manifest are revalidated, objects are immutable, errors are not kept', async () => {
  publish();
  const cacheOf = async (url: string) => (await web.inject(url)).headers['cache-control'];
  expect(await cacheOf('/static/manifest.json')).toBe('no-cache, must-revalidate');
  expect(await cacheOf(HISTORY)).toBe('no-cache, must-revalidate');
  expect(await cacheOf(`/static/objects/${objectOf('history').sha256}.json`)).toBe(
    'public, max-age=31536000, immutable',
  );
  expect(await cacheOf('/static/nothing.json')).toBe('no-store');
  expect(await cacheOf('/status/BTC_USDT?timeframe=1h')).toBe('no-store');
});

test('S32 a reader that has the bytes gets 304 without a body, and 200 again as soon as they change', async () => {
  publish();
  const etag = String((await web.inject(HISTORY)).headers.etag);
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const answer = await web.inject({ url: HISTORY, headers: { 'if-none-match': tag } });
    expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, '', etag]);
  }
  publish([{ ...BTC, price: 50_000 }]);
  await lookAgain();
  const changed = await web.inject({ url: HISTORY, headers: { 'if-none-match': etag } });
  expect(changed.statusCode).toBe(200);
  expect(`"${sha256(changed.rawPayload)}"`).toBe(changed.headers.etag);
});

test('a pair that may not be served answers 503 with the reason, by name and by hash', async () => {
  publish([{ ...BTC, row: { exportBlock: 'a document could not be written' } }]);
  for (const url of [HISTORY, PREDICTION, `/static/objects/${objectOf('history').sha256}.json`]) {
    const answer = await web.inject(url);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      error: 'not_servable',
      symbol: 'BTC/USDT',
      timeframe: '1h',
      reason: 'blocked: a document could not be written',
    });
  }
});

test.each<[string, PairFixture, readonly string[], string]>([
  ['missing', { ...BTC, row: NO_DOCUMENTS }, [], 'no history has been published yet'],
  ['corrupt', BTC, ['BTC/USDT 1h'], 'a published document can not be trusted'],
  [
    'insufficient_data',
    { ...BTC, predictionBehind: null, row: { gateReason: '31 closed candles, 240 are needed' } },
    [],
    '31 closed candles, 240 are needed',
  ],
])(
  'SPEC 5 a visible pair that is %s answers 503 with the reason, though the manifest names no file',
  async (status, pair, damaged, reason) => {
    fixture.publish([pair, { symbol: 'BTC/USDT', timeframe: '1m', row: NO_DOCUMENTS }], { now: NOW, damaged });
    for (const url of [HISTORY, PREDICTION]) {
      const answer = await web.inject(url);
      expect([url, answer.statusCode]).toEqual([url, 503]);
      expect(answer.json()).toMatchObject({
        error: 'not_servable',
        symbol: 'BTC/USDT',
        timeframe: '1h',
        status,
        reason,
      });
    }
    expect((await web.inject('/static/history_BTC_USDT_1m.json')).statusCode).toBe(503);
    for (const name of ['prediction_BTC_USDT_1m', 'history_BTC_USDT_1d', 'history_ETH_USDT_1h']) {
      expect([name, (await web.inject(`/static/${name}.json`)).statusCode]).toEqual([name, 404]);
    }
  },
);

test('I30 a document of a dead publisher is refused once it is too old, without any new manifest', async () => {
  publish();
  clock.set(NOW + 70 * 60_000);
  expect((await web.inject(HISTORY)).statusCode).toBe(200);
  clock.set(NOW + 119 * 60_000);
  const answer = await web.inject(HISTORY);
  expect([answer.statusCode, answer.json().status]).toEqual([503, 'hard_stale']);
});

test('an unknown pair and a hidden one answer the same 404, which names nothing', async () => {
  publish([BTC, { symbol: 'ETH/USDT', timeframe: '1h', row: { visibility: 'hidden_backfilling' } }]);
  const hidden = await web.inject('/static/history_ETH_USDT_1h.json');
  const unknown = await web.inject('/static/history_XYZ_USDT_1h.json');
  const body = (answer: typeof hidden) => ({ ...answer.json(), request_id: '' });
  expect([hidden.statusCode, unknown.statusCode]).toEqual([404, 404]);
  expect(body(hidden)).toEqual(body(unknown));
  expect(hidden.body).not.toContain('ETH');
});

test('F40 bytes with one flipped bit are never sent: 503 corrupt, and 200 again when they are mended', async () => {
  publish();
  const { path } = objectOf('history');
  const good = readFileSync(path);
  for (let offset = 0; offset < 64; offset++) {
    const bad = Buffer.from(good);
    const at = Math.floor((offset * good.length) / 64);
    bad[at] = (bad[at] ?? 0) ^ (1 << (offset % 8));
    writeFileSync(path, bad);
    const answer = await web.inject(HISTORY);
    expect([answer.statusCode, answer.json().status]).toEqual([503, 'corrupt']);
  }
  expect((await web.inject('/status/BTC_USDT?timeframe=1h')).json().status).toBe('corrupt');
  expect((await web.inject(PREDICTION)).statusCode).toBe(503);
  writeFileSync(path, good);
  expect((await web.inject(HISTORY)).statusCode).toBe(200);
});

test.each([
  ['empty', () => ''],
  ['half', (text: string) => text.slice(0, text.length / 2)],
  ['of another schema', () => '{"version":"1.3","entries":{}}'],
  ['of an unknown version', (text: string) => text.replace('"version":"1.3"', '"version":"2.0"')],
  ['naming a path', (text: string) => text.replace('history_BTC_USDT_1h.json', '../../ops/manifest.json')],
  ['naming an absolute path', (text: string) => text.replace('history_BTC_USDT_1h.json', '/etc/passwd')],
  ['naming a missing file', (text: string) => text.replace(objectOf('history').sha256, 'a'.repeat(64))],
])(
  'F42 F43 I23 a manifest that is %s is refused as a whole and the old one stays, cold start included',
  async (_how, spoil) => {
    publish();
    const good = readFileSync(manifestPath(), 'utf8');
    expect((await web.inject(HISTORY)).statusCode).toBe(200);
    writeFileSync(manifestPath(), spoil(good));
    await lookAgain();
    expect((await web.inject('/static/manifest.json')).body).toBe(good);
    expect((await web.inject(HISTORY)).statusCode).toBe(200);
    const restarted = build();
    expect((await restarted.inject('/static/manifest.json')).body).toBe(good);
    await restarted.close();
  },
);

test('before the first publish the manifest answers 503 with a sentence', async () => {
  const answer = await web.inject('/static/manifest.json');
  expect([answer.statusCode, answer.json().error]).toEqual([503, 'nothing_published']);
});

test('S21 what lies beside the documents does not exist for readers', async () => {
  publish();
  const planted = [
    '.env',
    '.tmp-1',
    'x.js',
    '.git/config',
    'objects/x.json',
    'notes.json',
    `objects/${'b'.repeat(64)}.json`,
  ];
  mkdirSync(join(fixture.publicDir, '.git'));
  for (const name of planted) writeFileSync(join(fixture.publicDir, name), 'secret');
  symlinkSync('/etc/passwd', join(fixture.publicDir, 'passwd.json'));
  for (const name of [...planted, 'passwd.json', 'generations/1.json', 'objects/', 'objects', '']) {
    const answer = await web.inject(`/static/${name}`);
    expect([name, answer.statusCode]).toEqual([name, 404]);
  }
});

test('a linked object is not followed, even when its content is right', async () => {
  publish();
  const { path } = objectOf('history');
  const copy = join(fixture.opsDir, 'copy.json');
  writeFileSync(copy, readFileSync(path));
  rmSync(path);
  symlinkSync(copy, path);
  expect((await web.inject(HISTORY)).statusCode).not.toBe(200);
});

test('the addresses of the old system are gone and name their successor', async () => {
  const history = await web.inject('/history/BTC%2FUSDT?timeframe=1d');
  const predict = await web.inject('/predict/BTC_USDT');
  expect([history.statusCode, history.json().replaced_by]).toEqual([410, '/static/history_BTC_USDT_1d.json']);
  expect([predict.statusCode, predict.json().replaced_by]).toEqual([
    410,
    '/static/prediction_BTC_USDT_{timeframe}.json',
  ]);
  expect((await web.inject('/history/btc')).statusCode).toBe(400);
});

test('the published schemas are served from the folder they are generated into', async () => {
  const { publicDir, opsDir } = fixture;
  const folder = join(fixture.opsDir, 'schemas');
  mkdirSync(folder);
  writeFileSync(join(folder, 'history.json'), '{"type":"object"}');
  const other = buildWeb({
    publicDir,
    opsDir,
    source: 'simulated',
    live: false,
    clock,
    pageDir: 'none',
    schemasDir: folder,
  });
  expect((await other.inject('/schemas/history.json')).json()).toEqual({ type: 'object' });
  expect((await other.inject('/schemas/other.json')).statusCode).toBe(404);
  await other.close();
});

test('I28 every object that one manifest names can be read while that manifest is in force', async () => {
  publish([BTC, { symbol: 'ETH/USDT', timeframe: '1d', price: 2500 }, { symbol: 'BTC/USDT', timeframe: '1m' }]);
  const names = readdirSync(join(fixture.publicDir, 'objects'));
  expect(names).toHaveLength(5);
  for (const name of names) {
    const answer = await web.inject(`/static/objects/${name}`);
    expect([answer.statusCode, `${sha256(answer.rawPayload)}.json`]).toEqual([200, name]);
  }
});
