/** Real candles, through unmodified ccxt over a socket, into SQLite: the whole way that a history takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openCandleStore } from '../../../src/adapters/sqlite/candle-store';
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import { createCcxtExchange } from '../../../src/adapters/ccxt/ccxt-exchange';
import { countSlots } from '../../../src/domain/timeframe';
import { findEarliest } from '../../../src/ingest/earliest';
import { fill } from '../../../src/ingest/fill';
import { repair } from '../../../src/ingest/repair';
import { systemClock } from '../../../src/ports/clock';
import { testOnCandles } from '../../candles';
import { closedAfterEach, temporaryFolders } from '../../ports/store-fixtures';
import { klinesOf, startFaultServer } from '../../ports/exchange/fault-server';
import { BTC, SETTLE_MS } from './ingest-under-test';
import type { KlineRow } from '../../ports/exchange/fault-server';

const closed = closedAfterEach();
const temporaryFolder = temporaryFolders();

/** Rows of a file of candles, numbers as the text they are there. */
function rowsOf(folder: string, name: string): KlineRow[] {
  const lines = gunzipSync(readFileSync(join(folder, name)))
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(1);
  return lines.map((line) => {
    const [time, ...values] = line.split(',');
    return [Number(time), ...values, Number(time) + 3_599_999];
  });
}

testOnCandles(
  'I03 I04 every hour that Binance has of BTC since 2017 is stored, and every hour that it has not is decided',
  async (folder) => {
    const rows = rowsOf(folder, 'BTC_USDT-1h.csv.gz');
    const server = closed(await startFaultServer());
    server.always('klines', klinesOf(rows));
    const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
    const candles = closed(await openCandleStore(join(temporaryFolder(), 'candles.db')));
    const exchange = closed(
      await createCcxtExchange({
        id: 'binance',
        budget: state.budget(),
        clock: systemClock,
        settleMs: SETTLE_MS,
        baseUrl: server.url,
      }),
    );
    const { gapLedger, pairState, dataQuality } = state;
    const ports = { exchange, candles, gapLedger, pairState, dataQuality, clock: systemClock };
    const last = Number(rows.at(-1)?.[0]);
    const asOf = last + 3_600_000 + SETTLE_MS;

    const from = await findEarliest(exchange, { pair: BTC, asOf });
    expect(from).toBe(rows[0]?.[0]);
    const started = performance.now();
    const filled = await fill(ports, { pair: BTC, from: from ?? 0, asOf });
    const seconds = (performance.now() - started) / 1000;
    expect(filled).toMatchObject({ stored: rows.length, reached: last });
    expect(filled.requests).toBe(Math.ceil(rows.length / 1000));
    process.stdout.write(
      `whole history: ${filled.requests} pages, ${rows.length} candles in ${seconds.toFixed(1)} s\n`,
    );

    const stored = await candles.read(BTC, { limit: 100_000 });
    expect(
      stored.map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume]),
    ).toEqual(rows.map((row) => row.slice(0, 6).map(Number)));

    const missing = countSlots(BTC.timeframe, { from: from ?? 0, to: last }) - rows.length;
    expect(missing).toBeGreaterThan(0);
    const summary = await repair(ports, { pair: BTC, asOf: asOf + 72 * 3_600_000 });
    expect(summary).toMatchObject({ missing, found: 0, confirmed: missing, undecided: 0 });
    const decided = await state.gapLedger.list(BTC);
    expect(decided.map(({ from: start, to }) => ({ from: start, to }))).toEqual(await candles.holes(BTC));
    expect(decided.every(({ state: word }) => word === 'confirmed_empty')).toBe(true);
  },
  120_000,
);
