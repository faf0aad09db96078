/** More requests at once than can be answered: those beyond are told when to come back, and the next turn is as any other. */
import { LIMITS } from '../../../src/web/app';
import { buildWeb } from '../../../src/web/public-server';
import { createWebMetrics } from '../../../src/web/web-metrics';
import { createFixture, standingClock } from './published-fixture';
import { sendRaw, statusOf } from './raw-socket';

const NOW = Date.parse('2026-11-24T14:12:00Z');
const fixture = createFixture();
const metrics = createWebMetrics(false);
const { publicDir, opsDir } = fixture;
const clock = standingClock(NOW);
const web = buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, metrics, pageDir: 'none' });
let url: string;
beforeAll(async () => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }], { now: NOW });
  url = await web.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await web.close();
  fixture.remove();
});

const asked = (method: string, more: string): string =>
  `${method} /static/manifest.json HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

/** So many requests in one write over one connection, which arrive in one turn; the answers, without their bodies' order. */
async function askAtOnce(count: number, last = 'GET'): Promise<string[]> {
  const answers = await sendRaw(url, asked('GET', '').repeat(count - 1) + asked(last, 'Connection: close\r\n'), 20_000);
  return answers.split(/(?=HTTP\/1\.1 \d{3} )/);
}

test('L13 as many as a turn may answer are answered', async () => {
  const codes = (await askAtOnce(LIMITS.requestsATurn)).map(statusOf);
  expect(codes).toEqual(Array.from({ length: LIMITS.requestsATurn }, () => 200));
});

test('L13 those beyond are refused with 503 and Retry-After, are counted, and the next one is answered', async () => {
  const answers = await askAtOnce(LIMITS.requestsATurn + 100, 'HEAD');
  const codes = answers.map(statusOf);
  expect(codes.filter((code) => code === 200)).toHaveLength(LIMITS.requestsATurn);
  expect(codes.slice(-100)).toEqual(Array.from({ length: 100 }, () => 503));
  const [headers = '', body = ''] = (answers.at(-2) ?? '').split('\r\n\r\n');
  expect(headers.toLowerCase()).toContain('retry-after: 2');
  expect(headers.toLowerCase()).toContain('cache-control: no-store');
  expect(headers.toLowerCase()).toContain('access-control-allow-origin: *');
  expect(JSON.parse(body)).toEqual({ error: 'overloaded', message: expect.stringContaining('try again in 2 seconds') });
  // To a HEAD without its body.
  expect((answers.at(-1) ?? '').split('\r\n\r\n')[1]).toBe('');
  expect((await askAtOnce(1)).map(statusOf)).toEqual([200]);
  expect(await metrics.text(null, NOW)).toContain('coin_predict_http_shed_requests_total 100');
});
