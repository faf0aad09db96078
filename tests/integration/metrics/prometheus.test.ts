/**
 * The metrics as a real Prometheus sees them: worker, web process and Temporal SDK up, the series of rules and dashboard
 * present, the rules valid. Needs Debian's `prometheus`; .ci/run installs it, elsewhere these tests say that they did not run.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/config';
import { eventOf } from '../../../src/domain/event';
import { HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { createDeploymentMetrics } from '../../../src/adapters/prometheus/deployment-metrics';
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../../src/adapters/sqlite/state-store';
import type { EpochMs } from '../../../src/domain/types';
import { systemClock } from '../../../src/ports/clock';
import type { ChampionChange } from '../../../src/ports/model-registry';
import type { StorageGauge } from '../../../src/ports/storage-gauge';
import { createWebMetrics } from '../../../src/web/web-metrics';
import { openStores } from '../../../temporal/stores';
import { serveMetrics } from '../../../temporal/metrics-server';
import { runWebProcess } from '../../../temporal/web-process';
import { freePort } from '../../free-port';
import { metadataOf } from '../../ports/model-registry-contract';
import { testUnless } from '../../possible';
import { NOTHING_SEEN } from '../../../src/domain/monitor-memory';

const root = join(__dirname, '..', '..', '..');
const deploy = join(root, 'deploy', 'prometheus');
const run = promisify(execFile);
const there =
  spawnSync('promtool', ['--version']).error === undefined &&
  spawnSync('prometheus', ['--version']).error === undefined;
const withPrometheus = testUnless(there ? null : 'no prometheus and promtool on PATH: install prometheus');

withPrometheus(
  'the rules are valid, and fire when they must and not before',
  async () => {
    await run('promtool', ['check', 'config', '--syntax-only', 'prometheus.yml'], { cwd: deploy });
    await run('promtool', ['check', 'rules', 'rules/coin-predict.yml'], { cwd: deploy });
    await run('promtool', ['test', 'rules', 'coin-predict.test.yml'], { cwd: deploy });
  },
  60_000,
);

withPrometheus(
  'a real Prometheus finds every target up, and every series that rules and dashboard ask for',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coin-predict-prometheus-'));
    const parts: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
    try {
      const targets = await startTargets(folder, parts);
      const url = await startPrometheus(folder, targets, parts);
      await everythingUp(url, Object.keys(targets).length);
      const names = await seriesNames(url);
      for (const name of await namesAskedFor()) expect(names).toContain(name);
    } finally {
      for (const stop of parts.toReversed()) await stop();
    }
  },
  180_000,
);

test('trainings are told by how they ended, how long the newest took, and when one last succeeded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-metrics-'));
  const state = await openStateStore(join(folder, 'state.db'));
  const quiet = await createMetrics(state).text();
  expect(quiet).toContain('coin_predict_training_schedule_seconds{timeframe="1h"} 86400');
  expect(quiet).toContain('coin_predict_training_schedule_seconds{timeframe="1M"} 2678400');
  expect(quiet).not.toMatch(/coin_predict_(training_(duration|last_success\w*)|forecast_since_timestamp)_seconds\{/);
  const timeframe = parseTimeframe('1h');
  await state.models.register(metadataOf('v1'));
  await state.models.changeChampion(firstChampion(1_500));
  const untrained = await createMetrics(state).text();
  expect(untrained).toContain('coin_predict_forecast_since_timestamp_seconds{timeframe="1h"} 1.5\n');
  expect(untrained).not.toMatch(/coin_predict_training_last_success_timestamp_seconds\{/);
  const training = { timeframe, kind: 'training', version: null, by: 'automatic', reason: '', criteria: [] } as const;
  for (const [at, verdict] of [
    [1_000, 'done'],
    [2_000, 'partial'],
    [3_000, 'failed'],
  ] as const) {
    await state.models.record({ ...training, key: verdict, at, verdict, facts: { duration_ms: at } });
  }
  const text = await createMetrics(state).text();
  expect(text).toContain('coin_predict_training_last_success_timestamp_seconds{timeframe="1h"} 2\n');
  expect(text).toContain('coin_predict_training_duration_seconds{timeframe="1h"} 3\n');
  for (const outcome of ['done', 'partial', 'failed'])
    expect(text).toContain(`coin_predict_training_runs{timeframe="1h",outcome="${outcome}"} 1\n`);
  await state.close();
  await rm(folder, { recursive: true });
});

test('no metric of the deployment has a label without bounds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-metrics-'));
  const state = await openStateStore(join(folder, 'state.db'));
  const text = await createMetrics(state).text();
  const labels = [...text.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
  expect(new Set(labels)).toEqual(new Set(['kind', 'outcome', 'severity', 'status', 'timeframe']));
  expect(text).toContain('coin_predict_alerts_firing{severity="critical"} 0');
  expect(text).toContain('coin_predict_cycles_measured{timeframe="1h"} 0');
  expect(text).not.toMatch(/coin_predict_cycle_seconds_p95\{/);
  await state.close();
  await rm(folder, { recursive: true });
});

test('a commit that failed and a symbol in quarantine are among the alerts that fire', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-metrics-'));
  const state = await openStateStore(join(folder, 'state.db'));
  const now = Date.now();
  const failed = { key: 'failed', timeframe: parseTimeframe('1h'), detail: 'the disk is full' };
  await state.events.record([eventOf('manifest_failure', now, failed)]);
  const symbol = parseSymbol('GONE/USDT');
  await state.pairState.setSymbolState({ symbol, activation: 'quarantined', since: now, reason: 'not traded' });
  const text = await createMetrics(state).text();
  expect(text).toContain('coin_predict_alerts_firing{severity="critical"} 1');
  expect(text).toContain('coin_predict_alerts_firing{severity="warning"} 1');
  await state.close();
  await rm(folder, { recursive: true });
});

test.each([
  'cycle_seconds_p95',
  'cycle_success_ratio',
  'cycle_overrun_ratio',
  'cycle_missed_boundaries',
  'fetch_starts_total',
])('the dashboard has a panel of %s', async (name) => {
  const dashboard = await readFile(join(root, 'deploy', 'grafana', 'dashboards', 'coin-predict.json'), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  expect(panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join(' ')).toContain(`coin_predict_${name}`);
});

test("the operator's guide tells of every metric what its help tells, and of no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-metrics-'));
  const state = await openStateStore(join(folder, 'state.db'));
  const texts = [await createMetrics(state).text(), await createWebMetrics(false).text(null, 0)];
  const told = texts.flatMap((text) => [...text.matchAll(/^# HELP (\w+) (.*)$/gm)]);
  const rows = told.map(([, name = '', help = '']) => `| \`${name}\` | ${help} |`);
  const guide = await readFile(join(root, 'docs', 'operators-guide.md'), 'utf8');
  expect(guide.match(/^\| `coin_predict_\w+` \|.*$/gm)?.toSorted()).toEqual(rows.toSorted());
  await state.close();
  await rm(folder, { recursive: true });
});

test.each([
  [{ usedBytes: 60, budgetBytes: 80 }, 60, 80],
  [{ usedBytes: null, budgetBytes: 80 }, 80, 80],
  [{ usedBytes: 60, budgetBytes: null }, 60, 60],
  [{ usedBytes: null, budgetBytes: null }, 1, 1],
])(
  'the storage is told as the level in force measures it, and what can not be read as full: %j',
  async (measured, used, budget) => {
    const folder = await mkdtemp(join(tmpdir(), 'coin-predict-metrics-'));
    const state = await openStateStore(join(folder, 'state.db'));
    const text = await createMetrics(state, { measure: async () => measured }).text();
    expect(text).toContain(`coin_predict_storage_used_bytes ${used}\n`);
    expect(text).toContain(`coin_predict_storage_budget_bytes ${budget}\n`);
    await state.close();
    await rm(folder, { recursive: true });
  },
);

const EMPTY: StorageGauge = { measure: async () => ({ usedBytes: 0, budgetBytes: 50e9 }) };

function createMetrics(state: StateStore, storage = EMPTY) {
  return createDeploymentMetrics({ ...loadConfig({}, null), ...state, clock: systemClock, storage }, false);
}

/** Job -> `host:port`, each serving what it serves in a deployment. */
async function startTargets(folder: string, parts: (() => Promise<unknown>)[]): Promise<Record<string, string>> {
  const log = pino({ level: 'silent' });
  const config = loadConfig({ DATA_DIR: folder, WEB_PORT: '0', OPS_PORT: '0' }, null);
  const stores = await openStores(config, 'simulated');
  parts.push(() => stores.close());
  await oneOfEach(stores.state);
  await stores.publisher.commitManifest({ asOf: Date.now(), nextExpectedCommit: Date.now() + HOUR });
  const metrics = createMetrics(stores.state, stores.storage);
  metrics.fetchCounter.started(parseTimeframe('1h'), 'store_last');
  const choice = { host: '127.0.0.1', port: 0, explicit: true, variable: 'METRICS_PORT' };
  const worker = await serveMetrics(metrics, choice, log);
  parts.push(() => worker.close());
  const sdkPort = await startSdk(parts);
  const web = await runWebProcess(config, 'simulated', log);
  parts.push(() => web.stop());
  await fetch(`${String(web.facts.page)}/healthz`);
  return {
    'coin-predict-worker': new URL(worker.url).host,
    'coin-predict-temporal-sdk': `127.0.0.1:${sdkPort}`,
    'coin-predict-web': new URL(String(web.facts.operations)).host,
  };
}

