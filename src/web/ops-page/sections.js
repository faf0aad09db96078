/** Lag, changes, runs, coverage and storage: what the worker reports. */
import { STATES } from './health.js';
import {
  bar,
  bytes,
  commands,
  element,
  percent,
  runLink,
  scheduleLink,
  seconds,
  table,
  unmeasured,
  when,
} from './parts.js';
import { spell } from './shared/page/words.js';

const LAGGARDS = 20;

/** How much of its soft limit each pair has used up, worst first. */
export function lag(judged, view) {
  const aged = judged
    .filter(({ hidden, entry }) => !hidden && entry.data_through !== null)
    .map(({ entry, state }) => {
      const age = Math.max(0, view.now - Date.parse(entry.data_through));
      const { soft, hard } = entry.threshold_minutes;
      return { entry, state, age, used: age / (soft * 60_000), hard };
    })
    .toSorted((a, b) => b.used - a.used);
  const rows = aged
    .slice(0, LAGGARDS)
    .map(({ entry, state, age, used, hard }) => [
      entry.key,
      element('span', { class: 'state', 'data-state': state }, STATES[state].word),
      when(entry.data_through, view),
      spell(age),
      percent(used, 0),
      `${limit(entry.threshold_minutes.soft)} / ${limit(hard)}`,
    ]);
  const more =
    aged.length > LAGGARDS ? element('p', { class: 'quiet' }, `${aged.length - LAGGARDS} pairs lag less.`) : null;
  return [
    table('Lag of each pair', ['Pair', 'State', 'Data through', 'Age', 'Of soft limit', 'Soft / hard'], rows, {
      empty: 'Nothing is published yet.',
    }),
    more,
  ];
}

const DAY_MINUTES = 1440;

/** Whole days as such; what is no whole number of them stays exact. */
function limit(minutes) {
  return minutes % DAY_MINUTES === 0 ? spell(minutes * 60_000) : `${minutes} min`;
}

export function changes(operations, view) {
  const rows = operations.changes
    .slice(0, 100)
    .map(({ at, kind, pair, sentence }) => [when(at, view), pair ?? '', kind, sentence.replaceAll('->', '\u2192')]);
  return table('Changes', ['When', 'Pair', 'What', 'How'], rows, { empty: 'Nothing changed in the last 24 h.' });
}

export function runs(operations, view) {
  return [
    element('h3', {}, 'Schedules'),
    operations.schedules === null
      ? unmeasured('Schedules', 'Temporal did not answer the worker in time')
      : scheduleTable(operations, view),
    element('h3', {}, 'Cycles'),
    cycleTable(operations, view),
  ];
}

function scheduleTable(operations, view) {
  const rows = operations.schedules.map((schedule) => [
    scheduleLink(operations, schedule.id),
    schedule.paused ? element('strong', { class: 'paused' }, 'paused') : 'on',
    schedule.note,
    schedule.paused ? '\u2013' : when(schedule.next_run_at, view),
    when(schedule.last_run_at, view),
    schedule.running.length === 0 ? '' : schedule.running.map((id) => runLink(operations, { id, run: null })),
    `${schedule.missed} / ${schedule.skipped}`,
  ]);
  const actions = operations.schedules.flatMap(({ id, paused }) => [
    paused
      ? [`resume ${id}`, `npx coin-predict schedule resume ${id}`]
      : [`pause ${id}`, `npx coin-predict schedule pause ${id} --reason "why"`],
    [`start ${id} now`, `npx coin-predict schedule trigger ${id}`],
  ]);
  const head = ['Schedule', 'State', 'Reason or note', 'Next run', 'Last run', 'Running', 'Missed / skipped'];
  return [table('Schedules', head, rows), commands('schedules', 'Pause, resume, start', actions)];
}

function cycleTable(operations, view) {
  const rows = operations.runtime.map((runtime) => [
    runtime.timeframe,
    String(runtime.cycles),
    seconds(runtime.average_seconds),
    seconds(runtime.p95_seconds),
    seconds(runtime.target_seconds),
    percent(runtime.overrun_rate),
    percent(runtime.success_rate),
    String(runtime.missed_boundaries),
    runtime.last === null
      ? ''
      : [
          `${runtime.last.outcome ?? 'running'}, ${when(runtime.last.started_at, view)} `,
          runLink(operations, runtime.last.workflow),
        ],
  ]);
  const head = ['Timeframe', 'Cycles', 'Average', 'p95', 'Target', 'Overruns', 'Success', 'Missed', 'Last'];
  return table('Cycles of each timeframe', head, rows);
}

const CAUSES = {
  unexplained: 'not asked for yet',
  suspect: 'asked for, not decided',
  confirmed_empty: 'the exchange has nothing there',
  outage: 'the exchange was down',
};

export function coverage(operations, view) {
  return [fills(operations, view), legend(), ...operations.coverage.map((pair) => strip(pair, view))];
}

