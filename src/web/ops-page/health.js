/** One state a pair: the worst of what its status, its flags and its blocks say, judged now and not when it was written. */
import { judgeEntry } from './shared/web/entry-status.js';

/** From well to worst; a pair has exactly one. `hidden` is no fault. */
export const STATES = {
  hidden: { rank: 0, word: 'hidden', meaning: 'not ready: nothing of it is published' },
  fresh: { rank: 1, word: 'fresh', meaning: 'up to date' },
  late: { rank: 2, word: 'not confirmed', meaning: 'fresh by its times, but the publisher is silent' },
  stale: { rank: 3, word: 'stale', meaning: 'older than it should be; served with a warning' },
  degraded: { rank: 4, word: 'degraded', meaning: 'the last forecast failed; the last good one is served' },
  insufficient_data: { rank: 5, word: 'too little data', meaning: 'below the minimum of candles; not served' },
  blocked: { rank: 6, word: 'blocked', meaning: 'an export failed; not served until one succeeds' },
  hard_stale: { rank: 7, word: 'hard stale', meaning: 'too old to be served' },
  missing: { rank: 8, word: 'missing', meaning: 'a document is not there' },
  corrupt: { rank: 9, word: 'corrupt', meaning: 'a document can not be trusted' },
};

const WORST_THAT_IS_WELL = STATES.fresh.rank;

/** The entry with its state, its flags and its verdict at `now`. */
export function judge(entry, manifest, now) {
  const verdict = judgeEntry(entry, now, 'ok');
  const hidden = entry.visibility !== 'visible';
  const blocked = entry.export_block !== null || (!verdict.serveAllowed && ['fresh', 'stale'].includes(verdict.status));
  const late = verdict.status === 'fresh' && !(now <= Date.parse(manifest.expires_at));
  const found = [late ? 'late' : verdict.status];
  if (entry.degraded) found.push('degraded');
  if (blocked) found.push('blocked');
  const state = hidden ? 'hidden' : worstOf(found);
  return { entry, verdict, state, hidden, blocked: blocked && !hidden, degraded: entry.degraded && !hidden };
}

export function worstOf(states) {
  return states.reduce((worst, state) => (STATES[state].rank > STATES[worst].rank ? state : worst), 'hidden');
}

export function needsAttention({ state }) {
  return STATES[state].rank > WORST_THAT_IS_WELL;
}

/** `2 hard stale, 1 degraded`, worst first; empty when all is well. */
export function attentionWords(judged) {
  const counts = new Map();
  for (const pair of judged.filter(needsAttention)) counts.set(pair.state, (counts.get(pair.state) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => STATES[b].rank - STATES[a].rank)
    .map(([state, count]) => `${count} ${STATES[state].word}`)
    .join(', ');
}
