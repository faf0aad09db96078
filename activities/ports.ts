import type { Logger } from 'pino';
import type { CandleStore } from '../src/ports/candle-store';
import type { Clock } from '../src/ports/clock';
import type { DataQualityStore } from '../src/ports/data-quality';
import type { Exchange } from '../src/ports/exchange';
import type { Forecaster, Recipe } from '../src/ports/forecaster';
import type { ForecastLedger } from '../src/ports/forecast-ledger';
import type { GapLedger } from '../src/ports/gap-ledger';
import type { PairStateStore } from '../src/ports/pair-state';
import type { PublicationStore } from '../src/ports/publication';
import type { Publisher } from '../src/publish/publisher';
import type { RunLog } from '../src/ports/run-log';
import type { SymbolChoice } from '../src/ports/symbol-choice';
import type { StorageGauge } from '../src/ports/storage-gauge';
import type { DiscoveryRules } from '../src/domain/discovery';
import type { TimeframeRules } from '../src/domain/timeframe-rules';
import type { MarketSymbol, TimeframeId } from '../src/domain/types';

/** What activities need of the configuration. */
export interface PipelineSettings {
  /** Named in the configuration; `followedSymbols` has the discovered ones too. */
  readonly symbols: readonly MarketSymbol[];
  readonly timeframes: readonly TimeframeId[];
  /** Null: only `symbols` are followed. */
  readonly discovery: DiscoveryRules | null;
  readonly settleMs: number;
  readonly scheduleOffsetMs: number;
  readonly cycleTargetMs: number;
  readonly lagRetryMs: number;
  rules(timeframe: TimeframeId): TimeframeRules;
  champion(timeframe: TimeframeId): Recipe;
}

/** Starts the cycle of a timeframe, or leaves the running one a request. */
export type RequestCycle = (timeframe: TimeframeId, reason: string) => Promise<void>;

/** Everything the activities touch. */
export interface ActivityPorts {
  /** The source this worker serves; runs opened for another are refused. */
  readonly source: string;
  readonly settings: PipelineSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly exchange: Exchange;
  readonly candles: CandleStore;
  readonly storage: StorageGauge;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly dataQuality: DataQualityStore;
  readonly symbolChoice: SymbolChoice;
  readonly forecastLedger: ForecastLedger;
  readonly runLog: RunLog;
  readonly publication: PublicationStore;
  readonly publisher: Publisher;
  readonly forecaster: Forecaster;
  readonly requestCycle: RequestCycle;
}
