/** The matrix of pairs, and what there is to say of the one that is chosen. */
import { STATES, worstOf } from './health.js';
import { commands, element, runLink, shortVersion, table, when } from './parts.js';
import { spell } from './shared/page/words.js';

/** Symbols down, timeframes across; a cell is a link to its pair. */
export function matrix(judged, chosen, view) {
  const timeframes = [...new Set(judged.map(({ entry }) => entry.timeframe))];
  const symbols = Map.groupBy(judged, ({ entry }) => entry.symbol);
  const rows = [...symbols].map(([symbol, own]) => {
    const worst = worstOf(own.map(({ state }) => state));
    const cells = timeframes.map((timeframe) => {
      const pair = own.find(({ entry }) => entry.timeframe === timeframe);
      return pair === undefined ? '' : cell(pair, chosen, view);
    });
    return [symbol, element('span', { class: 'state', 'data-state': worst }, STATES[worst].word), ...cells];
  });
  return table('Health of every pair', ['Symbol', 'Worst', ...timeframes], rows, { empty: 'No pair matches.' });
}

function cell({ entry, state, degraded, blocked, hidden }, chosen, { now }) {
  const age = entry.data_through === null ? 'no data' : spell(now - Date.parse(entry.data_through));
  const marks = [degraded ? 'degraded' : null, blocked ? 'blocked' : null, hidden ? 'hidden' : null].filter(
    (mark) => mark !== null && mark !== state,
  );
  return element(
    'a',
    {
      class: 'pair',
      href: `#pair=${encodeURIComponent(entry.key)}`,
      'data-state': state,
      'data-key': entry.key,
      'aria-current': entry.key === chosen ? 'true' : null,
    },
    element('span', { class: 'visually-hidden' }, `${entry.key} `),
    element('span', { class: 'word' }, STATES[state].word),
    ' ',
    element('span', { class: 'age' }, age),
    marks.flatMap((mark) => [' ', element('span', { class: 'mark' }, mark)]),
  );
}

/** Everything of one pair: why it is as it is, its stages, and what to type next. */
export function pairDetail({ entry, state, verdict }, operations, view) {
  const { operations: facts } = entry;
  const symbolOption = `--symbol ${entry.symbol} --timeframe ${entry.timeframe}`;
  const reason = verdict.reason ?? entry.export_block ?? entry.gate_reason;
  return [
    element('h3', {}, `${entry.key} `, element('span', { class: 'state', 'data-state': state }, STATES[state].word)),
    element('p', {}, reason === null ? STATES[state].meaning : `${STATES[state].meaning}: ${reason}`),
    element(
      'dl',
      { class: 'facts' },
      [
        ['Data through', when(entry.data_through, view)],
        [
          'Limits',
          `stale after ${entry.threshold_minutes.soft} min, not served after ${entry.threshold_minutes.hard} min`,
        ],
        ['Served', verdict.serveAllowed && entry.visibility === 'visible' ? 'yes' : 'no'],
        ['Symbol', entry.symbol_state],
        ['Model', modelWords(facts.model)],
        ['Shadow', typeof facts.shadow_version === 'string' ? shortVersion(facts.shadow_version) : '\u2013'],
        ['Last run', runLink(operations, facts.workflow)],
      ].map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
    ),
    stages(entry.key, facts.stages, view),
    commands(`pair ${entry.key}`, 'What to do', [
      ['explain its state', `npx coin-predict why ${entry.symbol} ${entry.timeframe}`],
      ['bring it up to date', `npx coin-predict cycle run ${entry.timeframe}`],
      ['fetch its missing history', `npx coin-predict data backfill ${symbolOption}`],
      ['freeze its timeframe', `npx coin-predict schedule pause cycle-${entry.timeframe} --reason "why"`],
      ['check what is published', 'npx coin-predict export verify'],
    ]),
  ];
}

function modelWords(model) {
  return model === null || typeof model !== 'object'
    ? '\u2013'
    : `${model.family} ${shortVersion(String(model.version))}`;
}

function stages(key, stageFacts, view) {
  const rows = (Array.isArray(stageFacts) ? stageFacts : []).map((stage) => [
    stage.stage,
    when(stage.last_success_at, view),
    when(stage.last_failure_at, view),
    String(stage.failure_count ?? 0),
    [stage.code, stage.message].filter(Boolean).join(': '),
  ]);
  return table(`Stages of ${key}`, ['Stage', 'Last success', 'Last failure', 'Failures since', 'Cause'], rows, {
    empty: 'No stage has reported yet.',
  });
}
