/** Everything on one machine: Temporal's server, the market if it is simulated, the web servers, a worker. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCcxtExchange } from '../src/adapters/ccxt/ccxt-exchange';
import type { Running } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import { pairKey } from '../src/domain/types';
import { systemClock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import { readPublished } from '../src/publish/published-reader';
import { connectControl } from './control';
import type { TemporalControl } from './control';
import { deploymentSchedules } from './schedules';
import { startDevelopmentServer, startOnChosenPorts } from './development-server';
import { refuseForgetful } from './durable-server';
import { holdDataDir } from './folder-lock';
import { choosePort } from './free-port';
import { supervise } from './processes';
import type { SupervisedProcess } from './processes';
import { liveLines, progressLine, progressSummary } from './progress';
import type { PairProgress } from './progress';
import { chooseSource, isOurMarket, SIMULATED, sourceFolder, writeRunning } from './source';
import type { SourceFolder } from './source';
import { findTemporalBinary } from './temporal-binary';

export interface UpOptions {
  readonly config: Config;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
  /** A terminal to draw in, or null: then one line every five seconds. */
  readonly draw: ((text: string) => void) | null;
}

/** Where the repository's fetched tools are kept. */
const CACHE = join(__dirname, '..', '..', '.cache');
const PROCESS_GRACE_MS = 65_000;
/** The addresses are told after this even when data is still coming in. */
const LONGEST_WATCH_MS = 15 * 60_000;

/** What was started, newest last; stopped in reverse. */
type Stack = { readonly name: string; readonly stop: () => Promise<void> }[];

/**
 * Starts everything and returns when the first data is published.
 * @throws PipelineError with one sentence; whatever was started is stopped again.
 */
