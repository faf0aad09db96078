import type { EpochMs } from '../domain/types';
import type { RequestPriority } from './exchange';

/**
 * The weight budget and the ban gate of one exchange, shared by every process of the deployment and kept across restarts.
 * A request is sent only after `take` resolved; what the exchange answers is reported back.
 */
export interface RateBudget {
  /**
   * Waits until `weight` fits the budget and no ban is in force; live requests go before fills.
   * @throws PipelineError `rate_limited`, `exchange_banned` or `exchange_blocked` at once, with `retryAfterMs`, when the wait
   *   would be longer than `maxWaitMs` (default 10,000), so that a worker's slot is not held by a ban.
   */
  take(
    exchange: string,
    weight: number,
    priority: RequestPriority,
    signal?: AbortSignal,
    maxWaitMs?: number,
  ): Promise<void>;
  /** No request by anyone before `until`. Never shortens a longer ban. */
  ban(exchange: string, until: EpochMs, code: 'rate_limited' | 'exchange_banned' | 'exchange_blocked'): Promise<void>;
  bannedUntil(exchange: string): Promise<EpochMs | null>;
}
