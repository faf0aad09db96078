/** Composition root of the command line: opens what a verb asks for, once, and closes it at the end. */
import { join } from 'node:path';
import { runCli } from '../src/cli/cli';
import type { CliStores, CliWiring, Running } from '../src/cli/wiring';
import type { Config, loadConfig as LoadConfig } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { Control } from '../src/ports/control';
import type { TemporalControl } from './control';
import { createLog } from './log';
import { programVersion } from './program-version';
import { replayedPairs } from './replay-begun';
import { replayJournalFile, standsAt } from './replay-journal';
import { exchangeOf, isOurMarket, readRunning, REPLAY, SIMULATED, sourceFolder } from './source';
import type { Running as RunningDeployment } from './source';
import type { Stores } from './stores';

/** Things opened so far, each to be closed. */
type Openings = (() => Promise<void>)[];

const ROOT = join(__dirname, '..', '..');

/** SIGHUP: the terminal was closed. No part of ours that runs hears of it by itself. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs one command. Resolves to its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  const onSignal = () => stopping.abort();
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  process.once('disconnect', onSignal);
  process.stdout.on('error', endWithReader);
  process.stderr.on('error', withoutTerminal);
  const wiring = createWiring(stopping.signal);
  try {
    return await runCli([...argv], wiring);
  } finally {
    await wiring.close();
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}

/** A reader that has seen enough, as `| head` has, ends a command without a complaint. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  withoutTerminal(error);
}

/** Nobody can read any more what was written to a terminal that is closed: SIGHUP stops us in good order. */
function withoutTerminal(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EIO') throw error;
}

function createWiring(stopping: AbortSignal): CliWiring {
  const openings: Openings = [];
  const config = once(() => narrowedToReplay(readConfig()));
  const deployment = once(async () => (await readRunning(config().dataDir))?.running ?? null);
  const source = once(async () => resolveSource(config(), await deployment()));
  const stores = once(async () => {
    const { openStores } = await import('./stores.js');
    const opened = await openStores(config(), await source());
    openings.push(() => opened.close());
    return opened;
  });
  const exchangeUrl = async () =>
    config().exchangeUrl ?? ((await source()) === SIMULATED ? ((await deployment())?.exchangeUrl ?? null) : null);
  const exchange = once(async () => {
    const { openExchange } = await import('./stores.js');
    const opened = await openExchange(config(), await stores(), requiredUrl(await source(), await exchangeUrl()));
    openings.push(() => opened.close());
    return opened;
  });
  const address = async () => temporalAddress(config(), await deployment());
  const log = (name: string) => createLog(config().logLevel, name);
  const control = once(async (): Promise<Control> => {
    if ((await source()) !== REPLAY) return openControl(config(), await address(), openings);
    const { replayControl } = await import('./replay-control.js');
    const tell = (line: string) => void process.stderr.write(`${line}\n`);
    return replayControl({ config: config(), log: log('replay'), tell, signal: stopping }, openings);
  });
  return {
    output: { stdout: (text) => void process.stdout.write(text), stderr: (text) => void process.stderr.write(text) },
    ask: process.stdin.isTTY && process.stderr.isTTY ? (question) => askAtTerminal(question, stopping) : null,
    clock: clockOf(config),
    version: programVersion(),
    stopping,
    config,
    stores: async () => cliStores(await stores()),
    candles: async (kind) => {
      const { openCandles } = await import('./stores.js');
      const opened = await openCandles(config(), await source(), kind);
      openings.push(() => opened.close());
      return opened;
    },
    exchange: async (): Promise<Exchange> => exchange(),
    control,
    exporter: async () => {
      const { createExporter } = await import('./exporter.js');
      return createExporter(config(), stores, source);
    },
    notifiers: async () => {
      const { outsideOf } = await import('./outside.js');
      return outsideOf(config()).notifiers;
    },
    heartbeat: async () => {
      const { outsideOf } = await import('./outside.js');
      return outsideOf(config()).heartbeat;
    },
    backtest: async () => {
      const { backtest } = await import('./backtest.js');
      return backtest(config());
    },
    startUp: async (progress): Promise<Running> => {
      const { startUp } = await import('./up.js');
      const draw = process.stderr.isTTY ? (text: string) => void process.stderr.write(text) : null;
      return announced(await startUp({ config: config(), tell: progress, signal: stopping, draw }));
    },
    startWorker: async () => {
      const { runWorkerProcess } = await import('./worker-process.js');
      const name = await source();
      return announced(
        await runWorkerProcess({
          config: config(),
          source: name,
          exchangeUrl: requiredUrl(name, await exchangeUrl()),
          temporalAddress: await address(),
          log: log('worker'),
          signal: stopping,
        }),
      );
    },
    startWeb: async (asOf) => {
      const { runWebProcess } = await import('./web-process.js');
      return announced(await runWebProcess(config(), await source(), log('web'), asOf));
    },
    startReplayWeb: async (asOf) => {
      const { runWebProcess } = await import('./web-process.js');
      return announced(await runWebProcess(config(), REPLAY, log('web'), asOf));
    },
    replay: async ({ dataDir, symbols, timeframes, progress, ...rest }) => {
      const { replay } = await import('./replay.js');
      const narrowed = {
        ...(symbols === null ? {} : { SYMBOLS: symbols }),
        ...(timeframes === null ? {} : { TIMEFRAMES: timeframes }),
      };
      const options = { config: readConfig(narrowed), data: dataDir, log: log('replay'), tell: progress };
      return replay({ ...rest, ...options, signal: stopping });
    },
    startMarket: async (request) => {
      const { startMarket, describeMarket } = await import('../src/market/market-server.js');
      const { readScenario } = await import('../src/market/faults/fault-rules.js');
      const { dataDir, scenario, ...rest } = request;
      const server = await startMarket({
        ...rest,
        ...(dataDir === null ? {} : { data: dataDir }),
        ...(scenario === null ? {} : { scenario: readScenario(scenario) }),
        symbols: dataDir === null ? config().symbols : undefined,
      });
      return announced({
        facts: { market: server.url, serves: describeMarket(server) },
        ended: new Promise<void>(() => {}),
        stop: () => server.close(),
      });
    },
    temporalBinary: async () => {
      const { findTemporalBinary } = await import('./temporal-binary.js');
      return findTemporalBinary({
        configured: config().temporalBin ?? undefined,
        cacheDir: join(ROOT, '.cache'),
        tell: (line) => void process.stderr.write(`${line}\n`),
      });
    },
    close: async () => {
      for (const close of openings.splice(0).toReversed()) await close();
    },
  };
}