function firstChampion(at: EpochMs): ChampionChange {
  const timeframe = parseTimeframe('1h');
  return { timeframe, version: 'v1', previous: null, at, kind: 'first', by: 'configuration', reason: 'CHAMPION' };
}

/** A cycle, a training, a probe and an alert, so that no series is left out for want of something to count. */
async function oneOfEach(state: StateStore): Promise<void> {
  const now = Date.now();
  const timeframe = parseTimeframe('1h');
  const names = { workflowId: 'cycle-1h', runId: 'run', trigger: 'schedule' };
  await state.runLog.begin({ timeframe, ...names, round: 1, asOf: now, startedAt: now - 3_000 });
  const end = { firstPassAt: now, endedAt: now, outcome: 'published', pairs: 1, failed: 0, newCandles: 1 } as const;
  await state.runLog.end('run', 1, end);
  const memory = NOTHING_SEEN;
  const event = {
    key: 'a',
    kind: 'drift',
    at: now - MINUTE,
    severity: 'warning',
    detail: '',
    since: now,
    alert: 'a',
  } as const;
  const nothing = { symbol: null, timeframe: null, from: null, to: null, ageMinutes: null, ends: null, workflow: null };
  const plan = { receivers: ['slack'], perMinute: 10 };
  await state.monitor.commitRound({ asOf: now, memory, events: [{ ...event, ...nothing }] }, plan);
  await state.models.register(metadataOf('v1'));
  await state.models.changeChampion(firstChampion(now - 2 * HOUR));
  await state.models.record({
    key: 'training',
    timeframe,
    at: now - HOUR,
    kind: 'training',
    verdict: 'done',
    version: null,
    by: 'automatic',
    reason: '',
    criteria: [],
    facts: { duration_ms: 61_500 },
  });
  await state.monitor.recordProbes({ at: now, probes: 10, good: 10, fault: null });
}

