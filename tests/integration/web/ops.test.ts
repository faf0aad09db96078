/** The operators' server: its documents, and who may see them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/ports/clock';
import { buildOps } from '../../../src/web/ops-server';
import { buildWeb } from '../../../src/web/public-server';
import { createFixture, type Fixture } from './published-fixture';

const TOKEN = 'k7vQ-2fLw_9xRtBz';
let fixture: Fixture;

beforeEach(() => {
  fixture = createFixture();
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
});
afterEach(() => fixture.remove());

function build(token: string | null, loopbackOnly = false) {
  const { publicDir, opsDir } = fixture;
  return buildOps({
    publicDir,
    opsDir,
    source: 'simulated',
    clock: systemClock,
    opsPageDir: 'none',
    loopbackOnly,
    token,
  });
}

const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`;

test('S17 without the token everything but /healthz answers 401, and says how to give it', async () => {
  const app = build(TOKEN);
  for (const url of ['/ops/manifest.json', '/ops/operations.json', '/metrics', '/readyz', '/unknown', '/healthz?x']) {
    const answer = await app.inject({ url });
    expect([url, answer.statusCode, answer.headers['www-authenticate']]).toEqual([
      url,
      401,
      'Basic realm="operations", charset="UTF-8"',
    ]);
    expect(answer.body).not.toContain('BTC');
  }
  expect((await app.inject('/healthz')).statusCode).toBe(200);
  await app.close();
});

test('S17 the token is taken as a Bearer token and as the password of any user, to the letter', async () => {
  const app = build(TOKEN);
  const ask = async (authorization: string) =>
    (await app.inject({ url: '/ops/manifest.json', headers: { authorization } })).statusCode;
  expect(await ask(`Bearer ${TOKEN}`)).toBe(200);
  expect(await ask(basic(TOKEN))).toBe(200);
  const wrong = [
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toLowerCase()}`,
    'Bearer',
    basic(''),
    'Digest x',
  ];
  for (const authorization of wrong) expect([authorization, await ask(authorization)]).toEqual([authorization, 401]);
  await app.close();
});

test('S17 1,000 wrong tokens meet 429, and a right one is let in meanwhile', async () => {
  const app = build(TOKEN);
  const ask = async (authorization: string, remoteAddress = '127.0.0.1') =>
    app.inject({ url: '/ops/manifest.json', headers: { authorization }, remoteAddress });
  const codes: number[] = [];
  for (let guess = 0; guess < 1000; guess++) codes.push((await ask(`Bearer guess-${guess}`)).statusCode);
  expect(codes.slice(0, 10)).toEqual(Array(10).fill(401));
  expect(codes.filter((code) => code === 429).length).toBeGreaterThan(980);
  expect(Number((await ask('Bearer guess')).headers['retry-after'])).toBeGreaterThan(0);
  expect((await ask(`Bearer ${TOKEN}`)).statusCode).toBe(200);
  expect((await ask('Bearer guess', '203.0.113.7')).statusCode).toBe(401);
  await app.close();
});

test('each document has its schema beside it, for operators only', async () => {
  const app = build(null);
  const { statusCode, headers, body } = await app.inject('/ops/schemas/models.json');
  expect([statusCode, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(JSON.parse(body)).toMatchObject({ $id: 'urn:coin-predict:ops-models:1.0' });
  await app.close();
  const closed = build(TOKEN);
  expect((await closed.inject('/ops/schemas/models.json')).statusCode).toBe(401);
  await closed.close();
  const { publicDir, opsDir } = fixture;
  const web = buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock: systemClock, pageDir: 'none' });
  const ask = async (name: string) => (await web.inject(`/schemas/${name}.json`)).statusCode;
  expect([await ask('manifest'), await ask('models'), await ask('ops-manifest')]).toEqual([200, 404, 404]);
  await web.close();
});

test('the bare address leads to the page', async () => {
  const app = build(null);
  const { statusCode, headers } = await app.inject('/');
  expect([statusCode, headers.location]).toEqual([302, '/ops']);
  await app.close();
});

test('on the loopback address without a token only local names are answered', async () => {
  const app = build(null, true);
  const ask = async (host: string) => (await app.inject({ url: '/ops/manifest.json', headers: { host } })).statusCode;
  expect([await ask('localhost:8081'), await ask('evil.example')]).toEqual([200, 403]);
  await app.close();
});

test.each(['operations', 'models', 'alerts', 'sla'])(
  '%s.json is 503 with a reason while it is absent or breaks its schema',
  async (name) => {
    const app = build(null);
    const ask = async () => {
      const answer = await app.inject(`/ops/${name}.json`);
      return [answer.statusCode, answer.json().error];
    };
    expect(await ask()).toEqual([503, 'nothing_published']);
    for (const text of ['', '[]', '{"version":"2.0"}', '{"version":"1.0","generated_at":"2026-01-01T00:00:00Z"}']) {
      writeFileSync(join(fixture.opsDir, `${name}.json`), text);
      expect([text, ...(await ask())]).toEqual([text, 503, 'invalid_document']);
    }
    await app.close();
  },
);
