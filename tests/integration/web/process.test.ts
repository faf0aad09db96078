/** The server as a process: without file descriptors, and watched by strace. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { STRACE, testTraced, testUnless } from '../../possible';
import { createFixture, type Fixture } from './published-fixture';
import { rawGet, statusOf } from './raw-socket';
import { startServerProcess } from './server-process';

const DOCUMENT = '/static/history_BTC_USDT_1h.json';
let fixture: Fixture;

beforeEach(() => {
  fixture = createFixture();
  fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
});
afterEach(() => fixture.remove());

const PRLIMIT = '/usr/bin/prlimit';
const testLimited = testUnless(existsSync(PRLIMIT) ? null : `no ${PRLIMIT}: install util-linux`);

testLimited(
  'F37 without file descriptors the server lives on, and serves again when there are some',
  async () => {
    const server = await startServerProcess(fixture);
    try {
      expect(statusOf(await rawGet(server.url, '/healthz'))).toBe(200);
      const open = Number(execFileSync('bash', ['-c', `ls /proc/${server.pid}/fd | wc -l`]).toString());
      execFileSync(PRLIMIT, [`--pid=${server.pid}`, `--nofile=${open + 4}`]);
      const { port } = new URL(server.url);
      const held: Socket[] = Array.from({ length: 12 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(server.alive()).toBe(true);
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 300));
      // Nothing had been read before the shortage: now the manifest and the document are.
      expect(statusOf(await rawGet(server.url, DOCUMENT))).toBe(200);
      expect(server.alive()).toBe(true);
    } finally {
      await server.stop();
    }
  },
  60_000,
);

testTraced(
  'S01 no request makes the server open a file outside the published folder',
  async () => {
    const log = join(fixture.opsDir, 'opens.log');
    const strace = [STRACE, '-f', '-qq', '-e', 'trace=open,openat,readlink', '-o', log];
    const server = await startServerProcess(fixture, strace);
    try {
      await rawGet(server.url, DOCUMENT);
      const before = readFileSync(log, 'utf8').length;
      for (const path of [
        '/static/..%2f..%2f..%2fetc%2fpasswd',
        '/..%2f..%2fetc/passwd',
        '/static/objects/..%2f..%2fops%2fmanifest.json',
      ]) {
        await rawGet(server.url, path);
        await rawGet(server.url, `${path}.json`);
      }
      fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h', price: 50_000 }]);
      await new Promise((resolve) => setTimeout(resolve, 600));
      await rawGet(server.url, DOCUMENT);
      const opened = [
        ...readFileSync(log, 'utf8')
          .slice(before)
          .matchAll(/"([^"]+)"/g),
      ].map((match) => match[1] ?? '');
      expect(opened.some((path) => path.startsWith(fixture.publicDir))).toBe(true);
      expect(opened.filter((path) => !path.startsWith(fixture.publicDir))).toEqual([]);
    } finally {
      await server.stop();
    }
  },
  60_000,
);

/** A document, fetched by a client that trusts nothing but complete answers; false when the connection broke. */
async function wholeDocument(url: string): Promise<boolean> {
  return new Promise((done, failed) => {
    const request = get(`${url}${DOCUMENT}`, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => done(false));
      response.on('end', () => {
        const hash = createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
        if (response.statusCode === 200 && response.headers.etag === `"${hash}"`) done(true);
        else failed(new Error(`a complete answer ${response.statusCode} with ${hash}`));
      });
    });
    request.on('error', () => done(false));
  });
}

test('F15 killed under load and started again: every answer that ends is whole, and all are once it is back', async () => {
  const CLIENTS = 8;
  let [whole, broken] = [0, 0];
  for (let kill = 0; kill < 3; kill++) {
    const server = await startServerProcess(fixture);
    const clients = Array.from({ length: CLIENTS }, async () => {
      let went = true;
      for (; went; went = await wholeDocument(server.url)) whole += 1;
      broken += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 200 + 50 * kill));
    await server.kill();
    await Promise.all(clients);
  }
  expect(broken).toBe(3 * CLIENTS);
  expect(whole).toBeGreaterThan(3 * CLIENTS);
}, 60_000);