function legend() {
  const item = (kind, text) => element('li', {}, element('i', { class: `key ${kind}`, 'aria-hidden': 'true' }), text);
  return element(
    'ul',
    { class: 'legend' },
    item('stored', 'stored'),
    item('before', 'older, not fetched'),
    Object.entries(CAUSES).map(([kind, text]) => item(kind, text)),
  );
}

function strip(pair, view) {
  const key = `${pair.symbol} ${pair.timeframe}`;
  if (pair.start === null)
    return element('div', { class: 'strip' }, element('h3', {}, key), element('p', {}, 'no candles'));
  const [start, end] = [pair.start, pair.end].map((text) => Date.parse(text));
  const from = Math.min(start, Date.parse(pair.exchange_earliest ?? pair.start));
  const share = (at) => (at - from) / Math.max(1, end - from);
  const segments = [
    ...(from < start ? [{ from: 0, to: share(start), kind: 'before' }] : []),
    { from: share(start), to: 1, kind: 'stored' },
    ...pair.holes.map((hole) => ({
      from: share(Date.parse(hole.from)),
      to: share(Date.parse(hole.to)),
      kind: hole.cause,
    })),
  ];
  const words = holeWords(pair);
  const rows = pair.holes.map((hole) => [
    when(hole.from, view),
    String(hole.slots),
    CAUSES[hole.cause],
    String(hole.asks),
    when(hole.last_asked_at, view),
  ]);
  return element(
    'div',
    { class: 'strip' },
    element(
      'h3',
      {},
      key,
      element('span', { class: 'quiet' }, ` ${pair.candles.toLocaleString('en')} candles, ${words}`),
    ),
    bar(`Coverage of ${key}: ${words}`, segments),
    rows.length === 0
      ? null
      : element(
          'details',
          { 'data-name': `holes ${key}` },
          element('summary', {}, 'Holes'),
          table(`Holes of ${key}`, ['From', 'Slots', 'Cause', 'Asked', 'Last asked'], rows),
        ),
  );
}

function holeWords({ holes, holes_total }) {
  if (holes_total === 0) return 'no hole';
  const counts = Object.keys(CAUSES)
    .map((cause) => [cause, holes.filter((hole) => hole.cause === cause).length])
    .filter(([, count]) => count > 0)
    .map(([cause, count]) => `${count} ${CAUSES[cause]}`);
  const left = holes_total > holes.length ? `, ${holes_total - holes.length} older ones` : '';
  return `${holes_total} hole${holes_total === 1 ? '' : 's'}: ${counts.join(', ')}${left}`;
}

function fills(operations, view) {
  if (operations.fills === null) return unmeasured('Fills', 'Temporal did not answer the worker in time');
  const rows = operations.fills
    .filter(({ status }) => status !== 'completed')
    .map((fill) => [
      `${fill.symbol} ${fill.timeframe}`,
      fill.status,
      fill.progress === null
        ? 'starting'
        : [
            element('progress', {
              max: '1',
              value: String(fill.progress),
              'aria-label': `Fill of ${fill.symbol} ${fill.timeframe}`,
            }),
            ` ${percent(fill.progress)}`,
          ],
      fill.stored.toLocaleString('en'),
      when(fill.reached, view),
      fill.seconds_left === null ? '\u2013' : spell(fill.seconds_left * 1000),
      runLink(operations, { id: fill.workflow_id, run: null }),
    ]);
  const head = ['Fill', 'State', 'Progress', 'Stored', 'Reached', 'Left', 'Run'];
  return table('Fills', head, rows, { empty: 'No fill is running and none has failed.' });
}

export function storage({ storage: used }, view) {
  const share = used.used_bytes === null || used.budget_bytes === null ? null : used.used_bytes / used.budget_bytes;
  const growth =
    used.bytes_per_day === null ? 'growth is not yet measured' : `grows ${bytes(used.bytes_per_day)} a day`;
  const left =
    used.days_left === null
      ? 'no day is in sight on which new fills would stop'
      : `${Math.floor(used.days_left).toLocaleString('en')} days until new fills stop at 90 %`;
  const sentence = `${bytes(used.used_bytes)} of ${bytes(used.budget_bytes)} (${percent(share, 2)}), ${growth}; ${left}.`;
  const segments = share === null ? [] : [{ from: 0, to: share, kind: `level-${used.level}` }];
  const marks = [0.7, 0.85, 0.9].map((at) => ({ from: at, to: at, kind: 'threshold' }));
  return [
    element(
      'p',
      {},
      element('span', { class: 'state', 'data-level': used.level }, `level ${used.level}`),
      ` ${sentence}`,
    ),
    bar(`Storage used: ${sentence}`, [...segments, ...marks], 16),
    element(
      'p',
      { class: 'quiet' },
      `Marks: warning 70 %, critical 85 %, block 90 %. ${used.samples} sizes measured since ${when(used.sampled_since, view)}.`,
    ),
  ];
}
