/** One pair: how old it is, its chart, its forecast in numbers, and how good the forecasts have been. */
import { drawChart, readCandles, readPast, readSteps } from './chart.js';
import { loadDocument } from './documents.js';
import { element, setText } from './elements.js';
import { judgePair, placeOf } from './judgement.js';
import { pastChoice, pastOf, pastSentence, pastTable, pastTargets, recordSection, tableOf } from './record-view.js';
import { STATUS_WORDS, agoWords, changeWords, priceWords, timeWords, timeframeWords } from './words.js';

const CANDLES_SHOWN = 72;
const CANDLES_SHOWN_NARROW = 40;

export function createDetail(target) {
  let shown = { signature: '', removeChart: null, tick: null };
  /** Steps ahead of the earlier forecasts on the chart; the reader's choice outlives a change of pair. */
  let chosen = 1;

  function clear() {
    shown.removeChart?.();
    shown = { signature: '', removeChart: null, tick: null };
    target.replaceChildren();
  }

  return {
    /** Nothing is selected, or what was selected is not published. */
    showMessage(text) {
      if (shown.signature === text) return;
      clear();
      shown.signature = text;
      target.append(element('p', { class: 'empty' }, text));
      delete target.dataset.look;
    },
    /** Shows the pair, made anew only when something other than its age has changed. */
    async show(entry, manifest, clock, local) {
      const verdict = judgePair(entry, manifest, clock());
      const files = [entry.files.history?.sha256, entry.files.prediction?.sha256];
      const signature = [placeOf(entry), ...files, verdict.look, verdict.serveAllowed, entry.degraded, local].join(' ');
      if (shown.signature === signature) return shown.tick?.(entry, manifest);
      const samePair = shown.signature.startsWith(`${placeOf(entry)} `);
      if (!samePair || !verdict.serveAllowed) clear();
      shown.signature = signature;
      const kinds = verdict.serveAllowed ? ['history', 'prediction'] : [];
      const [history = null, prediction = null] = await Promise.all(kinds.map((kind) => loadDocument(entry, kind)));
      if (shown.signature !== signature) return undefined;
      const open = new Set([...target.querySelectorAll('details[open]')].map((item) => item.dataset.name));
      const focused = document.activeElement?.name === 'past';
      clear();
      // Documents that could not be read are asked for again with the next tick.
      const complete =
        !verdict.serveAllowed || (history !== null && (prediction !== null || entry.files.prediction === null));
      shown.signature = complete ? signature : '';
      build(entry, { history, prediction, complete }, clock, local, open);
      if (focused) target.querySelector('input[name="past"]:checked')?.focus({ preventScroll: true });
      return shown.tick(entry, manifest);
    },
  };

  function build(entry, documents, clock, local, open) {
    const chip = element('span', { class: 'word' });
    const age = element('p', { class: 'through' });
    const notices = element('div', { class: 'notices', role: 'alert' });
    target.append(
      element('a', { href: '#', class: 'back' }, 'All pairs'),
      element(
        'div',
        { class: 'title' },
        element('h2', {}, entry.symbol),
        element('span', { class: 'timeframe' }, timeframeWords(entry.timeframe)),
        chip,
      ),
      age,
      notices,
    );
    const { history, prediction } = documents;
    if (history !== null) addDocuments(history, prediction, clock, local, open);
    shown.tick = (current, manifest) => {
      const now = clock();
      const verdict = judgePair(current, manifest, now);
      target.dataset.look = verdict.look;
      const word = STATUS_WORDS[verdict.look]?.word ?? verdict.look;
      const degraded = verdict.serveAllowed && current.degraded;
      target.toggleAttribute('data-degraded', degraded);
      setText(chip, degraded ? `${word}, degraded` : word);
      setText(age, ageWords(current, now, local));
      showNotices(notices, noticesOf(current, verdict, documents, now, local));
    };
  }

  function addDocuments(history, prediction, clock, local, open) {
    const candles = readCandles(history, target.clientWidth < 560 ? CANDLES_SHOWN_NARROW : CANDLES_SHOWN);
    const steps = readSteps(prediction, readCandles(history, history.data.length));
    const readout = element('p', { class: 'readout' });
    const place = element('div', { class: 'chart', role: 'img', 'aria-label': chartLabel(history, prediction) });
    const say = (at) => setText(readout, readoutWords(at, candles, steps, clock(), local));
    say(null);
    const told = element('p', { class: 'past-words', role: 'status' });
    const draw = () => {
      shown.removeChart?.();
      const past = readPast(pastTargets(prediction, chosen));
      shown.removeChart = drawChart(place, { candles, steps, past, local, onCursor: say });
      setText(told, pastSentence(prediction, chosen));
    };
    const choose = (step) => {
      chosen = step;
      draw();
    };
    const hasPast = pastOf(prediction).length > 0;
    target.append(
      element(
        'figure',
        {},
        readout,
        place,
        legend(prediction !== null, hasPast),
        hasPast ? pastChoice(prediction, chosen, choose) : null,
        told,
      ),
      facts(history, prediction, clock(), local),
    );
    if (prediction !== null) {
      target.append(recordSection(prediction));
      if (hasPast) target.append(pastTable(prediction, clock(), local, open.has('past')));
      target.append(stepTable(prediction, clock(), local, open.has('steps')));
    }
    draw();
  }
}

