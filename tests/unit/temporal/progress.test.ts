import { parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { FillView } from '../../../src/ports/control';
import { progressLine, progressSummary } from '../../../temporal/progress';

const pair = { symbol: parseSymbol('BTC/USDT'), timeframe: parseTimeframe('1h') };
const fill: FillView = {
  ...pair,
  workflowId: 'fill-1h-BTC_USDT',
  status: 'running',
  stored: 1000,
  candlesASecond: null,
  reached: Date.UTC(2025, 10, 2),
  progress: 0.78,
  etaMs: 41_000,
};

describe('what up prints while the first data comes in', () => {
  test('a line of a running fill has bar, share, date reached and time left', () => {
    expect(progressLine({ pair, fill, status: null })).toBe(
      'BTC/USDT 1h      ▓▓▓▓░  78 %  reached 2025-11-02  ETA 0:41',
    );
  });

  test('a pair without a fill waits, a published one says so, a failed fill names the next step', () => {
    expect(progressLine({ pair, fill: null, status: null })).toContain('waiting');
    expect(progressLine({ pair, fill: null, status: 'fresh' })).toContain('published');
    expect(progressLine({ pair, fill: null, status: 'insufficient_data' })).toContain('insufficient data');
    expect(progressLine({ pair, fill: { ...fill, status: 'failed' }, status: null })).toContain(
      'coin-predict why BTC/USDT 1h',
    );
  });

  test('without a terminal one line sums all pairs up', () => {
    const pairs = [
      { pair, fill, status: null },
      { pair, fill: null, status: 'fresh' },
    ];
    expect(progressSummary(pairs)).toBe('1 of 2 pairs published, 1 filling (78 %), ETA 0:41');
  });
});
