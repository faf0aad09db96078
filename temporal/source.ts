/** Which source of candles this deployment uses, and where its state lives. Sources never mix: one folder each. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCcxtObject } from '../src/adapters/ccxt/ccxt-object';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';

/** The exchange that `auto` tries. */
export const AUTO_EXCHANGE = 'binance';
export const SIMULATED = 'simulated';
/** Past candles out of files, at their true times: see replay.ts. */
export const REPLAY = 'replay';

/** The candles come from a market on this machine. */
export function isOurMarket(source: string): boolean {
  return source === SIMULATED || source === REPLAY;
}

/** The exchange whose REST a source speaks: our market speaks Binance's. */
export function exchangeOf(source: string): string {
  return isOurMarket(source) ? 'binance' : source;
}

export interface Source {
  /** A ccxt id, or `simulated`: the name in every document and the name of the folder. */
  readonly name: string;
  /** How it was chosen, as a sentence for the operator; null when the operator named it. */
  readonly notice: string | null;
}

/** Everything of one source under DATA_DIR. */
export interface SourceFolder {
  readonly root: string;
  readonly candles: string;
  /** Which of several writers is right, beside a candle store without compare-and-set. */
  readonly writeOrder: string;
  readonly state: string;
  readonly published: string;
  readonly ops: string;
  readonly models: string;
  readonly snapshots: string;
  readonly temporal: string;
  readonly logs: string;
}

export function sourceFolder(dataDir: string, source: string): SourceFolder {
  const root = join(dataDir, source);
  return {
    root,
    candles: join(root, 'candles.db'),
    writeOrder: join(root, 'write-order.db'),
    state: join(root, 'state.db'),
    published: join(root, 'public'),
    ops: join(root, 'ops'),
    models: join(root, 'models'),
    snapshots: join(root, 'snapshots'),
    temporal: join(root, 'temporal.db'),
    logs: join(root, 'logs'),
  };
}

/**
 * `auto`: the real exchange when a store of it exists, which is not asked (it may have banned us) and waited for rather
 * than left; or when it answers; otherwise the simulated market, said loudly. @throws ConfigError for an exchange that ccxt
 * does not know.
 */
export async function chooseSource(config: Config, answers: (exchange: string) => Promise<boolean>): Promise<Source> {
  if (config.exchange === REPLAY) {
    throw new PipelineError(
      'invalid_input',
      'EXCHANGE=replay can be looked at but not run: "coin-predict replay" makes it, "serve", "status" and "data" read it',
    );
  }
  if (config.exchange !== 'auto') {
    if (!isOurMarket(config.exchange)) await createCcxtObject({ id: config.exchange });
    return { name: config.exchange, notice: null };
  }
  if (existsSync(sourceFolder(config.dataDir, AUTO_EXCHANGE).state)) {
    return {
      name: AUTO_EXCHANGE,
      notice: `the store of ${AUTO_EXCHANGE} is here, so this run goes on with it; while ${AUTO_EXCHANGE} does not answer, the published data ages honestly.`,
    };
  }
  if (await answers(AUTO_EXCHANGE)) return { name: AUTO_EXCHANGE, notice: null };
  return {
    name: SIMULATED,
    notice: `${AUTO_EXCHANGE} does not answer, so this run uses the built-in SIMULATED market: no price is real. Set EXCHANGE to a ccxt exchange id to use another one.`,
  };
}

/** What a running deployment tells other processes on this machine, in `DATA_DIR/running.json`. */
export interface Running {
  readonly pid: number;
  readonly source: string;
  readonly exchangeUrl: string | null;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  readonly webUrl: string;
  readonly opsUrl: string;
}

function runningFile(dataDir: string): string {
  return join(dataDir, 'running.json');
}

export async function writeRunning(dataDir: string, running: Running): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const file = runningFile(dataDir);
  await writeFile(`${file}.new`, JSON.stringify(running, null, 2));
  await rename(`${file}.new`, file);
}

/** The deployment recorded for this folder; `alive` tells whether its process still runs. */
export async function readRunning(dataDir: string): Promise<{ running: Running; alive: boolean } | null> {
  const text = await readFile(runningFile(dataDir), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const running = JSON.parse(text) as Running;
    return { running, alive: isAlive(running.pid) };
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
