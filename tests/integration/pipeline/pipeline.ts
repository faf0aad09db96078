/** The real pipeline in one process: real Temporal, real stores on disk, real files; the exchange and the model are told what to do. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import type { ActivityPorts } from '../../../activities/ports';
import { createMemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import type { MemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import { loadConfig } from '../../../src/config/config';
import type { PipelineError } from '../../../src/domain/errors';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, EpochMs, Pair } from '../../../src/domain/types';
import { systemClock } from '../../../src/ports/clock';
import type { Forecaster } from '../../../src/ports/forecaster';
import { historySchema, manifestSchema, predictionSchema } from '../../../src/publish/documents';
import type { HistoryDocument, Manifest, ManifestEntry, PredictionDocument } from '../../../src/publish/documents';
import { verify } from '../../../src/publish/verify';
import { activityPorts } from '../../../temporal/activity-ports';
import type { Outside } from '../../../temporal/activity-ports';
import { cycleSchedules } from '../../../temporal/schedules';
import type { Schedule } from '../../../temporal/schedules';
import { openStores } from '../../../temporal/stores';
import type { Stores } from '../../../temporal/stores';
import { driveVirtually } from '../../../temporal/virtual-driver';
import type { VirtualRun } from '../../../temporal/virtual-driver';
import type { TestTemporal } from '../../temporal';

export const SOURCE = 'memory';
const SETTLE_MS = 2_000;

/** A forecaster whose answers a test chooses. */
export interface ToldForecaster extends Forecaster {
  /** Every forecast fails so until this is null again. */
  failure: PipelineError | null;
}

export interface Pipeline {
  readonly exchange: MemoryExchange;
  readonly forecaster: ToldForecaster;
  readonly ports: ActivityPorts;
  readonly stores: Stores;
  /** Runs every slot due in (from, to], and each timeframe at `from` where it `startsBehind`; gives what each cycle said. */
  drive(timeframes: readonly string[], from: EpochMs, to: EpochMs, startsBehind?: boolean): Promise<VirtualRun[]>;
  /** The same for schedules of every kind. */
  driveAll(schedules: readonly Schedule[], from: EpochMs, to: EpochMs): Promise<VirtualRun<Schedule>[]>;
  manifest(): Promise<Manifest>;
  entry(key: string): Promise<ManifestEntry | undefined>;
  history(key: string): Promise<HistoryDocument>;
  prediction(key: string): Promise<PredictionDocument>;
  breaches(): Promise<string[]>;
  stop(): Promise<void>;
}

/** What a test puts in place of the usual. */
export interface PipelineParts {
  readonly shadowForecaster?: Forecaster;
  readonly outside?: Outside;
}

export async function openPipeline(
  temporal: TestTemporal,
  environment: Readonly<Record<string, string>>,
  { shadowForecaster = toldForecaster(), outside }: PipelineParts = {},
): Promise<Pipeline> {
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-pipeline-'));
  const config = loadConfig({ DATA_DIR: folder, ...environment }, null);
  const stores = await openStores(config, SOURCE);
  const exchange = createMemoryExchange({ clock: systemClock, settleMs: SETTLE_MS, source: SOURCE });
  const forecaster = toldForecaster();
  const ports = activityPorts({
    config,
    stores,
    exchange,
    forecaster,
    shadowForecaster,
    trainingForecaster: { ...forecaster, fit: async () => null },
    requestCycle: async () => {},
    log: pino({ level: 'silent' }),
    ...(outside === undefined ? {} : { outside }),
  });
  const published = (path: string) => readFile(join(stores.folder.published, path), 'utf8');
  const manifest = async () => manifestSchema.parse(JSON.parse(await published('manifest.json')));
  const entry = async (key: string) => (await manifest()).entries.find((candidate) => candidate.key === key);
  const document = async (key: string, kind: 'history' | 'prediction') => {
    const file = (await entry(key))?.files[kind];
    if (file === undefined || file === null) throw new Error(`${key} has no ${kind}`);
    return JSON.parse(await published(`objects/${file.sha256}.json`)) as unknown;
  };
  return {
    exchange,
    forecaster,
    ports,
    stores,
    manifest,
    entry,
    history: async (key) => historySchema.parse(await document(key, 'history')),
    prediction: async (key) => predictionSchema.parse(await document(key, 'prediction')),
    breaches: async () =>
      (await verify(stores.folder.published, { store: stores.candles })).breaches.map(
        ({ invariant, sentence }) => `${invariant} ${sentence}`,
      ),
    drive: async (timeframes, from, to, startsBehind = false) => {
      const schedules = cycleSchedules(timeframes.map(parseTimeframe), config.scheduleOffsetMs);
      const activities = {
        ...createActivities(ports),
        ...createComputeActivities(ports),
        ...createBackgroundActivities(ports),
      };
      return temporal.withWorkers(activities, async () => {
        const runs: VirtualRun[] = [];
        const drive = { client: temporal.client, schedules, from, to, startsBehind };
        for await (const run of driveVirtually(drive)) runs.push(run);
        return runs;
      });
    },
    driveAll: async (schedules, from, to) =>
      temporal.withWorkers({ ...createActivities(ports), ...createComputeActivities(ports) }, async () => {
        const runs: VirtualRun<Schedule>[] = [];
        for await (const run of driveVirtually({ client: temporal.client, schedules, from, to })) runs.push(run);
        return runs;
      }),
    stop: async () => {
      await exchange.close();
      await stores.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The last close in the middle, bands of 1 to 3 % around it. */
function toldForecaster(): ToldForecaster {
  const spread = [-0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03];
  const forecaster: ToldForecaster = {
    failure: null,
    candlesWanted: () => 100,
    versionOf: ({ family }) => `${family}-told`,
    forecast: async ({ candles, steps, recipe }) => {
      if (forecaster.failure !== null) throw forecaster.failure;
      const last = candles.at(-1)?.close ?? Number.NaN;
      const row = spread.map((share) => last * (1 + share)) as unknown as QuantileRow;
      return {
        family: recipe.family,
        modelVersion: `${recipe.family}-told`,
        quantiles: Array.from({ length: steps }, () => row),
        milliseconds: 0,
      };
    },
    close: async () => {},
  };
  return forecaster;
}

/** Candles of consecutive slots from `from`, each 1 % off the one before, up and down in turn. */
export function candlesFrom(timeframe: string, from: EpochMs, count: number): Candle[] {
  const tf = parseTimeframe(timeframe);
  return Array.from({ length: count }, (_, k) => {
    const open = k % 2 === 0 ? 100 : 101;
    const close = k % 2 === 0 ? 101 : 100;
    return { openTime: shiftSlots(tf, from, k), open, high: 102, low: 99, close, volume: 1 + k };
  });
}

export function pairOf(symbol: string, timeframe: string): Pair {
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}
