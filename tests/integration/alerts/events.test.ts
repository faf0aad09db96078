/** What cycles and single rounds of the monitor leave in the event log, over real Temporal and stores. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createWriteOpsDocuments } from '../../../activities/ops-documents';
import { quarantine, release } from '../../../activities/quarantine';
import { PipelineError } from '../../../src/domain/errors';
import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { MONITOR_SCHEDULE } from '../../../temporal/schedules';
import type { AlertsDocument } from '../../../src/web/ops-documents';
import { inActivity } from '../../activity-context';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;

let temporal: TestTemporal;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
afterEach(() => pipeline.stop());

async function open(environment: Record<string, string> = {}): Promise<void> {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', ...environment });
  pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 500));
}

const recorded = async () => (await pipeline.stores.state.outbox.events(0, 100)).map(({ event }) => event);

test('I16 a boundary at which no cycle ran is told once, by the cycle that caught up, also where a symbol fails', async () => {
  await open({ SYMBOLS: 'BTC/USDT,GONE/USDT' });
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  await pipeline.drive(['1h'], NOW + 2 * HOUR, NOW + 3 * HOUR + 5_000);
  const missed = (await recorded()).filter(({ kind }) => kind === 'missed_boundary');
  expect(missed.map(({ timeframe, detail }) => [timeframe, detail])).toEqual([
    ['1h', 'boundary 2024-01-21T01:00:00.000Z: no cycle ran before the next boundary; caught up later'],
  ]);
});

test('a cycle that takes longer than its budget is told with its run', async () => {
  await open({ CYCLE_TARGET_SECONDS: '1' });
  const { forecaster } = pipeline;
  const quick = forecaster.forecast.bind(forecaster);
  forecaster.forecast = async (...input) => {
    await delay(1_200);
    return quick(...input);
  };
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  const [event] = await recorded();
  expect(event).toMatchObject({ kind: 'overrun', timeframe: '1h', workflow: { id: 'cycle-1h' } });
  expect(event?.detail).toMatch(/^the first pass took \d+\.\d s of 1 s$/);
});

test('a manifest that can not be committed is told once, whatever the number of attempts, shows as firing, and its end is told', async () => {
  await open();
  let attempts = 0;
  const firing = async () => {
    await inActivity(() => createWriteOpsDocuments(pipeline.ports)({ asOf: NOW + 5_000 }));
    const document = await readFile(join(pipeline.stores.folder.ops, 'alerts.json'), 'utf8');
    return (JSON.parse(document) as AlertsDocument).firing.map(({ event, detail }) => `${event}: ${detail}`);
  };
  const shown: string[][] = [];
  const { publisher } = pipeline.ports;
  const commit = publisher.commitManifest.bind(publisher);
  publisher.commitManifest = async (...input) => {
    if (++attempts <= 4) throw new PipelineError('disk_full', 'the disk is full');
    shown.push(await firing());
    return commit(...input);
  };
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  expect(attempts).toBe(5);
  expect(shown).toEqual([['manifest_failure: the disk is full']]);
  const [begun, ended] = (await recorded()).toSorted((a, b) => a.kind.localeCompare(b.kind));
  expect(await recorded()).toHaveLength(2);
  expect(begun).toMatchObject({ kind: 'manifest_failure', detail: 'the disk is full', timeframe: '1h' });
  expect(ended).toMatchObject({ kind: 'manifest_recovery', ends: begun?.key, timeframe: '1h' });
  expect(await firing()).toEqual([]);
  const reason = 'the exchange does not trade it';
  await quarantine(pipeline.ports, pairOf('ETH/USDT', '1h').symbol, reason, NOW);
  expect(await firing()).toEqual([`symbol_quarantined: ETH/USDT: ${reason}`]);
  await release(pipeline.ports, pairOf('ETH/USDT', '1h').symbol, NOW);
  expect(await firing()).toEqual([]);
});

test('hidden pairs never alarm, but a fill without progress for 30 minutes does, once, and its end', async () => {
  await open();
  const monitors = [{ ...MONITOR_SCHEDULE, every: parseTimeframe('15m') }];
  await pipeline.driveAll(monitors, NOW, NOW + HOUR);
  expect((await recorded()).map(({ kind, symbol, at }) => [kind, symbol, at - NOW])).toEqual([
    ['fill_stalled', 'BTC/USDT', 30 * MINUTE + 30_000],
  ]);
  await pipeline.stores.candles.write(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 10), NOW);
  await pipeline.driveAll(monitors, NOW + HOUR, NOW + HOUR + 16 * MINUTE);
  expect((await recorded()).map(({ kind }) => kind)).toEqual(['fill_resumed', 'fill_stalled']);
});

test('a timeframe that has had no training for twice its schedule is told once, shown, and its end is told', async () => {
  await open();
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  const daily = [{ ...MONITOR_SCHEDULE, every: parseTimeframe('1d') }];
  const trainings = async () => (await recorded()).filter(({ kind }) => kind.startsWith('training'));
  await pipeline.driveAll(daily, NOW, NOW + 4 * DAY);
  expect(await trainings()).toMatchObject([
    {
      kind: 'training_overdue',
      timeframe: '1h',
      at: NOW + 2 * DAY + 30_000,
      since: NOW + 2 * DAY + 5_000,
      detail: 'the last one was at 2024-01-21T00:00:05.000Z',
      workflow: { id: 'train-1h' },
    },
  ]);
  const shown = JSON.parse(await readFile(join(pipeline.stores.folder.ops, 'alerts.json'), 'utf8')) as AlertsDocument;
  expect(shown.firing.map(({ event, runbook }) => [event, runbook])).toContainEqual([
    'training_overdue',
    'training-overdue.md',
  ]);
  const training = { timeframe: parseTimeframe('1h'), kind: 'training', version: null, by: 'operator' } as const;
  const rest = { key: 'training', reason: '', criteria: [], facts: {} };
  await pipeline.stores.state.models.record({ ...training, ...rest, at: NOW + 4 * DAY, verdict: 'done' });
  await pipeline.driveAll(daily, NOW + 4 * DAY, NOW + 5 * DAY);
  expect((await trainings()).map(({ kind }) => kind)).toEqual(['training_overdue_end', 'training_overdue']);
}, 60_000);