function ageWords(entry, now, local) {
  if (entry.data_through === null) return 'No data has been published yet.';
  const at = Date.parse(entry.data_through);
  return `Data through ${timeWords(at, now, local)}, ${agoWords(now - at)}.`;
}

function noticesOf(entry, verdict, { history, complete }, now, local) {
  const notices = [];
  const { word, meaning } = STATUS_WORDS[verdict.look] ?? { word: 'blocked', meaning: 'This pair is blocked.' };
  if (!verdict.serveAllowed)
    notices.push([
      'bad',
      `Not shown: ${word}.`,
      verdict.reason === null ? meaning : `${meaning} Reason: ${verdict.reason}.`,
    ]);
  else if (verdict.look === 'stale') notices.push(['warn', 'Stale.', `${meaning} Reason: ${verdict.reason}.`]);
  else if (verdict.look === 'late') notices.push(['warn', 'Not confirmed.', meaning]);
  if (verdict.serveAllowed && entry.degraded) {
    const file = entry.files.prediction;
    const since =
      file === null ? '' : ` It rests on data through ${timeWords(Date.parse(file.data_through), now, local)}.`;
    notices.push(['warn', 'Degraded.', `The last forecast run failed; the last good forecast is shown.${since}`]);
  }
  if (!complete) {
    const what = history === null ? 'The documents' : 'The forecast';
    notices.push(['warn', 'Not loaded.', `${what} can not be read at the moment. This page tries again.`]);
  }
  return notices;
}

function showNotices(target, notices) {
  const text = JSON.stringify(notices);
  if (target.dataset.shown === text) return;
  target.dataset.shown = text;
  target.replaceChildren(
    ...notices.map(([kind, head, rest]) =>
      element('p', { class: `notice ${kind}` }, element('strong', {}, head), ` ${rest}`),
    ),
  );
}

function chartLabel(history, prediction) {
  const fan = prediction === null ? '' : ', and the ranges of the forecast; the numbers are in the table below';
  return `Chart: the last candles of ${history.symbol}${fan}`;
}

function legend(predicts, hasPast) {
  const item = (name, text) => element('li', {}, element('i', { class: `key ${name}`, 'aria-hidden': 'true' }), text);
  const fan = [
    item('median', 'forecast, middle'),
    item('fan-50', '50 %'),
    item('fan-80', '80 %'),
    item('fan-95', '95 % range'),
  ];
  return element(
    'ul',
    { class: 'legend' },
    item('up', 'up'),
    item('down', 'down'),
    item('last', 'same as now'),
    predicts ? fan : [],
    hasPast ? item('past', 'forecast earlier, 80 %') : null,
  );
}

/** What is under the pointer, or the last close when there is no pointer. */
function readoutWords(at, candles, steps, now, local) {
  const last = candles.at(-1);
  const step = steps.find((item) => item.at === at && item.at > last.closeAt);
  if (step !== undefined) {
    const { lower, upper } = step.intervals['80'];
    return `${timeWords(at * 1000, now, local)}: ${priceWords(step.price)}, 80 % between ${priceWords(lower)} and ${priceWords(upper)}`;
  }
  const candle = candles.find((item) => item.closeAt === at) ?? last;
  const values = ['open', 'high', 'low', 'close'].map((name) => `${name} ${priceWords(candle[name])}`);
  return `From ${timeWords(candle.openAt * 1000, now, local)}: ${values.join(', ')}`;
}

function facts(history, prediction, now, local) {
  const [before, last] = history.data.slice(-2).length === 2 ? history.data.slice(-2) : [null, history.data.at(-1)];
  const change = before === null ? '' : ` (${changeWords(last.close / before.close - 1)} on the candle before)`;
  const rows = [['Last close', `${priceWords(last.close)}${change}`]];
  if (prediction !== null) {
    // A degraded forecast can begin before the last close: what has happened since is not a forecast any more.
    const steps = prediction.forecast.filter((step) => step.timestamp > history.data_through);
    const ends = steps.length > 1 ? [steps[0], steps.at(-1)] : steps;
    rows.push(...ends.map((step) => [`At ${timeWords(Date.parse(step.timestamp), now, local)}`, stepWords(step)]));
    const { family, version } = prediction.model;
    const model = [
      `${family}, version `,
      element('code', { title: version }, version.length > 16 ? `${version.slice(0, 12)}\u2026` : version),
    ];
    rows.push(['Model', model], ['Issued', timeWords(Date.parse(prediction.issued_at), now, local)]);
  }
  return element(
    'dl',
    { class: 'facts' },
    rows.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
  );
}

function stepWords(step) {
  const range = `80 % between ${priceWords(step.lower_bound)} and ${priceWords(step.upper_bound)}`;
  return `forecast ${priceWords(step.price)}, ${range}`;
}

function stepTable(prediction, now, local, open) {
  const range = ({ lower, upper }) => `${priceWords(lower)} \u2013 ${priceWords(upper)}`;
  const head = ['Close at', 'Middle', '50 % range', '80 % range', '95 % range'];
  const rows = prediction.forecast.map((step) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, timeWords(Date.parse(step.timestamp), now, local)),
      element('td', {}, priceWords(step.price)),
      ['50', '80', '95'].map((level) => element('td', {}, range(step.intervals[level]))),
    ),
  );
  return tableOf('The forecast as a table', 'steps', head, rows, open);
}
