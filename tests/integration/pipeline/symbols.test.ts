import { SYMBOLS_DAILY } from '../../../src/domain/names';
import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { deploymentSchedules, MONITOR_SCHEDULE } from '../../../temporal/schedules';
import type { Market } from '../../../src/ports/exchange';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const TF = parseTimeframe('1h');
const BTC = pairOf('BTC/USDT', '1h');
const TOP = pairOf('TOP/USDT', '1h');
const YOUNG = pairOf('YOUNG/USDT', '1h');
const TRUTH = candlesFrom('1h', START, 600);

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

const daily = () =>
  deploymentSchedules({ timeframes: [TF], scheduleOffsetMs: 5_000, rules: defaultRules }).filter(
    ({ id }) => id === SYMBOLS_DAILY,
  );

async function look(pipeline: Pipeline, from: number) {
  const [run] = await pipeline.driveAll(daily(), from, from + DAY);
  return run?.result;
}

const state = async (pipeline: Pipeline, symbol: string) =>
  (await pipeline.stores.state.pairState.symbolStates()).find((each) => each.symbol === symbol);

test('F74 I08 a delisted symbol is in quarantine after three failures: told once, nothing deleted, and well again by the daily look', async () => {
  const pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,TOP/USDT', TIMEFRAMES: '1h' });
  for (const pair of [BTC, TOP]) pipeline.exchange.setCandles(pair, TRUTH);
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  const asked = pipeline.exchange.fetchPage.bind(pipeline.exchange);
  let gone = true;
  pipeline.exchange.fetchPage = async (request) =>
    asked(gone && request.symbol === TOP.symbol ? { ...request, symbol: pairOf('GONE/USDT', '1h').symbol } : request);
  const runs = await pipeline.drive(['1h'], NOW + HOUR, NOW + 5 * HOUR + 5_000);
  const outcomes = runs.map(({ result }) => result.pairs.map(({ symbol, outcome }) => `${symbol} ${outcome}`).join());
  expect(outcomes).toEqual([
    ...Array.from({ length: 3 }, () => 'BTC/USDT published,TOP/USDT failed'),
    ...Array.from({ length: 2 }, () => 'BTC/USDT published'),
  ]);
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({
    activation: 'quarantined',
    since: NOW + 3 * HOUR + 5_000,
    reason: expect.stringMatching(/does not know/),
  });
  expect(await pipeline.stores.candles.extent(TOP)).toMatchObject({ count: 480 });
  expect(await pipeline.entry('TOP/USDT 1h')).toMatchObject({
    visibility: 'visible',
    data_through: '2024-01-21T00:00:00Z',
  });
  expect(await look(pipeline, NOW + 6 * HOUR)).toMatchObject({ quarantined: ['TOP/USDT'], released: [] });
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({ since: NOW + 3 * HOUR + 5_000 });
  gone = false;
  expect(await look(pipeline, NOW + 30 * HOUR)).toMatchObject({ quarantined: [], released: ['TOP/USDT'] });
  await pipeline.drive(['1h'], NOW + 54 * HOUR, NOW + 54 * HOUR + 5_000);
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({ activation: 'ready' });
  expect(await pipeline.stores.candles.extent(TOP)).toMatchObject({ first: START, count: 534 });
  await pipeline.stop();
}, 240_000);

