/** More requests at once than can be answered: those beyond are told when to come back, and the next turn is as any other. */
import { LIMITS } from '../../../src/web/app';
import { Overload } from '../../../src/web/overload';
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

const requestOf = (method: string, more: string): string =>
  `${method} /static/manifest.json HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

/** So many requests in one write over one connection, which arrive in one turn; the answers, without their bodies' order. */
async function askAtOnce(count: number, last = 'GET'): Promise<string[]> {
  const answers = await sendRaw(
    url,
    requestOf('GET', '').repeat(count - 1) + requestOf(last, 'Connection: close\r\n'),
    20_000,
  );
  return answers.split(/(?=HTTP\/1\.1 \d{3} )/);
}

test('L13 a turn takes up so many, and the next one as many again', async () => {
  const overload = new Overload(3);
  const refused = () => Array.from({ length: 5 }, () => overload.refuses());
  expect(refused()).toEqual([false, false, false, true, true]);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(refused()).toEqual([false, false, false, true, true]);
});

test('L13 those beyond are refused with 503 and Retry-After, are counted, and the next one is answered', async () => {
  // However the bytes are cut up on their way, more come at once than one turn answers.
  const asked = 10 * LIMITS.requestsATurn;
  const answers = await askAtOnce(asked, 'HEAD');
  const codes = answers.map(statusOf);
  const shed = codes.filter((code) => code === 503).length;
  expect(codes.filter((code) => code === 200)).toHaveLength(asked - shed);
  expect(shed).toBeGreaterThan(0);
  expect(asked - shed).toBeGreaterThanOrEqual(LIMITS.requestsATurn);
  const [headers = '', body = ''] = (answers.find((answer) => statusOf(answer) === 503) ?? '').split('\r\n\r\n');
  expect(headers.toLowerCase()).toContain('retry-after: 2');
  expect(headers.toLowerCase()).toContain('cache-control: no-store');
  expect(headers.toLowerCase()).toContain('access-control-allow-origin: *');
  expect(JSON.parse(body)).toEqual({ error: 'overloaded', message: expect.stringContaining('try again in 2 seconds') });
  // To a HEAD without its body.
  expect((answers.at(-1) ?? '').split('\r\n\r\n')[1]).toBe('');
  expect((await askAtOnce(1)).map(statusOf)).toEqual([200]);
  expect(await metrics.text(null, NOW)).toContain(`coin_predict_http_shed_requests_total ${shed}`);
});
