/** Worker processes as they are deployed, on a real Temporal server and a market that stands still. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadConfig } from '../../../src/config/config';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../../../src/domain/types';
import { startMarket } from '../../../src/market/market-server';
import type { MarketServer } from '../../../src/market/market-server';
import type { LateCommits } from '../../../src/ports/late-commits';
import { verify } from '../../../src/publish/verify';
import { connectControl } from '../../../temporal/control';
import { cycleSchedules, deploymentSchedules } from '../../../temporal/schedules';
import { openStores } from '../../../temporal/stores';
import type { Stores } from '../../../temporal/stores';
import { driveVirtually } from '../../../temporal/virtual-driver';
import type { VirtualSlot } from '../../../temporal/virtual-driver';
import { isGrpcServiceError, ServiceError, WorkflowFailedError } from '@temporalio/client';
import { NamespaceNotFoundError, TerminatedFailure, WorkflowNotFoundError } from '@temporalio/common';
import { setTimeout as delay } from 'node:timers/promises';
import { check } from '../../checker/check';
import type { CheckReport } from '../../checker/findings';
import { readInfluxCandles } from '../../checker/influx-candles';
import { truthOfFiles } from '../../checker/market-truth';
import { freePort } from '../../free-port';
import type { TestInflux } from '../../influxd';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { contentOf } from './content';
import type { Content } from './content';
import { startFaultProxy } from './fault-proxy';
import type { FaultProxy } from './fault-proxy';

const CLI = join(__dirname, '..', '..', '..', 'dist', 'temporal', 'cli.js');
const PRELOADED = ['busy-loop.cjs', 'held-commit.cjs'].map((file) => join(__dirname, file));
/** So long may pass without a slot that ends, for all that a proof freezes and kills. */
const PATIENCE_MS = 900_000;
/** So long a manifest is waited for that is to stop in its commit. */
const LONGEST_HOLD_MS = 20_000;
const SOURCE = 'simulated';

export interface WorkerProcess {
  readonly pid: number;
  /** Ends the process and waits for it; gives its exit code, or the signal's name. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>;
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void;
}

export interface Deployment {
  /** `cli`: of another build than the one under test. */
  startWorker(cli?: string): Promise<WorkerProcess>;
  /**
   * Runs every due slot in (from, to]; the market stands at the end, each run sees what had closed at its own time.
   * `before` is awaited before each slot, and before it is taken up again.
   */
  drive(
    from: EpochMs,
    to: EpochMs,
    how?: { readonly failures?: 'refused' | 'allowed'; readonly before?: (due: EpochMs) => Promise<void> },
  ): Promise<void>;
  /** Everything that must not depend on what happened to the workers. */
  content(): Promise<Content>;
  /** Of `cycle` runs: start and end on the server's clock. */
  runs(): Promise<{ readonly timeframe: string; readonly startedAt: number; readonly endedAt: number | null }[]>;
  breaches(): Promise<string[]>;
  /** The time of the slot that is driven now, or was last. */
  lastDue(): EpochMs;
  /** Makes the schedules what the configuration says and pauses them; their IDs. */
  applySchedules(): Promise<string[]>;
  /** Workflow tasks that failed because a history did not fit the code, by workflow. */
  nonDeterminism(): Promise<string[]>;
  /** Opens the stores beside the workers, as another process would. */
  withStores<T>(work: (stores: Stores) => Promise<T>): Promise<T>;
  /** What a checker that shares no code with the program says of what is left; when no worker runs. */
  checked(): Promise<CheckReport>;
  /** The next manifest stops in the middle of its commit. */
  holdCommit(): Promise<void>;
  /** Waits for one that has stopped: the process ID of its worker, and what lets it go on; null when none came. */
  heldCommit(): Promise<{ readonly pid: number; readonly release: () => Promise<void> } | null>;
  /** Late commits that were refused, counted. */
  refused(): ReturnType<LateCommits['counts']>;
  readonly temporal: TestTemporal;
  /** Between the workers and Temporal, and between the workers and the market. */
  readonly links: { readonly temporal: FaultProxy; readonly market: FaultProxy };
  readonly market: MarketServer;
  /** One command of the program, in a process of its own. */
  cli(...words: string[]): Promise<{ readonly exitCode: number | null; readonly output: string }>;
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  /** Open time of the first candle of the shortest timeframe. */
  readonly start: EpochMs;
  readonly end: EpochMs;
  /** Where the candles are kept; default: the embedded store. */
  readonly influx?: TestInflux;
}

