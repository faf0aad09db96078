import type { StartReason } from '../domain/fetch-start';
import type { TimeframeId } from '../domain/types';

/** Counts where fetches started and why (SPEC 2), for the metrics of the process. */
export interface FetchCounter {
  started(timeframe: TimeframeId, reason: StartReason): void;
}
