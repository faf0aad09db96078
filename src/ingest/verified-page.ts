/** One page, asked for a second time where the first answer can not be right. */
import { PipelineError } from '../domain/errors';
import type { CandlePage, Exchange, PageRefusal, PageRequest, QuarantinedRow } from '../ports/exchange';

/** Hears of every row that was refused, before a failure over it is thrown. */
export type OnRefused = (rows: readonly QuarantinedRow[]) => Promise<void>;

export interface VerifiedPage extends CandlePage {
  /** Requests this page took. */
  readonly requests: number;
}

/** Another size for the second ask: some empty answers come from the bounds of the window (PROOF F66, I61). */
export function otherLimit(limit: number): number {
  return limit > 1 ? Math.floor(limit / 2) : limit + 1;
}

/**
 * A page on which no two rows contradict each other, so far as asking again helps (F67): what still does is in quarantine.
 * @throws PipelineError `page_rejected` when too much of it is bad twice, `unsupported_timeframe` when it lies on another
 *   calendar twice, and whatever the exchange throws.
 */
export async function fetchVerifiedPage(
  exchange: Pick<Exchange, 'fetchPage'>,
  request: PageRequest,
  onRefused: OnRefused,
): Promise<VerifiedPage> {
  const first = await exchange.fetchPage(request);
  if (first.refusal === null && !hasConflicts(first)) {
    await report(first, onRefused);
    return { ...first, requests: 1 };
  }
  const second = await exchange.fetchPage({
    ...request,
    limit: first.refusal === null ? request.limit : otherLimit(request.limit),
  });
  await report(second, onRefused);
  if (second.refusal !== null) throw refusedPage(second.refusal);
  return { ...second, requests: 2 };
}

/** What one answer says may pass, also of the calendar (F76): whether the exchange offers a timeframe, `supports` tells. */
export function refusedPage({ code, sentence }: PageRefusal): PipelineError {
  return new PipelineError(code, sentence, { retry: 'transient' });
}

function hasConflicts({ quarantined }: CandlePage): boolean {
  return quarantined.some(({ reason }) => reason === 'conflicting_duplicate');
}

async function report({ quarantined }: CandlePage, onRefused: OnRefused): Promise<void> {
  if (quarantined.length > 0) await onRefused(quarantined);
}
