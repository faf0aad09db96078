/** Models, alerts and SLA: what the lifecycle and the monitor report. */
import { bar, commands, element, percent, runLink, shortVersion, table, when } from './parts.js';

export function models(document, operations, view) {
  if (document.timeframes.length === 0) return [element('p', { class: 'quiet' }, 'No model has forecast yet.')];
  return document.timeframes.map((item) => timeframeModels(item, operations, view));
}

function timeframeModels(item, operations, view) {
  const { timeframe, champion, shadow, last_decision: decision } = item;
  const shadowWords =
    shadow === null
      ? 'none'
      : `${shadow.family} ${shortVersion(shadow.version)}, ${shadow.origins} of ${shadow.origins_needed} origins scored`;
  return element(
    'div',
    { class: 'card' },
    element('h3', {}, timeframe),
    facts([
      [
        'Champion',
        champion === null
          ? 'none yet'
          : `${champion.family} ${shortVersion(champion.version)}, since ${when(champion.since, view)}`,
      ],
      ['Shadow', shadowWords],
      ['Training', trainingWords(item.training, operations, view)],
    ]),
    decision === null
      ? element('p', { class: 'quiet' }, 'No decision has been made yet.')
      : decisionPart(decision, timeframe, view),
    drift(item, view),
    history(item, view),
    commands(`models ${timeframe}`, 'Train or go back', [
      [
        `train ${timeframe} now`,
        `temporal workflow start --type train --workflow-id train-${timeframe} --task-queue coin-predict --input '{"timeframe":"${timeframe}"}'`,
      ],
      [`freeze ${timeframe}`, `npx coin-predict schedule pause cycle-${timeframe} --reason "why"`],
    ]),
  );
}

function facts(rows) {
  return element(
    'dl',
    { class: 'facts' },
    rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  );
}

function trainingWords(training, operations, view) {
  if (training === null) return 'not yet measured';
  const failed = training.failed_symbols.length === 0 ? '' : `; failed: ${training.failed_symbols.join(', ')}`;
  return [`last success ${when(training.last_success_at, view)}${failed} `, runLink(operations, training.workflow)];
}

function decisionPart(decision, timeframe, view) {
  const basis = decision.basis === null ? '' : `, on ${decision.origins ?? '?'} origins of the ${decision.basis}`;
  const rows = decision.criteria.map((criterion) => [
    criterion.name,
    criterion.value === null ? 'not computable' : criterion.value.toLocaleString('en', { maximumFractionDigits: 4 }),
    criterion.threshold,
    element('span', { class: criterion.passed ? 'passed' : 'failed' }, criterion.passed ? 'passed' : '\u00d7 failed'),
    criterion.detail ?? '',
  ]);
  return [
    element(
      'p',
      {},
      element('strong', {}, `${decision.kind.replaceAll('_', ' ')} ${decision.outcome}`),
      ` ${when(decision.at, view)}${basis}. ${decision.reason}`,
    ),
    table(`Criteria of the last decision for ${timeframe}`, ['Criterion', 'Value', 'Required', 'Result', ''], rows, {
      empty: 'It rests on no criterion.',
    }),
  ];
}

function drift({ drift: observed, timeframe }, view) {
  if (observed.length === 0) return null;
  const rows = observed.map(({ name, value, threshold, alarming, observed_at }) => [
    name,
    value === null ? 'not computable' : value.toLocaleString('en', { maximumFractionDigits: 3 }),
    threshold,
    element('span', { class: alarming ? 'failed' : 'passed' }, alarming ? '\u00d7 drifting' : 'steady'),
    when(observed_at, view),
  ]);
  return table(`Drift of ${timeframe}`, ['Drift', 'Value', 'Alarm at', 'Result', 'Observed'], rows);
}

function history({ history: changes, timeframe }, view) {
  const rows = changes.map(({ at, action, family, version, by, reason }) => [
    when(at, view),
    action.replaceAll('_', ' '),
    `${family} ${shortVersion(version)}`,
    by,
    reason,
  ]);
  return element(
    'details',
    { 'data-name': `history ${timeframe}` },
    element('summary', {}, `Champions of ${timeframe}`),
    table(`Champions of ${timeframe}`, ['When', 'What', 'Model', 'By', 'Why'], rows, { empty: 'No change yet.' }),
  );
}

/** The monitor looks every minute; a silence of three means that nobody is watching. */
const SILENT_AFTER = 3 * 60_000;

