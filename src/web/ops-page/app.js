/** The operations page: reads its documents again and again and judges them every few seconds by the clock. */
import { attentionWords, judge, needsAttention, STATES, worstOf } from './health.js';
import { alerts, models, sla } from './judged-sections.js';
import { matrix, pairDetail } from './matrix.js';
import { element, unmeasured, when } from './parts.js';
import { changes, coverage, lag, runs, storage } from './sections.js';
import { hearServer, now } from './shared/page/clock.js';
import { setText } from './shared/page/elements.js';

const JUDGE_EVERY = 5000;
const READ_EVERY = 15_000;
/** The worker writes once a minute; a report older than this is told as old. */
const REPORT_OLD_AFTER = 3 * 60_000;
const DOCUMENTS = ['manifest', 'operations', 'models', 'alerts', 'sla'];

const byId = (id) => document.getElementById(id);
const state = { documents: {}, faults: {}, local: false };
const shown = new Map();

async function read() {
  await Promise.all(DOCUMENTS.map(readDocument));
  render();
}

async function readDocument(name) {
  try {
    const response = await fetch(`/ops/${name}.json`, { cache: 'no-store' });
    hearServer(response);
    const body = await response.json();
    if (!response.ok) throw new Error(body.message);
    state.documents[name] = body;
    delete state.faults[name];
  } catch (error) {
    state.faults[name] = error instanceof TypeError ? 'the server can not be reached' : error.message;
    // What was read stays on the page with its age, but a document that is gone on purpose does not.
    if (!(error instanceof TypeError)) delete state.documents[name];
  }
}

