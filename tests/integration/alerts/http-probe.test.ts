/** What the probe counts, against the real public server and against servers that misbehave. */
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createHttpProbe } from '../../../src/adapters/probe/http-probe';
import { buildWeb } from '../../../src/web/public-server';
import { createFixture, standingClock } from '../web/published-fixture';
import type { Fixture } from '../web/published-fixture';

const NOW = Date.parse('2026-11-24T14:12:00Z');
const MINUTE = 60_000;
const PAIRS = [
  { symbol: 'BTC/USDT', timeframe: '1h' },
  { symbol: 'ETH/USDT', timeframe: '1h' },
];

let fixture: Fixture;
let clock: ReturnType<typeof standingClock>;
let web: FastifyInstance;
let url: string;
beforeEach(async () => {
  fixture = createFixture();
  clock = standingClock(NOW);
  const { publicDir, opsDir } = fixture;
  web = buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, pageDir: 'none', schemasDir: 'none' });
  url = await web.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await web.close();
  fixture.remove();
});

/** The round before asked so many. */
const EXPECTED = 61;
const run = (
  base: string | null,
  asOf = NOW,
  limits: { readonly timeoutMs?: number; readonly roundMs?: number } = {},
) => createHttpProbe({ url: async () => base, ...limits }).run(asOf, EXPECTED);

test('a healthy pair is three probes, and the manifest one', async () => {
  fixture.publish(PAIRS, { now: NOW });
  expect(await run(url)).toEqual({ probes: 7, good: 7, fault: null });
});

test('a pair without prediction is two', async () => {
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h', predictionBehind: null, row: { predicts: false } }], {
    now: NOW,
  });
  expect(await run(url)).toMatchObject({ probes: 3 });
});

test('a pair with too few candles was promised to nobody and is not asked about', async () => {
  const few = { symbol: 'ETH/USDT', timeframe: '1h', row: { gateReason: '3 of 240 closed candles' } };
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }, few], { now: NOW });
  expect(await run(url)).toEqual({ probes: 4, good: 4, fault: null });
});

test('where no server is known there is nothing to count', async () => {
  expect(await run(null)).toBeNull();
});

test('a server whose manifest can not be read is bad in all that the round before asked', async () => {
  const unread = { probes: EXPECTED, good: 0, fault: 'the manifest can not be read' };
  expect(await run(url)).toEqual(unread);
  expect(await run('http://127.0.0.1:9')).toEqual(unread);
});

test('I30 a pair that is past its hard limit is bad in all three', async () => {
  fixture.publish(PAIRS, { now: NOW });
  clock.set(NOW + 3 * 3_600_000);
  expect(await run(url)).toEqual({ probes: 7, good: 1, fault: 'BTC/USDT 1h: /status answers 503' });
});

test('F40 a damaged document is bad with its pair, the others stay good', async () => {
  fixture.publish(PAIRS, { now: NOW });
  const manifest = (await (await fetch(`${url}/static/manifest.json`)).json()) as {
    entries: { files: { history: { sha256: string } } }[];
  };
  const sha256 = manifest.entries[1]?.files.history.sha256 ?? '';
  expect(readdirSync(join(fixture.publicDir, 'objects'))).toContain(`${sha256}.json`);
  writeFileSync(join(fixture.publicDir, 'objects', `${sha256}.json`), '{}');
  // Of the three of ETH/USDT; or, once the server has refused the manifest as a whole, that too.
  expect(await run(url)).toMatchObject({ probes: 7, good: 4, fault: 'ETH/USDT 1h: /status answers 503' });
});

describe('servers that misbehave', () => {
  let server: Server;
  let answer: (path: string, response: ServerResponse) => void;
  let asked: string[];
  let base: string;
  beforeEach(async () => {
    asked = [];
    server = createServer(({ url: path = '' }, response) => {
      asked.push(path);
      answer(path, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  /** A manifest of so many pairs with one document each, whose hash is that of `{}`. */
  const EMPTY = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
  const manifestOf = (count: number, sha256 = EMPTY) =>
    JSON.stringify({
      entries: Array.from({ length: count }, (_, k) => ({
        symbol: `S${k}/USDT`,
        timeframe: '1h',
        status: 'fresh',
        files: { history: { name: `history_S${k}_USDT_1h.json`, sha256 }, prediction: null },
      })),
    });

  test('bytes that no manifest names are bad', async () => {
    answer = (path, response) => response.end(path.endsWith('manifest.json') ? manifestOf(1, '0'.repeat(64)) : '{}');
    expect(await run(base)).toEqual({
      probes: 3,
      good: 2,
      fault: 'history_S0_USDT_1h.json: its bytes are not what the manifest names',
    });
  });

  test('bytes that a manifest names which came in between are good', async () => {
    let looks = 0;
    answer = (path, response) =>
      response.end(path.endsWith('manifest.json') ? manifestOf(1, looks++ === 0 ? '0'.repeat(64) : EMPTY) : '{}');
    expect(await run(base)).toEqual({ probes: 3, good: 3, fault: null });
  });

  test('a server that does not answer in time is bad, and holds the probe up no longer than its limit', async () => {
    answer = (path, response) => {
      if (path.endsWith('manifest.json')) response.end(manifestOf(4));
    };
    const started = performance.now();
    expect(await run(base, NOW, { timeoutMs: 500 })).toMatchObject({ probes: 9, good: 1 });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a round ends within its time whatever hangs, and what was not answered by then is bad', async () => {
    answer = (path, response) => {
      if (path.startsWith('/status/S0_') || path.endsWith('manifest.json')) response.end(manifestOf(50));
    };
    const started = performance.now();
    expect(await run(base, NOW, { timeoutMs: 2_000, roundMs: 1_000 })).toMatchObject({ probes: 101, good: 2 });
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  test('a redirect is not followed', async () => {
    answer = (path, response) => {
      if (path.endsWith('manifest.json')) response.end(manifestOf(1));
      else response.writeHead(302, { location: `${base}/elsewhere` }).end();
    };
    expect(await run(base)).toMatchObject({ probes: 3, good: 1 });
    expect(asked).not.toContain('/elsewhere');
  });

  test.each(['{"entries":{}}', 'half', 'null'])('a manifest of %s can not be read', async (body) => {
    answer = (_path, response) => response.end(body);
    expect(await run(base)).toEqual({ probes: EXPECTED, good: 0, fault: 'the manifest can not be read' });
  });

  test('of 120 pairs fifty are asked about in a round, and in twelve rounds each of them five times', async () => {
    answer = (path, response) => response.end(path.endsWith('manifest.json') ? manifestOf(120) : '{}');
    for (let round = 0; round < 12; round++) {
      expect(await run(base, NOW + round * MINUTE)).toMatchObject({ probes: 101, good: 101 });
    }
    const times = new Map<string, number>();
    for (const path of asked.filter((one) => one.startsWith('/status/'))) times.set(path, (times.get(path) ?? 0) + 1);
    expect([times.size, ...new Set(times.values())]).toEqual([120, 5]);
  }, 60_000);
});