export function alerts(document, operations, view) {
  const { monitored_at: monitored, mute } = document;
  const silent = monitored === null || !(view.now - Date.parse(monitored) <= SILENT_AFTER);
  const active = mute !== null && view.now < Date.parse(mute.until);
  return [
    silent
      ? element(
          'p',
          { class: 'warning' },
          element('strong', {}, 'Nobody is watching. '),
          `The monitor\u2019s last round: ${when(monitored, view)}.`,
        )
      : element('p', { class: 'quiet' }, `Last round of the monitor: ${when(monitored, view)}.`),
    active
      ? element(
          'p',
          { class: 'warning' },
          element('strong', {}, 'Muted. '),
          `${mute.reason}, until ${when(mute.until, view)}`,
        )
      : null,
    element('h3', {}, 'Firing'),
    alertTable('Alerts that are firing', document.firing, operations, view, false),
    element(
      'details',
      { 'data-name': 'past alerts' },
      element('summary', {}, `Past (${document.past.length})`),
      alertTable('Past alerts', document.past, operations, view, true),
    ),
    element('h3', {}, 'Receivers'),
    table(
      'Receivers',
      ['Receiver', 'Kind', 'State', 'Waiting', 'Last success'],
      document.receivers.map(({ name, kind, state, pending, last_success_at }) => [
        name,
        kind,
        state,
        String(pending),
        when(last_success_at, view),
      ]),
      { empty: 'None is configured: alerts are only logged.' },
    ),
  ];
}

function alertTable(label, items, operations, view, ended) {
  const rows = items.map((item) => [
    element('span', { class: 'severity', 'data-severity': item.severity }, item.severity),
    item.event.replaceAll('_', ' '),
    pairWords(item.pairs),
    item.detail,
    when(item.since, view),
    ...(ended ? [when(item.ended_at, view)] : []),
    `${item.delivery}, ${item.notified} sent`,
    item.runbook === null ? '' : element('code', {}, `docs/runbooks/${item.runbook}`),
    runLink(operations, item.workflow),
  ]);
  const times = ended ? ['Since', 'Ended'] : ['Since'];
  const head = ['Severity', 'Alert', 'Pairs', 'Detail', ...times, 'Delivery', 'Runbook', 'Run'];
  return table(label, head, rows, { empty: 'None.' });
}

const PAIRS_NAMED = 4;

function pairWords(pairs) {
  const named = pairs.slice(0, PAIRS_NAMED).map(({ symbol, timeframe }) => `${symbol} ${timeframe}`);
  const rest = pairs.length - named.length;
  return pairs.length === 0 ? 'all' : named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

export function sla(document, view) {
  const { window: figures, error_budget: budget, days, review } = document;
  const rows = days.map((day) => [day.day, ...slaCells(day)]);
  const head = ['Day', 'Availability', 'Probes', 'Alerts missed', 'Stale repaired in'];
  return [
    element(
      'p',
      {},
      `Promise: ${percent(document.objective, 3)} of the probes are answered well. ${when(figures.from, view)} until ${when(figures.to, view)}:`,
    ),
    table('Service levels in the window', ['Window', ...head.slice(1)], [['now', ...slaCells(figures)]]),
    budget === null
      ? element(
          'p',
          { class: 'unmeasured' },
          element('strong', {}, 'Not yet measured. '),
          'Error budget: no probe has been made yet.',
        )
      : budgetPart(budget),
    table('Service levels by day', head, rows, { empty: 'No day has ended yet.' }),
    review === null
      ? null
      : element(
          'div',
          { class: 'card' },
          element('h3', {}, `Week of ${review.week_start}`),
          review.sentences.map((sentence) => element('p', {}, sentence)),
        ),
  ];
}

function slaCells(figures) {
  const mttr = figures.mttr_stale_minutes;
  return [
    percent(figures.availability, 3),
    `${figures.good_probes.toLocaleString('en')} of ${figures.probes.toLocaleString('en')}`,
    percent(figures.alert_miss_rate),
    mttr === null ? '\u2013' : `${mttr.toLocaleString('en', { maximumFractionDigits: 1 })} min`,
  ];
}

function budgetPart({ allowed_bad_probes: allowed, bad_probes: bad, remaining }) {
  const words = `${bad.toLocaleString('en')} of ${Math.floor(allowed).toLocaleString('en')} allowed bad probes used; ${percent(remaining)} of the error budget is left`;
  const kind = remaining <= 0 ? 'level-block' : remaining < 0.25 ? 'level-critical' : 'level-ok';
  return [element('p', {}, `${words}.`), bar(words, [{ from: 0, to: Math.max(0, remaining), kind }], 16)];
}
