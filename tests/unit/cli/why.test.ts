import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { NOW, World, candlesFrom, pairOf, publicationRow, scheduleView } from './test-wiring';

const BTC = pairOf('BTC/USDT', '1h');

test('F74 a symbol in quarantine is told as the reason, not what its store lacks: no cycle and no fill would take it out', async () => {
  const world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };
  world.schedules = [scheduleView()];
  const first = NOW - 300 * HOUR - 30 * MINUTE;
  // Behind by fifty hours, and with a hole.
  await world.candles.write(BTC, candlesFrom(BTC, first, 250).toSpliced(200, 1), NOW);
  await world.pairState.setEarliest(BTC, { openTime: first, provenAt: NOW });
  await world.pairState.recordSuccess(BTC, 'detect', NOW - 50 * HOUR);
  const reason = 'BTC/USDT is listed, but has not been traded for a day';
  const state = { symbol: BTC.symbol, activation: 'quarantined', since: NOW - 24 * HOUR, reason } as const;
  await world.pairState.setSymbolState(state);
  await world.publication.upsert(publicationRow(BTC));
  await world.run('why BTC/USDT 1h --json');
  const { steps, next } = world.json() as { steps: { what: string; ok: boolean; sentence: string }[]; next: string };
  expect(steps.find(({ ok }) => !ok)).toMatchObject({
    what: 'symbol',
    sentence: expect.stringMatching(
      /^BTC\/USDT is quarantined since .*not been traded for a day\. What is published of it stays/,
    ),
  });
  expect(next).toMatch(/^nothing: .*schedule trigger symbols-daily/);
});
