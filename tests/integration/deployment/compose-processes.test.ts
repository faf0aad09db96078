/** The processes of docker-compose.yml with its variables, run by hand: InfluxDB, Temporal, worker and web are real. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { InfluxConnection } from '../../../src/adapters/influx/connection';
import { parseSymbol } from '../../../src/domain/types';
import { startMarket } from '../../../src/market/market-server';
import type { MarketServer } from '../../../src/market/market-server';
import { freePort } from '../../free-port';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../../influxd';
import type { TestInflux } from '../../influxd';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..', '..');
const CLI = join(ROOT, 'bin', 'coin-predict.js');
const USER = 10_001;
const PUBLISHED_MS = 180_000;

type Variables = Readonly<Record<string, string>>;
const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<
    Record<
      'worker' | 'web',
      { readonly environment: Readonly<Record<string, string | number>>; readonly command: string[] }
    >
  >;
};

/** As in a container: an ordinary user, no capability, none to be had. Only root can become one, if it may read this. */
const AS_USER = [
  ...['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--no-new-privs'],
  ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'],
];
const mayDrop =
  process.getuid?.() === 0 && spawnSync(AS_USER[0] ?? '', [...AS_USER.slice(1), 'test', '-r', CLI]).status === 0;

describeOnInflux('the deployment of docker-compose.yml', () => {
  let influx: TestInflux;
  let temporal: TestTemporal;
  let market: MarketServer;
  let folder = '';
  const children: ChildProcess[] = [];
  let log = '';

  beforeAll(async () => {
    if (!existsSync(join(ROOT, 'dist'))) throw new Error('run "node scripts/build.mjs" first');
    [influx, temporal, market] = await Promise.all([
      startInfluxd(),
      startTestTemporal(),
      startMarket({ symbols: [parseSymbol('BTC/USDT')], seed: 1 }),
    ]);
    folder = mkdtempSync(join(tmpdir(), 'coin-predict-compose-'));
    if (mayDrop) chownSync(folder, USER, USER);
  }, INFLUXD_START_MS);
  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    await Promise.all([influx.stop(), temporal.stop(), market.close()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** The service's own variables; only names of hosts and the folder are those of this machine. */
  function variables(service: 'worker' | 'web', ports: Variables = {}): Record<string, string> {
    const here: Record<string, string> = {
      EXCHANGE: 'binance',
      SYMBOLS: 'BTC/USDT',
      DATA_DIR: folder,
      INFLUXDB_URL: influx.url,
      INFLUXDB_TOKEN: influx.token,
      TEMPORAL_ADDRESS: temporal.server.address,
      OPS_TOKEN: 'operators-of-the-test',
      ...ports,
    };
    const { environment } = compose.services[service];
    const filled = Object.entries(environment).map(([name, value]) => [
      name,
      here[name] ?? String(value).replace(/^\$\{[A-Z_]+:-(.*)\}$/, '$1'),
    ]);
    // The one addition: the exchange is our market.
    return { PATH: process.env.PATH ?? '', ...Object.fromEntries(filled), EXCHANGE_URL: market.url };
  }

  function start(service: 'worker' | 'web', ports?: Variables): void {
    const [command = '', ...args] = [
      ...(mayDrop ? AS_USER : []),
      process.execPath,
      CLI,
      ...compose.services[service].command,
    ];
    const child = spawn(command, args, {
      env: variables(service, ports),
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (log += text.toString()));
    children.push(child);
  }

  async function cli(...args: string[]): Promise<{ code: number; stdout: string }> {
    return run(process.execPath, [CLI, ...args], { env: variables('worker'), cwd: folder }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
    );
  }

  test(
    `S26 worker on InfluxDB, Temporal and web as user ${USER}: a manifest comes out that holds every check`,
    async () => {
      const [webPort, opsPort] = [await freePort(), await freePort()];
      start('web', {
        WEB_HOST: '127.0.0.1',
        OPS_HOST: '127.0.0.1',
        WEB_PORT: String(webPort),
        OPS_PORT: String(opsPort),
      });
      start('worker');
      interface Entry {
        readonly key: string;
        readonly files: { readonly prediction: unknown };
      }
      const entries = async (): Promise<readonly Entry[]> => {
        const answer = await fetch(`http://127.0.0.1:${webPort}/static/manifest.json`).catch(() => null);
        return answer?.ok === true ? ((await answer.json()) as { entries: Entry[] }).entries : [];
      };
      const deadline = Date.now() + PUBLISHED_MS;
      while ((await entries()).filter(({ files }) => files.prediction !== null).length < 3) {
        if (Date.now() > deadline || children.some(({ exitCode }) => exitCode !== null))
          throw new Error(`nothing complete was published: ${log.slice(-3000)}`);
        await delay(1000);
      }
      const verified = await cli('export', 'verify', '-o', 'json');
      expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([0, { breaches: [] }]);

      const reader = new InfluxConnection({
        url: influx.url,
        token: influx.token,
        org: 'coin-predict',
        bucket: 'coin-predict',
      });
      const count = async (from: string): Promise<number> =>
        Number((await reader.query(from, {})).trim().split('\n')[1]?.split(',').at(-1) ?? 0);
      expect(await count('SELECT count(close) FROM candle')).toBeGreaterThan(1000);
      expect(await count('SELECT count("q0.5") FROM forecast')).toBeGreaterThanOrEqual(3 * 24);
      reader.close();
      expect(readdirSync(join(folder, 'binance')).filter((name) => name.startsWith('candles'))).toEqual([]);

      const checked = await cli('doctor', '-o', 'json');
      const { checks } = JSON.parse(checked.stdout) as { checks: { name: string; state: string; detail: string }[] };
      expect(checks.find(({ name }) => name === 'stores')).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('InfluxDB'),
      });
      expect(`${log}${verified.stdout}${checked.stdout}`).not.toContain(influx.token);
    },
    PUBLISHED_MS + 120_000,
  );
});