export async function startUp(options: UpOptions): Promise<Running> {
  const release = await holdDataDir(options.config.dataDir);
  const started: Stack = [{ name: 'folder', stop: release }];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).toReversed()) await part.stop();
  };
  try {
    return await startParts(options, started, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(options: UpOptions, started: Stack, stop: () => Promise<void>): Promise<Running> {
  const { config, tell } = options;
  const source = await chooseSource(config, (exchange) => answers(config, exchange));
  if (source.notice !== null) tell(source.notice);
  await tellNotOffered(options, source.name);
  const folder = sourceFolder(config.dataDir, source.name);
  const temporal = await startTemporal(options, folder, started);
  const exchangeUrl =
    config.exchangeUrl ?? (source.name === SIMULATED ? await startMarket(options, folder, started) : null);
  const environment = {
    EXCHANGE: source.name,
    DATA_DIR: config.dataDir,
    TEMPORAL_ADDRESS: temporal.address,
    ...(exchangeUrl === null ? {} : { EXCHANGE_URL: exchangeUrl }),
  };
  const web = await startChild(options, folder, started, 'serve', environment);
  await startChild(options, folder, started, 'worker', environment);
  const facts = {
    page: String(web.page),
    temporal_web_ui: temporal.uiUrl,
    manifest: String(web.manifest),
    operations: String(web.operations),
    source: source.name,
  };
  await writeRunning(config.dataDir, {
    pid: process.pid,
    source: source.name,
    exchangeUrl,
    temporalAddress: temporal.address,
    temporalUiUrl: temporal.uiUrl,
    webUrl: facts.page,
    opsUrl: new URL(facts.operations).origin,
  });
  const control = await connectControl({
    address: temporal.address,
    security: config.temporalSecurity,
    namespace: config.temporalNamespace,
    schedules: deploymentSchedules(config),
  });
  tell(`page ${facts.page}  Temporal ${temporal.uiUrl ?? temporal.address}  (Ctrl-C stops everything)`);
  try {
    await watchFirstData(options, folder, control);
  } finally {
    await control.close();
  }
  return { facts, ended: new Promise(() => {}), stop };
}

/** The exchange with short patience and without a budget, for what is asked of it before anything runs. */
function openBriefly(config: Config, id: string): Promise<Exchange> {
  const unlimited = { take: async () => {}, ban: async () => {}, bannedUntil: async () => null };
  return createCcxtExchange({
    id,
    budget: unlimited,
    clock: systemClock,
    settleMs: config.settleMs,
    timeouts: { headersMs: 4_000, totalMs: 5_000 },
    ...(config.exchangeUrl === null ? {} : { baseUrl: config.exchangeUrl }),
  });
}

/** Whether the exchange's public data can be reached within a few seconds. */
async function answers(config: Config, id: string): Promise<boolean> {
  const exchange = await openBriefly(config, id);
  try {
    await exchange.serverTime();
    return true;
  } catch {
    return false;
  } finally {
    await exchange.close();
  }
}

/** Says which timeframes the exchange does not offer: their pairs stay without data, and no cycle of theirs is well. */
async function tellNotOffered({ config, tell }: UpOptions, source: string): Promise<void> {
  if (isOurMarket(source)) return;
  const exchange = await openBriefly(config, source);
  for (const timeframe of config.timeframes) {
    const { offered, reason } = exchange.supports(timeframe);
    if (!offered) tell(`no ${timeframe} candles: ${reason}; remove ${timeframe} from TIMEFRAMES`);
  }
  await exchange.close();
}

interface TemporalAddress {
  readonly address: string;
  readonly uiUrl: string | null;
}

/** Our own development server, started again when it ends by itself; or the one that the configuration names. */
async function startTemporal(
  { config, tell }: UpOptions,
  folder: SourceFolder,
  started: Stack,
): Promise<TemporalAddress> {
  if (config.temporalAddress !== null) {
    await refuseForgetful(config.temporalAddress);
    return { address: config.temporalAddress, uiUrl: null };
  }
  const wanted = {
    binary: await findTemporalBinary({ configured: config.temporalBin ?? undefined, cacheDir: CACHE, tell }),
    databaseFile: folder.temporal,
    logFile: join(folder.logs, 'temporal.log'),
    namespace: config.temporalNamespace,
  };
  const first = await startOnChosenPorts(wanted, async () => ({
    port: await choosePort(config.temporalPort, config.explicit.has('TEMPORAL_PORT'), 'TEMPORAL_PORT'),
    uiPort: await choosePort(config.temporalUiPort, config.explicit.has('TEMPORAL_UI_PORT'), 'TEMPORAL_UI_PORT'),
  }));
  const { options } = first;
  let { server } = first;
  const stopping = new AbortController();
  const kept = (async () => {
    for (;;) {
      await server.ended;
      if (stopping.signal.aborted) return;
      tell(`the Temporal server ended and is started again; its log is ${options.logFile}`);
      await delay(1_000, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      server = await startDevelopmentServer(options).catch((error: unknown) => {
        tell(error instanceof Error ? error.message : String(error));
        return server;
      });
      // Whoever asked to stop meanwhile could stop only the one before.
      if (stopping.signal.aborted) await server.stop();
    }
  })();
  started.push({
    name: 'temporal',
    stop: async () => {
      stopping.abort();
      await server.stop();
      await kept;
    },
  });
  return { address: server.address, uiUrl: server.uiUrl };
}

async function startMarket(options: UpOptions, folder: SourceFolder, started: Stack): Promise<string> {
  const port = await choosePort(MARKET_PORT, false, 'market');
  await startChild(options, folder, started, 'market', {}, [
    '--port',
    String(port),
    '--seed',
    String(options.config.marketSeed),
  ]);
  return `http://127.0.0.1:${port}`;
}

/** Where the simulated market is looked for first; nobody needs to know it. */
const MARKET_PORT = 8090;

/** A part of the program in a process of its own; resolves with the facts it told when it was up. */
async function startChild(
  { tell, signal }: UpOptions,
  folder: SourceFolder,
  started: Stack,
  verb: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const child: SupervisedProcess = supervise({
    name: verb,
    module: join(__dirname, 'cli.js'),
    args: [verb, '-o', 'json', ...args],
    environment,
    logFile: join(folder.logs, `${verb}.log`),
    onRestart: tell,
  });
  started.push({ name: verb, stop: () => child.stop(PROCESS_GRACE_MS) });
  const facts = await Promise.race([child.ready, delay(120_000, null, { signal, ref: false })]);
  if (facts === null)
    throw new PipelineError('internal', `the ${verb} did not start within two minutes; see ${folder.logs}`);
  return facts as Record<string, unknown>;
}

/** Shows how the first data comes in until every pair has its place in the manifest. */
async function watchFirstData(
  { config, tell, signal, draw }: UpOptions,
  folder: SourceFolder,
  control: TemporalControl,
): Promise<void> {
  const reader = readPublished(folder.published);
  const draws = draw === null ? null : liveLines(draw);
  const began = performance.now();
  let lastLine = Number.NEGATIVE_INFINITY;
  while (!signal.aborted && performance.now() - began < LONGEST_WATCH_MS) {
    const pairs = await progressOf(config, reader, control);
    const done = pairs.every(({ status }) => status !== null);
    if (draws !== null) draws(pairs.map(progressLine));
    else if (done || performance.now() - lastLine >= 5_000) {
      tell(progressSummary(pairs));
      lastLine = performance.now();
    }
    if (done) return;
    await delay(draw === null ? 1_000 : 500, undefined, { signal }).catch(() => {});
  }
}

async function progressOf(
  config: Config,
  reader: ReturnType<typeof readPublished>,
  control: TemporalControl,
): Promise<PairProgress[]> {
  const current = await reader.manifest();
  const statuses = new Map(current?.manifest.entries.map((entry) => [entry.key, entry.status]));
  const fills = await control.fills();
  return config.timeframes.flatMap((timeframe) =>
    config.symbols.map((symbol) => {
      const pair = { symbol, timeframe };
      const fill = fills.find((view) => view.symbol === symbol && view.timeframe === timeframe) ?? null;
      return { pair, fill, status: statuses.get(pairKey(pair)) ?? null };
    }),
  );
}