test('F74 a named symbol that is listed but halted is in quarantine by the daily look: told once, and well again when it trades', async () => {
  const pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,TOP/USDT', TIMEFRAMES: '1h' });
  pipeline.exchange.setCandles(BTC, TRUTH);
  pipeline.exchange.setCandles(TOP, TRUTH.slice(0, 480 - 12));
  const halted = NOW - 12 * HOUR;
  await pipeline.drive(['1h'], halted, halted + 5_000);
  let active = false;
  pipeline.exchange.markets = async () =>
    [BTC, TOP].map(({ symbol }) => ({ symbol, active: active || symbol === BTC.symbol, quoteVolume: null }));
  // For less than a day: that may be maintenance.
  expect(await look(pipeline, NOW)).toMatchObject({ quarantined: [], released: [] });
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({ activation: 'ready' });
  expect(await look(pipeline, NOW + 2 * DAY)).toMatchObject({ quarantined: ['TOP/USDT'], released: [] });
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({
    activation: 'quarantined',
    reason: 'TOP/USDT is listed, but has not been traded for a day',
  });
  expect(await state(pipeline, 'BTC/USDT')).toMatchObject({ activation: 'ready' });
  expect(await look(pipeline, NOW + 3 * DAY)).toMatchObject({ quarantined: ['TOP/USDT'] });
  await pipeline.driveAll([MONITOR_SCHEDULE], NOW + 3 * DAY, NOW + 3 * DAY + 7 * MINUTE);
  expect(await pipeline.entry('TOP/USDT 1h')).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  const told = (await pipeline.stores.state.outbox.events(NOW, 100)).map(({ event }) => event);
  expect(told.filter(({ symbol }) => symbol === 'TOP/USDT').map(({ kind }) => kind)).toEqual(['symbol_quarantined']);
  expect(told.filter(({ symbol }) => symbol === 'BTC/USDT').map(({ kind }) => kind)).toContain('hard_stale_repeat');
  const [run] = await pipeline.drive(['1h'], NOW + 4 * DAY, NOW + 4 * DAY + 5_000);
  expect(run?.result.pairs.map(({ symbol }) => symbol)).toEqual(['BTC/USDT']);
  active = true;
  pipeline.exchange.setCandles(TOP, TRUTH);
  expect(await look(pipeline, NOW + 4 * DAY)).toMatchObject({ quarantined: [], released: ['TOP/USDT'] });
  await pipeline.drive(['1h'], NOW + 5 * DAY, NOW + 5 * DAY + 5_000);
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({ activation: 'ready' });
  await pipeline.stop();
}, 240_000);

test('I54 F100 a discovered symbol joins when its check passes and is watched like one that is named, one too young is in quarantine, one that left keeps its data', async () => {
  const pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' });
  for (const pair of [BTC, TOP]) pipeline.exchange.setCandles(pair, TRUTH);
  pipeline.exchange.setCandles(YOUNG, TRUTH.slice(400));
  const market = ({ symbol }: typeof BTC, quoteVolume: number): Market => ({ symbol, active: true, quoteVolume });
  pipeline.exchange.markets = async () => [market(BTC, 100), market(TOP, 90), market(YOUNG, 50)];
  expect(await look(pipeline, NOW)).toMatchObject({ joined: ['TOP/USDT'], quarantined: ['YOUNG/USDT'], followed: 3 });
  expect(await state(pipeline, 'YOUNG/USDT')).toMatchObject({ reason: 'YOUNG/USDT 1h: 80 of the newest 240 candles' });
  const [run] = await pipeline.drive(['1h'], NOW + DAY, NOW + DAY + 5_000);
  expect(run?.result.pairs.map(({ symbol, outcome }) => `${symbol} ${outcome}`)).toEqual([
    'BTC/USDT published',
    'TOP/USDT published',
  ]);
  const hourly = [{ ...MONITOR_SCHEDULE, every: TF }];
  await pipeline.driveAll(hourly, NOW + DAY + 2 * HOUR, NOW + DAY + 3 * HOUR + MINUTE);
  const told = (await pipeline.stores.state.outbox.events(0, 100)).map(({ event }) => event);
  const stale = told.filter(({ kind }) => kind === 'hard_stale').map(({ symbol }) => symbol);
  expect(new Set(stale)).toEqual(new Set(['BTC/USDT', 'TOP/USDT']));
  pipeline.exchange.markets = async () => [market(BTC, 100), market(YOUNG, 50)];
  const left: unknown[] = [];
  for (let day = 2; day <= 4; day++) left.push(await look(pipeline, NOW + (day - 1) * DAY));
  expect(left).toMatchObject([{ left: [] }, { left: [] }, { left: ['TOP/USDT'], followed: 2 }]);
  await pipeline.drive(['1h'], NOW + 4 * DAY, NOW + 4 * DAY + 5_000);
  expect(await state(pipeline, 'TOP/USDT')).toMatchObject({ activation: 'retired' });
  expect(await pipeline.stores.candles.extent(TOP)).toMatchObject({ count: 504 });
  expect(await pipeline.entry('TOP/USDT 1h')).toBeUndefined();
  await pipeline.stop();
}, 240_000);
