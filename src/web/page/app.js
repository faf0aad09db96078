/** The page: reads the manifest again and again, and judges what is shown every few seconds by the clock. */
import { momentShown, now } from './clock.js';
import { createDetail } from './detail-view.js';
import { loadManifest } from './documents.js';
import { element, setText } from './elements.js';
import { placeOf, publisherIsLate } from './judgement.js';
import { createList } from './list-view.js';
import { agoWords, spell, timeWords } from './words.js';

const JUDGE_EVERY = 5000;
const READ_EVERY = 30_000;

const byId = (id) => document.getElementById(id);
const narrow = window.matchMedia('(max-width: 800px)');
const list = createList(byId('symbols'));
const detail = createDetail(byId('detail'));
const state = { manifest: null, fault: null, readAt: null, local: false, listed: '' };

async function readManifest() {
  try {
    const manifest = await loadManifest();
    // A generation never goes back for a reader, whatever a cache between says.
    if (state.manifest === null || manifest.generation >= state.manifest.generation) state.manifest = manifest;
    state.readAt = now();
    state.fault = null;
  } catch (error) {
    state.fault = error instanceof TypeError ? 'The server can not be reached.' : error.message;
  }
  render();
}

function render() {
  const { manifest } = state;
  renderNotices();
  if (manifest === null) {
    detail.showMessage(state.fault ?? 'Loading\u2026');
    return;
  }
  renderTop(manifest);
  const found = filtered(manifest.entries);
  const listed = found.map(placeOf).join(' ') + manifest.generation;
  if (listed !== state.listed) {
    list.show(found);
    state.listed = listed;
  }
  const selected = selection(manifest.entries, found);
  list.tick(manifest, now(), selected === null ? null : placeOf(selected));
  renderDetail(manifest, selected);
}

function filtered(entries) {
  const words = byId('search')
    .value.toUpperCase()
    .split(/[\s/]+/)
    .filter(Boolean);
  const found = entries.filter((entry) => words.every((word) => entry.symbol.includes(word)));
  const empty = byId('empty');
  empty.hidden = found.length > 0;
  setText(
    empty,
    entries.length === 0
      ? 'No pair is ready yet. Pairs appear here when their history is complete.'
      : 'No symbol matches.',
  );
  if (words.length > 0) setText(byId('found'), `${new Set(found.map((entry) => entry.symbol)).size} symbols found`);
  return found;
}

/** The pair that the address names; on a wide screen without one, the first of the list. */
function selection(entries, found) {
  const place = decodePlace();
  if (place !== '') return entries.find((entry) => placeOf(entry) === place) ?? null;
  return narrow.matches ? null : (found[0] ?? entries[0] ?? null);
}

function decodePlace() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}

function renderDetail(manifest, selected) {
  const place = decodePlace();
  document.body.classList.toggle('one-pair', place !== '');
  document.title = selected === null ? 'Coin Predict' : `${selected.symbol} ${selected.timeframe} - Coin Predict`;
  if (selected !== null) void detail.show(selected, manifest, now, state.local);
  else detail.showMessage(place === '' ? 'Choose a pair.' : 'This pair is not published.');
}

function renderTop(manifest) {
  const market = byId('market');
  const unreal = unrealMarket(manifest);
  market.hidden = false;
  market.dataset.simulated = String(unreal !== null);
  setText(market, unreal ?? `source: ${manifest.source}`);
  const at = Date.parse(manifest.judged_at ?? manifest.generated_at);
  setText(byId('publisher'), `Published ${timeWords(at, now(), state.local)}, ${agoWords(now() - at)}`);
}

/** What the badge says when prices are not today's real ones; null when they are. */
function unrealMarket(manifest) {
  const named = document.querySelector('meta[name="market"]').content;
  if (named === 'replay' || manifest.source === 'replay') return 'past candles, replayed: not today\u2019s prices';
  if (named === 'simulated' || manifest.source.startsWith('simulated')) return 'simulated market: not real prices';
  return null;
}

function renderNotices() {
  const notices = [];
  const { manifest, fault, readAt } = state;
  if (momentShown !== null) {
    notices.push([
      'info',
      'A look back:',
      `everything is shown as it was at ${timeWords(momentShown, 0, state.local)}.`,
    ]);
  }
  if (manifest !== null && publisherIsLate(manifest, now())) {
    const due = Date.parse(manifest.expires_at);
    const since = `its next report was due by ${timeWords(due, now(), state.local)}, ${spell(now() - due)} ago`;
    notices.push(['bad', 'The publisher is silent:', `${since}. What is shown may be out of date.`]);
  }
  if (manifest !== null && fault !== null) {
    notices.push(['warn', fault, `Shown is what was read ${spell(now() - readAt)} ago.`]);
  }
  if (manifest !== null && manifest.rollback_of !== null) {
    notices.push([
      'info',
      'Rolled back:',
      `an earlier publication (generation ${manifest.rollback_of}) is shown on purpose.`,
    ]);
  }
  const target = byId('notices');
  const text = JSON.stringify(notices);
  if (target.dataset.shown === text) return;
  target.dataset.shown = text;
  target.replaceChildren(
    ...notices.map(([kind, head, rest]) =>
      element('p', { class: `notice ${kind}` }, element('strong', {}, head), ` ${rest}`),
    ),
  );
}

function toggleZone() {
  state.local = !state.local;
  setText(byId('zone'), state.local ? 'Show UTC' : 'Show local time');
  render();
}

/** On a phone the list gives way to the pair; the reader's place moves with it. */
function followAddress() {
  render();
  if (!narrow.matches) return;
  window.scrollTo(0, 0);
  if (location.hash.length > 1) byId('detail').focus({ preventScroll: true });
}

byId('zone').addEventListener('click', toggleZone);
byId('search').addEventListener('input', render);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('detail').focus();
});
window.addEventListener('hashchange', followAddress);
narrow.addEventListener('change', render);
window.addEventListener('online', readManifest);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && readManifest());
setInterval(render, JUDGE_EVERY);
setInterval(readManifest, READ_EVERY);
render();
void readManifest();
