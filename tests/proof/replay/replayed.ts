/** The replay as a user starts it, a process of its own, and what it left behind. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplayReport } from '../../../src/cli/wiring';
import { loadConfig } from '../../../src/config/config';
import type { EpochMs } from '../../../src/domain/types';
import { manifestSchema } from '../../../src/publish/documents';
import type { Manifest } from '../../../src/publish/documents';
import { openStores } from '../../../temporal/stores';
import type { Stores } from '../../../temporal/stores';
import type { InfluxBucket } from '../../checker/influx-candles';
import type { TestInflux } from '../../influxd';

const COMMAND = resolve(__dirname, '..', '..', '..', 'bin', 'coin-predict.js');

export interface ReplayScript {
  readonly data: string;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly from: string;
  readonly to: string;
  /** More options of the command, like `--models`. */
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Thirty days of five symbols on four timeframes; `PROOF_DAYS` makes it fewer, and what is printed says how many they were. */
export const FULL_DAYS = Number(process.env.PROOF_DAYS ?? 30);
export const dayAfter = (days: number): string => new Date(Date.UTC(2024, 11, 1 + days)).toISOString().slice(0, 10);
export const FULL_SCRIPT: Omit<ReplayScript, 'data'> = {
  symbols: ['BTC/USDT', 'ETH/USDT', 'XRP/USDT', 'SOL/USDT', 'DOGE/USDT'],
  timeframes: ['1h', '1d', '1w', '1M'],
  from: dayAfter(0),
  to: dayAfter(FULL_DAYS),
};

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder to replay into, and everything that a test does with it. */
export class Replayed {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'coin-predict-replay-'));
  readonly root = join(this.dataDir, 'replay');
  readonly #children = new Set<ChildProcess>();

  /** `store`: variables that name another store than the embedded one. */
  constructor(
    readonly script: ReplayScript,
    readonly store: Readonly<Record<string, string>> = {},
  ) {}

  arguments(instead: Readonly<Record<string, string>> = {}): string[] {
    const { data, symbols, timeframes, from, to, options = [] } = this.script;
    const given = { data, from, to, symbols: symbols.join(','), timeframes: timeframes.join(','), ...instead };
    return [
      'replay',
      ...Object.entries(given).flatMap(([name, text]) => [`--${name}`, text]),
      ...options,
      '-o',
      'json',
    ];
  }

  /** Starts a command on this folder; `kill` ends it without warning. */
  start(args: readonly string[]): { readonly ended: Promise<Finished>; readonly process: ChildProcess } {
    const { environment = {} } = this.script;
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: { PATH: process.env.PATH, ...this.#variables(), EXCHANGE: 'replay', LOG_LEVEL: 'error', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const ended = new Promise<Finished>((done) => {
      child.once('close', (code, signal) => {
        this.#children.delete(child);
        done({ code: code ?? signal ?? 'unknown', stdout, stderr });
      });
    });
    return { ended, process: child };
  }

  async run(args = this.arguments()): Promise<Finished> {
    return this.start(args).ended;
  }

  /** Runs to the end and gives the report; whatever it said on stderr is in the error when it failed. */
  async report(args = this.arguments()): Promise<ReplayReport> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`the replay ended with ${code}: ${stderr.slice(-2000)}${stdout.slice(-2000)}`);
    return JSON.parse(stdout) as ReplayReport;
  }

  /** Cycles run so far, by the journal. */
  cyclesRun(): number {
    try {
      return readFileSync(join(this.root, 'replay.jsonl'), 'utf8').split('\n').length - 1;
    } catch {
      return 0;
    }
  }

  manifest(): Manifest {
    return manifestSchema.parse(JSON.parse(readFileSync(join(this.root, 'public', 'manifest.json'), 'utf8')));
  }

  async withStores<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
    const stores = await openStores(loadConfig(this.#variables(), null), 'replay');
    try {
      return await work(stores);
    } finally {
      await stores.close();
    }
  }

  /** Store, documents and forecasts: everything that must not depend on interruptions. */
  async content(): Promise<{ readonly store: string; readonly forecasts: string; readonly documents: unknown }> {
    return this.withStores(async ({ candles, state }) => {
      const store = createHash('sha256');
      const forecasts = createHash('sha256');
      const pairs = (await candles.pairs()).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      for (const pair of pairs) {
        store.update(JSON.stringify([pair, await candles.read(pair, { limit: 1_000_000 })]));
        store.update(JSON.stringify(await state.gapLedger.list(pair)));
        for (const role of ['champion', 'naive'] as const) {
          const all = await state.forecastLedger.list(pair, role, 0, Number.MAX_SAFE_INTEGER);
          const scores = await state.forecastLedger.scores(pair, role, 0, Number.MAX_SAFE_INTEGER);
          forecasts.update(JSON.stringify([all, scores]));
        }
      }
      return { store: store.digest('hex'), forecasts: forecasts.digest('hex'), documents: this.manifest().entries };
    });
  }

  /** The manifest and, by its name, every document that it names, as bytes. */
  published(): Readonly<Record<string, string>> {
    const folder = join(this.root, 'public');
    const { entries } = this.manifest();
    const hashes = entries.flatMap(({ files }) => Object.values(files).flatMap((file) => file?.sha256 ?? []));
    const paths = ['manifest.json', ...hashes.map((hash) => join('objects', `${hash}.json`))];
    return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  }

  /** Where a replay on InfluxDB keeps its candles. */
  influxBucket({ url, token, org }: TestInflux): InfluxBucket {
    return { url, token, org, bucket: read(join(this.root, 'influx-bucket')) };
  }

  #variables(): Readonly<Record<string, string>> {
    return { DATA_DIR: this.dataDir, ...this.store };
  }

  /** Ends whatever still runs, the Temporal server of a killed replay too, and removes the folder. */
  async remove(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const pid = Number.parseInt(read(join(this.root, 'temporal.db.pid')), 10);
    if (read(`/proc/${pid}/cmdline`).includes(this.dataDir)) process.kill(pid, 'SIGKILL');
    await delay(100);
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Rows of `gaps.csv` about one file, up to a moment: `2023-03-24T13:00:00.000Z 1`. */
export function listedGaps(data: string, symbol: string, timeframe: string, by: EpochMs): string[] {
  const [, ...rows] = readFileSync(join(data, '..', 'gaps.csv'), 'utf8')
    .trim()
    .split('\n');
  return rows.flatMap((row) => {
    const [file, first, , slots] = row.split(',');
    const mine = file === `${symbol.replace('/', '_')}-${timeframe}.csv.gz` && Number(first) < by;
    return mine ? [`${new Date(Number(first)).toISOString()} ${slots}`] : [];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