/** In a process of its own: a runtime can be installed once. */
async function startSdk(parts: (() => Promise<unknown>)[]): Promise<number> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(__dirname, 'sdk-metrics-child.cjs'), `127.0.0.1:${port}`], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parts.push(() => ended(child));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return port;
}

async function startPrometheus(
  folder: string,
  targets: Readonly<Record<string, string>>,
  parts: (() => Promise<unknown>)[],
): Promise<string> {
  const config = parse(await readFile(join(deploy, 'prometheus.yml'), 'utf8')) as {
    global: Record<string, string>;
    rule_files: string[];
    scrape_configs: { job_name: string; authorization?: object; static_configs: { targets: string[] }[] }[];
  };
  config.scrape_configs = config.scrape_configs.filter(({ job_name: name }) => name !== 'influxdb');
  expect(config.scrape_configs.map(({ job_name: name }) => name).toSorted()).toEqual(Object.keys(targets).toSorted());
  config.global = { scrape_interval: '1s', evaluation_interval: '1s', scrape_timeout: '1s' };
  config.rule_files = [join(deploy, 'rules', 'coin-predict.yml')];
  for (const job of config.scrape_configs) {
    // The loopback address asks for no token.
    delete job.authorization;
    job.static_configs = [{ targets: [targets[job.job_name] ?? ''] }];
  }
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, stringify(config));
  const port = await freePort();
  const flags = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', flags, { stdio: 'ignore' });
  parts.push(() => ended(child));
  return `http://127.0.0.1:${port}`;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
}

async function everythingUp(url: string, count: number): Promise<void> {
  interface Answer {
    readonly data: { readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[] };
  }
  let last = '';
  for (let tries = 0; tries < 240; tries++) {
    await delay(500);
    const response = await fetch(`${url}/api/v1/targets`).catch(() => null);
    if (response?.status !== 200) continue;
    const { activeTargets } = ((await response.json()) as Answer).data;
    last = JSON.stringify(activeTargets.map(({ health, lastError }) => [health, lastError]));
    if (activeTargets.length === count && activeTargets.every(({ health }) => health === 'up')) return;
  }
  throw new Error(`not every target is up: ${last}`);
}

async function seriesNames(url: string): Promise<string[]> {
  // Recorded ones need one evaluation more.
  await delay(3_000);
  const response = await fetch(`${url}/api/v1/label/__name__/values`);
  return ((await response.json()) as { readonly data: string[] }).data;
}

/** Names in the expressions of rules and dashboard; of the SDK's own, only those that exist before the first activity. */
async function namesAskedFor(): Promise<string[]> {
  const rules = await readFile(join(deploy, 'rules', 'coin-predict.yml'), 'utf8');
  const dashboard = await readFile(join(root, 'deploy', 'grafana', 'dashboards', 'coin-predict.json'), 'utf8');
  const named = `${rules}${dashboard}`.match(/\bcoin_predict[_:][a-z0-9_:]+|\bprocess_[a-z_]+/g) ?? [];
  // Recorded series are made from the others; no pair is published here.
  return [...new Set(named)].filter((name) => !name.startsWith('coin_predict:'));
}
