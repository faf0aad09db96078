import { findOutages } from '../domain/gap-decision';
import type { SymbolGaps } from '../domain/gap-decision';
import type { MarketSymbol, TimeframeId } from '../domain/types';
import type { CandleStore } from '../ports/candle-store';
import type { GapLedger } from '../ports/gap-ledger';

/**
 * Tells outages of the exchange from slots without a trade: what all symbols of a timeframe miss at once is the former.
 * To be asked whenever a gap was decided, since one symbol's gaps make another's an outage.
 */
export async function markOutages(
  ports: { readonly candles: CandleStore; readonly gapLedger: GapLedger },
  timeframe: TimeframeId,
  symbols: readonly MarketSymbol[],
): Promise<void> {
  const known: SymbolGaps[] = [];
  for (const symbol of symbols) {
    const pair = { symbol, timeframe };
    const extent = await ports.candles.extent(pair);
    if (extent === null) continue;
    const gaps = await ports.gapLedger.list(pair);
    const confirmed = gaps.filter(({ state }) => state !== 'suspect');
    known.push({ listed: { from: extent.first, to: extent.last }, confirmed });
  }
  const outages = findOutages(timeframe, known);
  for (const symbol of symbols) await ports.gapLedger.markOutages({ symbol, timeframe }, outages);
}
