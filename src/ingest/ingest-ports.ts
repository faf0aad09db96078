import type { CandleStore } from '../ports/candle-store';
import type { Clock } from '../ports/clock';
import type { DataQualityStore } from '../ports/data-quality';
import type { Exchange } from '../ports/exchange';
import type { GapLedger } from '../ports/gap-ledger';
import type { PairStateStore } from '../ports/pair-state';

/** What fill and repair touch. */
export interface IngestPorts {
  readonly exchange: Exchange;
  readonly candles: CandleStore;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly dataQuality: DataQualityStore;
  readonly clock: Clock;
}
