/** Repair as the stage of a cycle: what a run decided stands, also when it fails in the end. */
import { pino } from 'pino';
import type { ActivityPorts } from '../../activities/ports';
import { createRepair } from '../../activities/repair';
import { parseSymbol } from '../../src/domain/types';
import type { Pair } from '../../src/domain/types';
import { inActivity } from '../activity-context';
import {
  after,
  BTC,
  candles,
  exchangeThat,
  HOUR,
  ingestPorts,
  jumping,
  slot,
  without,
} from '../unit/ingest/ingest-under-test';

const LAST = 2999;
const asOf = after(LAST) + 72 * HOUR;
const ETH: Pair = { ...BTC, symbol: parseSymbol('ETH/USDT') };

test('I09 a hole that fails for ever fails the stage, and an outage that was decided beside it is told as one', async () => {
  const truth = without(candles(0, LAST), 2000);
  const answer = jumping(truth);
  const exchange = exchangeThat((asked) =>
    asked.symbol === BTC.symbol && asked.since <= slot(100) ? [[slot(100), 0, 0, 0, 0, 0]] : answer(asked),
  );
  const memory = { ...ingestPorts(asOf, []), exchange };
  await memory.candles.write(BTC, without(truth, 100), asOf);
  await memory.candles.write(ETH, truth, asOf);
  const ports = {
    ...memory,
    source: 'memory',
    settings: { symbols: [ETH.symbol, BTC.symbol], discovery: null, settleMs: 2_000, timeframes: [BTC.timeframe] },
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts;
  const input = { source: 'memory', symbols: [ETH.symbol, BTC.symbol], timeframe: BTC.timeframe, asOf };
  expect(await inActivity(() => createRepair(ports)(input))).toMatchObject([
    { symbol: ETH.symbol, ok: true },
    { symbol: BTC.symbol, ok: false, failure: { code: 'page_rejected' } },
  ]);
  for (const pair of [BTC, ETH])
    expect(await memory.gapLedger.list(pair)).toMatchObject([{ from: slot(2000), to: slot(2000), state: 'outage' }]);
});
