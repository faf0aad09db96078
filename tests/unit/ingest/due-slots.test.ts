/** Slots that have closed and whose candles did not come (I03): in the ledger, and told as an outage when the exchange failed. */
import { recordDueSlots } from '../../../src/ingest/due-slots';
import { fill } from '../../../src/ingest/fill';
import { markOutages } from '../../../src/ingest/outages';
import { repair } from '../../../src/ingest/repair';
import { storePage } from '../../../src/ingest/stored-page';
import { BTC, after, candles, ingestPorts, slot } from './ingest-under-test';

const DUE = { from: slot(10), to: slot(12) };
const DAYS = 24;

test('due slots are suspects that nobody has asked for; telling them again changes nothing, and a candle takes its own out', async () => {
  const ports = ingestPorts(after(12), []);
  await storePage(ports, BTC, candles(0, 9), slot(10));
  for (let times = 0; times < 2; times++)
    await recordDueSlots(ports.gapLedger, BTC, DUE, { at: after(12), failed: false });
  const suspect = { state: 'suspect', asks: 0, firstAskedAt: after(12), lastAskedAt: after(12) };
  expect(await ports.gapLedger.list(BTC)).toEqual([{ ...DUE, ...suspect }]);
  await storePage(ports, BTC, candles(11, 11), after(12));
  expect(await ports.gapLedger.list(BTC)).toEqual([
    { from: slot(10), to: slot(10), ...suspect },
    { from: slot(12), to: slot(12), ...suspect },
  ]);
});

test('a fill asks for slots of which only that they are due is known', async () => {
  const ports = ingestPorts(after(400), candles(0, 400));
  await storePage(ports, BTC, candles(0, 9), slot(10));
  await recordDueSlots(ports.gapLedger, BTC, { from: slot(10), to: slot(400) }, { at: after(400), failed: true });
  await fill(ports, { pair: BTC, from: slot(0), asOf: after(400) });
  expect(await ports.candles.extent(BTC)).toMatchObject({ count: 401 });
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test.each([
  ['its outage, when the exchange gave errors for this symbol then', true, 'outage'],
  ['empty, when it only had nothing', false, 'confirmed_empty'],
])('what the exchange never gives later is %s', async (_, failed, state) => {
  const now = after(12 + 3 * DAYS);
  const truth = [...candles(0, 9), ...candles(13, 12 + 3 * DAYS)];
  const ports = ingestPorts(now, truth);
  await storePage(ports, BTC, candles(0, 9), slot(10));
  // First only due, then found to fail: the later word counts, and is not taken back.
  for (const fails of [false, failed, false])
    await recordDueSlots(ports.gapLedger, BTC, DUE, { at: after(12), failed: fails });
  await storePage(ports, BTC, truth.slice(10), now);
  expect(await repair(ports, { pair: BTC, asOf: now })).toMatchObject({ confirmed: 3, undecided: 0 });
  expect(await ports.gapLedger.list(BTC)).toMatchObject([{ ...DUE, state, asks: 2, firstAskedAt: now }]);
  // Another symbol that has its candles makes it no less an outage of this one.
  await markOutages(ports, BTC.timeframe, [BTC.symbol]);
  expect(await ports.gapLedger.list(BTC)).toMatchObject([{ ...DUE, state }]);
});