export async function openDeployment(options: DeploymentOptions): Promise<Deployment> {
  if (!existsSync(CLI)) throw new Error('the workers run the built program: run "node scripts/build.mjs" first');
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-deployment-'));
  const temporal = await startTestTemporal();
  const market = await startMarket({ data: await candleFolder(folder, options), clock: { fixed: options.end } });
  const links = {
    temporal: await startFaultProxy(Number(temporal.server.address.split(':')[1])),
    market: await startFaultProxy(market.port),
  };
  const environment = {
    DATA_DIR: join(folder, 'data'),
    EXCHANGE: SOURCE,
    EXCHANGE_URL: `http://127.0.0.1:${links.market.port}`,
    TEMPORAL_ADDRESS: `127.0.0.1:${links.temporal.port}`,
    SYMBOLS: options.symbols.join(','),
    TIMEFRAMES: options.timeframes.join(','),
    FORECAST_THREADS: '1',
    HELD_COMMIT: folder,
    ...(options.influx === undefined ? {} : influxVariables(options.influx, basename(folder))),
  };
  const timeframes = options.timeframes.map(parseTimeframe);
  await pauseSchedules(temporal, timeframes);
  const workers = new Set<ChildProcess>();
  let lastDue = options.start;
  const config = loadConfig(environment, null);
  const withStores = async <T>(work: (stores: Stores) => Promise<T>): Promise<T> => {
    const stores = await openStores(config, SOURCE);
    try {
      return await work(stores);
    } finally {
      await stores.close();
    }
  };
  return {
    temporal,
    links,
    market,
    withStores,
    cli: (...words) => runCli(words, environment),
    startWorker: (cli = CLI) => startWorker(cli, environment, workers),
    drive: (from, to, { failures = 'refused', before } = {}) =>
      drive(temporal, timeframes, { from, to, failures }, async (due) => {
        await before?.(due);
        lastDue = due;
      }),
    lastDue: () => lastDue,
    applySchedules: () => pauseSchedules(temporal, timeframes),
    nonDeterminism: () => nonDeterminism(temporal),
    content: () => withStores((stores) => contentOf(stores, options.symbols.length * options.timeframes.length)),
    runs: () =>
      withStores(async ({ state }) => {
        const all = await Promise.all(timeframes.map((timeframe) => state.runLog.recent(timeframe, 1000)));
        return all.flat().map((run) => ({
          timeframe: run.timeframe,
          startedAt: run.startedAt,
          endedAt: run.end?.endedAt ?? null,
        }));
      }),
    breaches: () =>
      withStores(async (stores) => {
        const { breaches } = await verify(stores.folder.published, { store: stores.candles });
        return breaches.map(({ invariant, sentence }) => `${invariant} ${sentence}`);
      }),
    checked: async () => {
      const bucket = options.influx?.options(basename(folder));
      const input = { folder: join(folder, 'data', SOURCE), truth: truthOfFiles(join(folder, 'candles')) };
      return check(bucket === undefined ? input : { ...input, candles: await readInfluxCandles(bucket, SOURCE) });
    },
    holdCommit: () => writeFile(join(folder, 'hold'), ''),
    heldCommit: async () => {
      for (const end = Date.now() + LONGEST_HOLD_MS; ; await delay(10)) {
        const isOver = Date.now() > end;
        // Before the last look: what is not held by then shall not be held later, when nobody looks.
        if (isOver) await rm(join(folder, 'hold'), { force: true });
        const held = (await readdir(folder)).find((name) => name.startsWith('held-'));
        if (held !== undefined) return { pid: Number(held.slice(5)), release: () => rm(join(folder, held)) };
        if (isOver) return null;
      }
    },
    refused: () => withStores(({ state }) => state.lateCommits.counts()),
    stop: async () => {
      for (const worker of workers) worker.kill('SIGKILL');
      for (const link of Object.values(links)) await link.close();
      await market.close();
      await temporal.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function influxVariables({ url, token, org }: TestInflux, bucket: string): Readonly<Record<string, string>> {
  return { STORE: 'influx', INFLUXDB_URL: url, INFLUXDB_TOKEN: token, INFLUXDB_ORG: org, INFLUXDB_BUCKET: bucket };
}

/** Only the slots that a test drives run: schedules exist, paused, before the first worker looks. */
async function pauseSchedules(temporal: TestTemporal, timeframes: readonly TimeframeId[]): Promise<string[]> {
  const control = await connectControl({
    address: temporal.server.address,
    namespace: 'default',
    schedules: deploymentSchedules({ timeframes, scheduleOffsetMs: 5_000, rules: defaultRules }),
  });
  const ids = (await control.applySchedules()).map(({ id }) => id);
  for (const id of ids) await control.pause(id, 'driven by the test');
  await control.close();
  return ids;
}

/** No market knows more digits of a price. */
function rounded(price: number): number {
  return Number(price.toFixed(4));
}

/** Files of candles that wander up and down, the same for every run. */
async function candleFolder(folder: string, { symbols, timeframes, start, end }: DeploymentOptions): Promise<string> {
  const data = join(folder, 'candles');
  await mkdir(data);
  for (const symbol of symbols) {
    for (const name of timeframes) {
      const timeframe = parseTimeframe(name);
      const rows = ['timestamp_ms,open,high,low,close,volume'];
      let price = 100 * (1 + symbols.indexOf(symbol));
      for (let at = shiftSlots(timeframe, start, 0), k = 0; at < end; at = shiftSlots(timeframe, at, 1), k++) {
        const close = rounded(price * (1 + 0.01 * Math.sin(k * 1.7) + 0.004 * Math.cos(k * 0.31)));
        rows.push(
          [
            at,
            price,
            rounded(Math.max(price, close) + 0.5),
            rounded(Math.min(price, close) - 0.5),
            close,
            10 + (k % 7),
          ].join(','),
        );
        price = close;
      }
      await writeFile(join(data, `${symbol.replace('/', '_')}-${name}.csv.gz`), gzipSync(`${rows.join('\n')}\n`));
    }
  }
  return data;
}

/** A worker finds its own code, so another build's needs nothing but its own entry. */
async function startWorker(
  cli: string,
  environment: Readonly<Record<string, string>>,
  workers: Set<ChildProcess>,
): Promise<WorkerProcess> {
  const preloaded = PRELOADED.flatMap((file) => ['--require', file]);
  const child = spawn(process.execPath, [...preloaded, cli, 'worker', '-o', 'json'], {
    // The SDK binds its port some time after it was chosen: workers that start at once must not choose the same.
    env: { PATH: process.env.PATH, TEMPORAL_METRICS_PORT: String(await freePort()), ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-4_000);
  });
  workers.add(child);
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      workers.delete(child);
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the worker could not be started');
  await Promise.race([
    new Promise((resolve) => child.once('message', resolve)),
    ended.then((code) => {
      throw new Error(`the worker ended (${code}) before it was up: ${errors}`);
    }),
  ]);
  return {
    pid,
    signal: (signal) => void child.kill(signal),
    end: async (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

function runCli(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): ReturnType<Deployment['cli']> {
  const child = spawn(process.execPath, [CLI, ...words], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      output += text.toString();
    });
  return new Promise((resolve) => child.once('close', (exitCode) => resolve({ exitCode, output })));
}

async function drive(
  temporal: TestTemporal,
  timeframes: readonly TimeframeId[],
  { from, to, failures }: { readonly from: EpochMs; readonly to: EpochMs; readonly failures: 'refused' | 'allowed' },
  onDue: (due: EpochMs) => Promise<void>,
): Promise<void> {
  const schedules = cycleSchedules(timeframes, 5_000);
  const done = new Set<string>();
  const key = ({ due, schedule }: VirtualSlot): string => `${schedule.every} ${due}`;
  const isDone = (slot: VirtualSlot): boolean => done.has(key(slot));
  // A server that is killed takes the call with it, and an operator may end the run, or its database be lost: the slot is taken up again.
  const drive = { client: temporal.client, schedules, from, to, isDone, onDue };
  for (let deadline = Date.now() + PATIENCE_MS; ;) {
    try {
      for await (const run of driveVirtually(drive)) {
        if (run.result.outcome === 'failed' && failures === 'refused') throw new Error(JSON.stringify(run.result));
        done.add(key(run));
        deadline = Date.now() + PATIENCE_MS;
      }
      return;
    } catch (error) {
      const ended =
        error instanceof WorkflowNotFoundError ||
        (error instanceof WorkflowFailedError && error.cause instanceof TerminatedFailure);
      // A server that wakes up may not know its namespace for a moment.
      const away =
        error instanceof ServiceError || error instanceof NamespaceNotFoundError || isGrpcServiceError(error);
      if (!(ended || away) || Date.now() > deadline) throw error;
      await delay(300);
    }
  }
}

async function nonDeterminism({ client }: TestTemporal): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const { workflowTaskFailedEventAttributes: failed } of events ?? []) {
      const message = failed?.failure?.message ?? '';
      if (/nondeterminis/i.test(message)) found.push(`${workflowId}: ${message}`);
    }
  }
  return found;
}
