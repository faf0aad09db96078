/** What is kept for some days only is removed by its age, and an age needs a clock that is right. */
import type { ActivityPorts } from '../../activities/ports';
import { createApplyRetention } from '../../activities/retention';
import { DAY, HOUR, parseTimeframe } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { parseSymbol } from '../../src/domain/types';
import type { Pair } from '../../src/domain/types';
import { inActivity } from '../activity-context';
import { candlesFrom } from '../integration/pipeline/pipeline';
import { ingestPorts, START } from '../unit/ingest/ingest-under-test';

const BTC: Pair = { symbol: parseSymbol('BTC/USDT'), timeframe: parseTimeframe('1m') };
const GONE: Pair = { ...BTC, symbol: parseSymbol('GONE/USDT') };
const NOW = START + 60 * DAY;

async function portsWith(newest: number) {
  const ports = ingestPorts(NOW, []);
  // An hour now, and an hour that is too old.
  for (const from of [newest - HOUR, newest - 50 * DAY])
    await ports.candles.write(BTC, candlesFrom('1m', from, 60), NOW);
  await ports.candles.write(GONE, candlesFrom('1m', START, 60), START);
  const apply = createApplyRetention({
    ...ports,
    dataQuality: { recordStorage: async () => false },
    settings: { rules: () => ({ ...defaultRules(BTC.timeframe), retention: { days: 30 } }) },
    storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
  } as unknown as ActivityPorts);
  return { ...ports, apply: (asOf: number) => inActivity(() => apply({ asOf })) };
}

test('I08 what is older than its days is removed, also of a symbol that gets no candle any more', async () => {
  const { apply, candles } = await portsWith(NOW);
  expect(await apply(NOW)).toMatchObject({ removed: { 'BTC/USDT 1m': 60, 'GONE/USDT 1m': 60 } });
  expect(await candles.extent(BTC)).toMatchObject({ first: NOW - HOUR, count: 60 });
});

test('F30 a clock that is ahead removes no fresh candle: age is counted from the newest one stored', async () => {
  const { apply, candles } = await portsWith(NOW);
  expect(await apply(NOW + 40 * DAY)).toMatchObject({ removed: { 'BTC/USDT 1m': 60, 'GONE/USDT 1m': 60 } });
  expect(await candles.extent(BTC)).toMatchObject({ first: NOW - HOUR, count: 60 });
});
