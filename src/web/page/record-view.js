/** How good the forecasts have been: the record in figures and sentences, and what was forecast earlier against what came. */
import { element } from './elements.js';
import { aheadWords, priceWords, qualityWords, recordFigures, timeWords } from './words.js';

/** The track record over its whole window. */
export function recordSection({ quality }) {
  const figures = recordFigures(quality).map(([name, value, mood]) =>
    element('div', { 'data-mood': mood }, element('dt', {}, name), element('dd', {}, value)),
  );
  return element(
    'section',
    { class: 'record', 'aria-label': 'Track record' },
    element('h3', {}, 'How good have the forecasts been?'),
    figures.length === 0 ? null : element('dl', { class: 'figures' }, figures),
    qualityWords(quality).map((sentence) => element('p', {}, sentence)),
  );
}

/** Which earlier forecasts the chart shows: a choice of how far ahead they were made, or none. */
export function pastChoice(prediction, chosen, onChoose) {
  const option = (step, text) => {
    const radio = element('input', { type: 'radio', name: 'past', value: String(step), checked: step === chosen });
    radio.addEventListener('change', () => onChoose(step));
    return element('label', {}, radio, text);
  };
  return element(
    'fieldset',
    { class: 'past-choice' },
    element('legend', {}, 'Earlier forecasts on the chart'),
    pastOf(prediction).map(({ step }) => option(step, `made ${aheadWords(prediction.timeframe, step)} ahead`)),
    option(0, 'none'),
  );
}

/** Hits and misses of the chosen ones, in one sentence. */
export function pastSentence(prediction, chosen) {
  const targets = pastTargets(prediction, chosen);
  if (targets.length === 0) return '';
  const held = targets.filter(({ within }) => within).length;
  const closes = targets.length === 1 ? 'the last close' : `the last ${targets.length} closes`;
  const misses = targets.length - held;
  const outside = misses === 0 ? '' : `, ${misses} did not (\u00d7 on the chart)`;
  return `Of ${closes}, ${held} came inside the 80 % range forecast ${aheadWords(prediction.timeframe, chosen)} before${outside}.`;
}

export function pastTargets(prediction, step) {
  return pastOf(prediction).find((item) => item.step === step)?.targets ?? [];
}

/** Documents of version 1.0 have no such part. */
export function pastOf(prediction) {
  return prediction?.past ?? [];
}

/** The same as a table: the chart is not the only way to read it. */
export function pastTable(prediction, now, local, open) {
  const rows = pastOf(prediction).flatMap(({ step, targets }) =>
    targets
      .toReversed()
      .map(({ timestamp, price, lower_bound, upper_bound, actual, within }) =>
        element(
          'tr',
          { 'data-within': String(within) },
          element('th', { scope: 'row' }, timeWords(Date.parse(timestamp), now, local)),
          element('td', {}, aheadWords(prediction.timeframe, step)),
          element('td', {}, priceWords(price)),
          element('td', {}, `${priceWords(lower_bound)} \u2013 ${priceWords(upper_bound)}`),
          element('td', {}, priceWords(actual)),
          element('td', {}, within ? 'inside' : '\u00d7 outside'),
        ),
      ),
  );
  const head = ['Close at', 'Made before', 'Middle', '80 % range', 'What came', 'Result'];
  return tableOf('What was forecast, and what came', 'past', head, rows, open);
}

/** A table behind a summary, which scrolls by itself on a narrow screen. */
export function tableOf(title, name, head, rows, open) {
  const columns = head.map((text) => element('th', { scope: 'col' }, text));
  const table = element('table', {}, element('thead', {}, element('tr', {}, columns)), element('tbody', {}, rows));
  return element(
    'details',
    { open, 'data-name': name },
    element('summary', {}, title),
    element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, table),
  );
}
