/** Three symbols on four timeframes, all well, with a track record. */
import type { PairFixture } from '../integration/web/published-fixture';

const PRICES: Readonly<Record<string, number>> = { 'BTC/USDT': 64_210, 'ETH/USDT': 2480, 'DOGE/USDT': 0.1324 };
const QUALITY = {
  mae: 210.4,
  coverage: { '50': 0.51, '80': 0.812, '95': 0.951 },
  skill_vs_naive: 0.021,
  directional_accuracy: 0.507,
  sample_count: 17_280,
  // As the pipeline writes it.
  evaluation_window: '720 x 1h',
};
export const EVERYTHING: readonly PairFixture[] = Object.entries(PRICES).flatMap(([symbol, price]) =>
  ['1h', '1d', '1w', '1M'].map((timeframe) => ({ symbol, timeframe, price, quality: QUALITY })),
);