/** Tells a parent process, if there is one, that the part is up. */
function announced(running: Running): Running {
  process.send?.(running.facts);
  return running;
}

async function openControl(config: Config, address: string, openings: Openings): Promise<TemporalControl> {
  const { connectControl } = await import('./control.js');
  const { deploymentSchedules } = await import('./schedules.js');
  const opened = await connectControl({
    address,
    security: config.temporalSecurity,
    namespace: config.temporalNamespace,
    schedules: deploymentSchedules(config),
  });
  openings.push(() => opened.close());
  return opened;
}

/** `auto` is decided by `up`; every other process follows the deployment of this folder. */
function resolveSource(config: Config, deployment: RunningDeployment | null): string {
  if (config.exchange !== 'auto') return config.exchange;
  if (deployment !== null) return deployment.source;
  throw new PipelineError(
    'invalid_input',
    `nothing has been started in ${config.dataDir} yet, so EXCHANGE=auto is undecided: run "npm start" first, or set EXCHANGE`,
  );
}

function requiredUrl(source: string, url: string | null): string | null {
  if (!isOurMarket(source) || url !== null) return url;
  throw new PipelineError(
    'invalid_input',
    `EXCHANGE=${source} needs a running market: start one with "coin-predict market" and set EXCHANGE_URL to its address`,
  );
}

function temporalAddress(config: Config, deployment: RunningDeployment | null): string {
  return config.temporalAddress ?? deployment?.temporalAddress ?? `127.0.0.1:${config.temporalPort}`;
}

function cliStores(stores: Stores): CliStores {
  const { state } = stores;
  return {
    source: stores.source,
    candles: stores.candles,
    gapLedger: state.gapLedger,
    pairState: state.pairState,
    dataQuality: state.dataQuality,
    storage: stores.storage,
    symbolChoice: state.symbolChoice,
    forecastLedger: state.forecastLedger,
    models: state.models,
    publication: state.publication,
    monitor: state.monitor,
    outbox: state.outbox,
    events: state.events,
    budget: budgetOf(stores),
  };
}

/** The budget under the source's own name: the simulated market is rationed as the exchange whose REST it speaks. */
function budgetOf({ budget, source }: Stores): CliStores['budget'] {
  const key = (name: string) => (name === source ? exchangeOf(source) : name);
  return {
    take: (exchange, ...rest) => budget.take(key(exchange), ...rest),
    ban: (exchange, until, code) => budget.ban(key(exchange), until, code),
    bannedUntil: (exchange) => budget.bannedUntil(key(exchange)),
  };
}

async function askAtTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}

/** In a replay it is the time at which it stands. */
function clockOf(config: () => Config): Clock {
  const standing = once(() => {
    const { exchange, dataDir } = config();
    return exchange === REPLAY ? standsAt(replayJournalFile(sourceFolder(dataDir, REPLAY))) : null;
  });
  return { now: () => standing() ?? systemClock.now(), monotonic: () => systemClock.monotonic() };
}

/** Loaded when a verb asks for it, so that `--help` does not load zod. */
function readConfig(instead: Readonly<Record<string, string>> = {}): Config {
  const { loadConfig } = require('../src/config/config') as { loadConfig: typeof LoadConfig };
  return loadConfig({ ...process.env, ...instead });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** What is looked at in a replay are the pairs that were replayed, whichever are configured. */
function narrowedToReplay(config: Config): Config {
  if (config.exchange !== REPLAY) return config;
  const begun = replayedPairs(sourceFolder(config.dataDir, REPLAY));
  return begun === null ? config : readConfig(begun);
}

/** Runs the command of this process and leaves its exit code. */
export async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2));
  if (process.connected) process.disconnect();
}

if (require.main === module) void run();
