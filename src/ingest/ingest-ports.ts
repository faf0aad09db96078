import type { CandleStore } from '../ports/candle-store';
import type { Clock } from '../ports/clock';
import type { DataQualityStore } from '../ports/data-quality';
import type { Exchange } from '../ports/exchange';
import type { GapLedger } from '../ports/gap-ledger';
import type { PairStateStore } from '../ports/pair-state';

/** What storing candles touches. */
export interface StoringPorts {
  readonly candles: CandleStore;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly dataQuality: DataQualityStore;
}

/** What fill, repair and reconciliation touch. */
export interface IngestPorts extends StoringPorts {
  readonly exchange: Exchange;
  readonly clock: Clock;
}
