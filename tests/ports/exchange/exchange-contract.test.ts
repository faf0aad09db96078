/** What every exchange must do, whatever is behind it: unmodified ccxt over a socket, or memory. */
import { createMemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import { PipelineError } from '../../../src/domain/errors';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { BTC, HOURLY, MARCH, SETTLE_MS, candles, ccxtOn, movableClock, page } from './ccxt-under-test';
import { klineRow, klinesOf, startFaultServer } from './fault-server';
import type { Candle } from '../../../src/domain/types';
import type { Exchange } from '../../../src/ports/exchange';

const HOUR = 3_600_000;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const makers: [string, (truth: readonly Candle[]) => Promise<Exchange>][] = [
  [
    'ccxt',
    async (truth) => {
      const server = await startFaultServer();
      stops.push(() => server.close());
      server.always('klines', klinesOf(truth.map((candle) => klineRow(candle))));
      return (await ccxtOn(server)).exchange;
    },
  ],
  [
    'memory',
    async (truth) => {
      const exchange = createMemoryExchange({ clock: movableClock(), settleMs: SETTLE_MS });
      exchange.setCandles({ symbol: BTC, timeframe: HOURLY }, truth);
      return exchange;
    },
  ],
];

describe.each(makers)('exchange: %s', (_, make) => {
  test('a page is ascending, at or after the start, and not longer than asked for', async () => {
    const exchange = await make(candles(20));
    const { candles: answered } = await exchange.fetchPage(page({ since: MARCH + 5 * HOUR, limit: 7 }));
    expect(answered).toEqual(candles(12).slice(5));
  });

  test('I01 nothing that closes after the run is on a page', async () => {
    const exchange = await make(candles(20));
    const { candles: answered, closedAsOf } = await exchange.fetchPage(
      page({ asOf: MARCH + 4 * HOUR + SETTLE_MS - 1 }),
    );
    expect(answered).toEqual(candles(3));
    expect(closedAsOf).toBe(MARCH + 4 * HOUR + SETTLE_MS - 1);
  });

  test('a page after the last candle is empty and says that nothing was received', async () => {
    const exchange = await make(candles(3));
    expect(await exchange.fetchPage(page({ since: MARCH + 3 * HOUR }))).toMatchObject({
      candles: [],
      received: 0,
      forming: 0,
    });
  });

  test('an unknown symbol is a bad symbol', async () => {
    const exchange = await make(candles(3));
    await expect(exchange.fetchPage(page({ symbol: parseSymbol('NOPE/USDT') }))).rejects.toMatchObject({
      code: 'bad_symbol',
    });
  });

  test('a request that was called off before is not sent', async () => {
    const exchange = await make(candles(3));
    await expect(exchange.fetchPage(page({ signal: AbortSignal.abort(new Error('called off')) }))).rejects.toThrow(
      'called off',
    );
  });

  test('it names its time, its markets and its timeframes', async () => {
    const exchange = await make(candles(3));
    expect(Math.abs((await exchange.serverTime()) - Date.now())).toBeLessThan(5000);
    expect((await exchange.markets()).map(({ symbol }) => symbol)).toContain(BTC);
    expect(exchange.supports(HOURLY)).toEqual({ timeframe: '1h', offered: true, reason: null });
  });
});

describe('the exchange in memory', () => {
  const clock = movableClock();

  test('F31 its clock may differ from ours, and the earlier one decides what is closed', async () => {
    for (const clockOffsetMs of [-90_000, 90_000]) {
      const exchange = createMemoryExchange({ clock, settleMs: SETTLE_MS, clockOffsetMs });
      exchange.setCandles({ symbol: BTC, timeframe: HOURLY }, candles(3));
      const now = clock.now();
      const { closedAsOf } = await exchange.fetchPage(page({ asOf: now + HOUR }));
      expect(closedAsOf - now).toBeGreaterThanOrEqual(Math.min(0, clockOffsetMs));
      expect(closedAsOf - now).toBeLessThan(Math.min(0, clockOffsetMs) + 5000);
    }
  });

  test('it fails as it is told to, once or until it is told to stop', async () => {
    const exchange = createMemoryExchange({ clock, settleMs: SETTLE_MS });
    exchange.setCandles({ symbol: BTC, timeframe: HOURLY }, candles(3));
    exchange.next({ error: new PipelineError('rate_limited', 'once', { retryAfterMs: 5 }) });
    await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'rate_limited' });
    expect((await exchange.fetchPage(page())).received).toBe(3);
    exchange.fail(new PipelineError('exchange_unreachable', 'until told'));
    await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_unreachable' });
    await expect(exchange.serverTime()).rejects.toMatchObject({ code: 'exchange_unreachable' });
    exchange.fail(null);
    expect((await exchange.fetchPage(page())).received).toBe(3);
  });

  test('a timeframe it was told not to have is refused', async () => {
    const exchange = createMemoryExchange({ clock, settleMs: SETTLE_MS, unsupported: [parseTimeframe('1w')] });
    expect(exchange.supports(parseTimeframe('1w')).offered).toBe(false);
    await expect(exchange.fetchPage(page({ timeframe: parseTimeframe('1w') }))).rejects.toMatchObject({
      code: 'unsupported_timeframe',
    });
  });
});