/** Fills the target anew only when what it shows has changed; what was open and what had the focus stays so. */
function fill(target, signature, build) {
  if (shown.get(target) === signature) return;
  shown.set(target, signature);
  const open = new Set([...target.querySelectorAll('details[open]')].map((item) => item.dataset.name));
  const focused = target.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  target.replaceChildren(...[build()].flat(9).filter((part) => part !== null && part !== undefined));
  for (const item of target.querySelectorAll('details')) item.open = open.has(item.dataset.name);
  if (focused !== undefined)
    target.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function render() {
  const view = { now: now(), local: state.local };
  const { manifest, operations } = state.documents;
  const minute = `${Math.floor(view.now / 60_000)} ${state.local}`;
  const judged = (manifest?.entries ?? []).map((entry) => judge(entry, manifest, view.now));
  renderTop(manifest, judged, view);
  renderHealth(judged, operations, view, minute);
  const part = (id, name, what, why, build) => {
    const held = state.documents[name];
    const target = byId(id).querySelector('div');
    fill(
      target,
      JSON.stringify([
        held ?? state.faults[name] ?? null,
        minute,
        id === 'lag' ? judged.map((pair) => pair.state) : null,
      ]),
      () =>
        held === undefined ? unmeasured(what, state.faults[name] ?? why) : [reportAge(name, held, view), build(held)],
    );
  };
  part('alerts', 'alerts', 'Alerts', 'the monitor has not reported', (held) => alerts(held, operations, view));
  part('lag', 'manifest', 'Lag', 'nothing is published', () => lag(judged, view));
  part('changes', 'operations', 'Changes', 'the worker has not reported', (held) => changes(held, view));
  part('runs', 'operations', 'Runs', 'the worker has not reported', (held) => runs(held, view));
  part('coverage', 'operations', 'Coverage', 'the worker has not reported', (held) => coverage(held, view));
  part('models', 'models', 'Models', 'no model has been trained or judged', (held) => models(held, operations, view));
  part('sla', 'sla', 'Service levels', 'no probe has been made', (held) => sla(held, view));
  part('storage', 'operations', 'Storage', 'the worker has not reported', (held) => storage(held, view));
}

/** A report that stopped coming is told where it is read. */
function reportAge(name, { generated_at: at }, view) {
  // Written daily and with each change: no age of it means that its writer is down.
  if (name === 'models') return element('p', { class: 'quiet' }, `As of ${when(at, view)}.`);
  if (name === 'manifest' || view.now - Date.parse(at) <= REPORT_OLD_AFTER) return null;
  return element(
    'p',
    { class: 'warning' },
    element('strong', {}, 'Old report. '),
    `It was written ${when(at, view)}; its writer may be down.`,
  );
}

function renderTop(manifest, judged, view) {
  const verdict = byId('verdict');
  const words = verdictWords(manifest, judged, view);
  verdict.dataset.mood = words.mood;
  fill(verdict, JSON.stringify(words), () => [
    element('p', {}, words.sentence),
    ...words.more.map((text) => element('p', {}, text)),
  ]);
  if (manifest === undefined) return;
  const badge = byId('source');
  const real = !/^(simulated|replay)/.test(manifest.source);
  badge.hidden = false;
  badge.dataset.real = String(real);
  setText(badge, real ? `source: ${manifest.source}` : `${manifest.source}: not real prices`);
  setText(
    byId('published'),
    `Generation ${manifest.generation}, ${when(manifest.judged_at ?? manifest.generated_at, view)}`,
  );
}

/** In one sentence whether all is well; what else an operator must know under it. */
function verdictWords(manifest, judged, view) {
  if (manifest === undefined)
    return { mood: 'bad', sentence: `No pair can be judged: ${state.faults.manifest ?? 'loading'}.`, more: [] };
  const attention = attentionWords(judged);
  const firing = state.documents.alerts?.firing.length ?? 0;
  const paused = (state.documents.operations?.schedules ?? [])
    .filter((schedule) => schedule.paused)
    .map(({ id }) => id);
  const late = !(view.now <= Date.parse(manifest.expires_at));
  const visible = judged.filter(({ hidden }) => !hidden).length;
  const more = [
    state.faults.manifest === undefined ? null : `The page can not be refreshed: ${state.faults.manifest}.`,
    late ? `The publisher is silent: it was due by ${when(manifest.expires_at, view)}.` : null,
    paused.length === 0 ? null : `Paused: ${paused.join(', ')}.`,
    manifest.rollback_of === null
      ? null
      : `Rolled back to generation ${manifest.rollback_of}: ${manifest.rollback_reason ?? ''}`,
    firing === 0 ? null : `${firing} alert${firing === 1 ? ' is' : 's are'} firing.`,
    judged.length === visible ? null : `${judged.length - visible} hidden.`,
  ].filter((sentence) => sentence !== null);
  if (judged.length === 0) return { mood: 'warn', sentence: 'No pair is known yet.', more };
  if (attention !== '') {
    const worst = STATES[worstOf(judged.map((pair) => pair.state))];
    return {
      mood: worst.rank >= STATES.insufficient_data.rank ? 'bad' : 'warn',
      sentence: `Needs attention: ${attention}.`,
      more,
    };
  }
  const mood = late || firing > 0 ? 'warn' : 'good';
  return {
    mood,
    sentence:
      mood === 'good' ? `All ${visible} published pairs are well.` : `All ${visible} published pairs are fresh.`,
    more,
  };
}

function renderHealth(judged, operations, view, minute) {
  offerTimeframes(judged);
  const found = filtered(judged);
  const chosen = chosenPair();
  const states = found.map((pair) => [pair.entry.key, pair.state, pair.degraded, pair.blocked]);
  fill(byId('matrix'), JSON.stringify([states, chosen, minute]), () => matrix(found, chosen, view));
  const pair = judged.find(({ entry }) => entry.key === chosen);
  fill(byId('pair'), JSON.stringify([pair ?? null, minute]), () =>
    pair === undefined ? [] : pairDetail(pair, operations, view),
  );
}

function offerTimeframes(judged) {
  const select = byId('timeframe');
  const wanted = ['', ...new Set(judged.map(({ entry }) => entry.timeframe))];
  if (select.options.length === wanted.length) return;
  const { value } = select;
  select.replaceChildren(...wanted.map((name) => element('option', { value: name }, name === '' ? 'all' : name)));
  select.value = value;
}

function filtered(judged) {
  const symbol = byId('symbol').value.trim().toUpperCase();
  const timeframe = byId('timeframe').value;
  const wanted = byId('state').value;
  return judged.filter((pair) => {
    if (!pair.entry.symbol.includes(symbol) || (timeframe !== '' && pair.entry.timeframe !== timeframe)) return false;
    if (wanted === 'attention') return needsAttention(pair);
    if (wanted === 'hidden') return pair.hidden;
    return wanted === '' || (!pair.hidden && !needsAttention(pair));
  });
}

/** The pair that the address names: `#pair=BTC%2FUSDT%201h`. */
function chosenPair() {
  const [, name = ''] = /^#pair=(.*)$/.exec(location.hash) ?? [];
  try {
    return decodeURIComponent(name);
  } catch {
    return '';
  }
}

byId('zone').addEventListener('click', () => {
  state.local = !state.local;
  setText(byId('zone'), state.local ? 'Show UTC' : 'Show local time');
  render();
});
byId('filters').addEventListener('submit', (event) => event.preventDefault());
for (const id of ['symbol', 'timeframe', 'state']) byId(id).addEventListener('input', render);
window.addEventListener('hashchange', render);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void read());
setInterval(render, JUDGE_EVERY);
setInterval(() => void read(), READ_EVERY);
void read();
