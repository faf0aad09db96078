/**
 * The time by which documents are judged: the reader's clock, but never earlier than what the server's own clock has
 * said. A reader's clock that is slow would make old data look fresh; one that is fast only makes it look older.
 */
let serverTime = Number.NEGATIVE_INFINITY;
let heardAt = 0;

/** Remembers the time that a response of our own server carries. */
export function hearServer(response) {
  const said = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isFinite(said) || said < serverTime + (performance.now() - heardAt)) return;
  serverTime = said;
  heardAt = performance.now();
}

/** The moment that the server shows, for pages of the past; null otherwise. */
const asOf = Date.parse(document.querySelector('meta[name="as-of"]')?.content ?? '');
export const momentShown = Number.isFinite(asOf) ? asOf : null;

/** Milliseconds since 1970. */
export function now() {
  if (momentShown !== null) return momentShown;
  return Math.max(Date.now(), serverTime + (performance.now() - heardAt));
}
