/** What a pair is worth now, by the same rules as the server's; and the page's own doubt when the publisher is silent. */
import { judgeEntry } from './shared/web/entry-status.js';

export function publisherIsLate(manifest, now) {
  const due = Date.parse(manifest.expires_at);
  return !(now <= due);
}

/**
 * The verdict of the evaluator, with `look`: the word to show. Data that is fresh by its own times is shown as `late`
 * once the manifest has expired, since nobody can then say that nothing newer is missing.
 */
export function judgePair(entry, manifest, now) {
  const verdict = judgeEntry(entry, now, 'ok');
  const blocked = !verdict.serveAllowed && (verdict.status === 'fresh' || verdict.status === 'stale');
  const late = verdict.status === 'fresh' && publisherIsLate(manifest, now);
  return { ...verdict, look: blocked ? 'blocked' : late ? 'late' : verdict.status };
}

/** `BTC_USDT/1h`: the pair's place in the address of the page. */
export function placeOf(entry) {
  return `${entry.symbol.replace('/', '_').replace(':', '_')}/${entry.timeframe}`;
}
