/** Nothing a shadow does reaches the champion: not its documents, not its timing, not the outcome of its cycle. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QUANTILE_LEVELS } from '../../../src/domain/quantiles';
import { HOUR } from '../../../src/domain/timeframe';
import { createForecaster } from '../../../src/forecasting/forecaster';
import type { Forecaster } from '../../../src/ports/forecaster';
import type { OpsManifest } from '../../../src/publish/documents';
import type { ModelMetadata } from '../../../src/ports/model-metadata';
import { openWorkshop } from '../forecasting/compiled';
import type { Workshop } from '../forecasting/compiled';
import { metadataOf } from '../../ports/model-registry-contract';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const PAIR = pairOf('BTC/USDT', '1h');
const VERSION = 'shadow-under-test';
const TIME_LIMIT_MS = 3_000;
/** A price that no champion and no candle has. */
const SHADOW_PRICE = 123.456_789;

const WORKERS = {
  throws: `throw new Error('the shadow is broken');`,
  hangs: `for (;;) {}`,
  'allocates without bound': `const kept = []; for (;;) kept.push(new Array(1e5).fill(kept.length));`,
  'returns poison': `return { kind: 'forecast', modelVersion: 'poison', quantiles: Array.from({ length: 24 }, () => Array(7).fill(NaN)) };`,
  'is not what was asked for': `return null;`,
} as const;

let temporal: TestTemporal;
let workshop: Workshop;
beforeAll(async () => {
  temporal = await startTestTemporal();
  workshop = openWorkshop();
}, 120_000);
afterAll(async () => {
  workshop.remove();
  await temporal.stop();
});

interface Published {
  readonly entries: unknown;
  readonly outcome: string | undefined;
  readonly firstPassMs: number;
  readonly bytes: string;
}

/** Two cycles; between them the shadow is set, when there is one. */
async function runWith(shadow: Forecaster | null, look: (pipeline: Pipeline) => Promise<void> = async () => {}) {
  const pipeline = await openPipeline(
    temporal,
    { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' },
    shadow === null ? {} : { shadowForecaster: shadow },
  );
  try {
    pipeline.exchange.setCandles(PAIR, candlesFrom('1h', START, 482));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const model: ModelMetadata = metadataOf(VERSION, { settings: {}, fits: [] });
    await pipeline.stores.state.models.register(model);
    if (shadow !== null) {
      await pipeline.stores.state.models.setShadow({ timeframe: PAIR.timeframe, version: VERSION, since: NOW });
    }
    const [run] = await pipeline.drive(['1h'], NOW + HOUR, NOW + HOUR + 5_000);
    await look(pipeline);
    const [recorded] = await pipeline.stores.state.runLog.recent(PAIR.timeframe, 1);
    const published: Published = {
      entries: (await pipeline.manifest()).entries.map((entry) => ({ ...entry, updated_at: '' })),
      outcome: run?.result.outcome,
      firstPassMs: (recorded?.end?.firstPassAt ?? NaN) - (recorded?.startedAt ?? NaN),
      bytes: await everyByte(pipeline.stores.folder.published),
    };
    expect(await pipeline.breaches()).toEqual([]);
    return published;
  } finally {
    await pipeline.stop();
    await shadow?.close();
  }
}

async function everyByte(folder: string): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8')))).join('\n');
}

describe('the shadow', () => {
  let alone: Published;
  beforeAll(async () => {
    alone = await runWith(null);
  }, 60_000);

  test.each(Object.entries(WORKERS))(
    'I33 a shadow that %s changes nothing of the champion, and its failure is recorded',
    async (_, body) => {
      const shadow = createForecaster({
        threads: 1,
        memoryMb: 64,
        timeLimitMs: TIME_LIMIT_MS,
        workerFile: workshop.workerThat(body),
      });
      const beside = await runWith(shadow, async ({ stores }) => {
        const { models, forecastLedger } = stores.state;
        const [event] = await models.events(PAIR.timeframe, { kind: 'shadow', limit: 1 });
        expect(event).toMatchObject({ verdict: 'failed', version: VERSION, facts: { failed: 1 } });
        expect(await forecastLedger.latest(PAIR, 'shadow')).toBeNull();
      });
      expect(beside.entries).toEqual(alone.entries);
      expect(beside.outcome).toBe(alone.outcome);
      // A hanging shadow would have held the manifest up for its whole time limit.
      expect(beside.firstPassMs).toBeLessThan(alone.firstPassMs + TIME_LIMIT_MS);
    },
    60_000,
  );

  test('I33 a good shadow has ledger rows of its own, on the same data, operators are told which it is, and no published byte knows of it', async () => {
    const row = QUANTILE_LEVELS.map((_, k) => SHADOW_PRICE + k);
    const body = `return { kind: 'forecast', modelVersion: 'x', quantiles: Array.from({ length: 24 }, () => ${JSON.stringify(row)}) };`;
    const shadow = createForecaster({ threads: 1, workerFile: workshop.workerThat(body) });
    const beside = await runWith(shadow, async ({ stores }) => {
      const own = await stores.state.forecastLedger.latest(PAIR, 'shadow');
      const champion = await stores.state.forecastLedger.latest(PAIR, 'champion');
      expect(own).toMatchObject({
        modelVersion: VERSION,
        dataThrough: champion?.dataThrough,
        issuedAt: champion?.issuedAt,
      });
      expect(own?.quantiles[0]?.[0]).toBe(SHADOW_PRICE);
      const told = JSON.parse(await readFile(join(stores.folder.ops, 'manifest.json'), 'utf8')) as OpsManifest;
      expect(told.entries[0]?.operations.shadow_version).toBe(VERSION);
    });
    expect(beside.entries).toEqual(alone.entries);
    expect(beside.bytes).not.toContain(VERSION);
    expect(beside.bytes).not.toContain('123.456');
  }, 60_000);
});
