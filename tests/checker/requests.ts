/** I60 I61: what was asked of the market, as the market logged it. */
import { iso } from './database-file';
import type { Findings } from './findings';

export interface MarketRequest {
  /** The market's own clock or the machine's: the one that Retry-After was counted by. */
  readonly at: number;
  readonly path: string;
  readonly query: string;
  readonly fault: string | null;
  readonly retryAfterMs: number | null;
}

export function checkRequests(findings: Findings, requests: readonly MarketRequest[]): void {
  let until = Number.NEGATIVE_INFINITY;
  for (const { at, retryAfterMs, path } of requests) {
    // The rule is tried only where there is something to break.
    if (until > Number.NEGATIVE_INFINITY) {
      findings.holds('I60 ban', at >= until, () => `${iso(at)} ${path}: was asked inside a ban until ${iso(until)}`);
    }
    if (retryAfterMs !== null) until = Math.max(until, at + retryAfterMs);
  }
  checkCursors(findings, requests);
}

/** After an answer that was emptied by a fault, the next question about that pair begins at the same place. */
function checkCursors(findings: Findings, requests: readonly MarketRequest[]): void {
  const emptied = new Map<string, string>();
  for (const { path, query, fault, at } of requests) {
    if (!path.endsWith('/klines')) continue;
    const asked = new URLSearchParams(query);
    const series = `${asked.get('symbol')} ${asked.get('interval')}`;
    const from = asked.get('startTime') ?? '';
    const before = emptied.get(series);
    if (before !== undefined) {
      findings.holds(
        'I61 cursor',
        from === before,
        () =>
          `${series} ${iso(at)}: was asked from ${iso(Number(from))} after one empty answer from ${iso(Number(before))}`,
      );
    }
    if (fault === 'empty_page') emptied.set(series, from);
    else emptied.delete(series);
  }
}
