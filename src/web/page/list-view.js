/** The list: a symbol a line, a cell for each of its timeframes with status word, age and the change of its last candle. */
import { loadDocument } from './documents.js';
import { element, setText } from './elements.js';
import { judgePair, placeOf } from './judgement.js';
import { STATUS_WORDS, changeWords, spell } from './words.js';

/** Histories are read only for cells that are on the screen, few at a time. */
const READ_AT_ONCE = 3;

export function createList(target) {
  const cells = new Map();
  const waiting = [];
  let reading = 0;
  const seen = new IntersectionObserver((changes) => {
    for (const { isIntersecting, target: link } of changes) {
      if (!isIntersecting) continue;
      seen.unobserve(link);
      waiting.push(link);
    }
    readNext();
  });

  function readNext() {
    while (reading < READ_AT_ONCE && waiting.length > 0) {
      const cell = cells.get(waiting.shift().dataset.place);
      if (cell === undefined || !cell.served) continue;
      reading += 1;
      void loadDocument(cell.entry, 'history').then((history) => {
        reading -= 1;
        cell.change = changeOf(history);
        showChange(cell);
        readNext();
      });
    }
  }

  return {
    /** Makes the list anew for these entries. */
    show(entries) {
      const focused = document.activeElement?.dataset?.place;
      seen.disconnect();
      waiting.length = 0;
      cells.clear();
      const symbols =
        Map.groupBy === undefined ? groupBySymbol(entries) : Map.groupBy(entries, (entry) => entry.symbol);
      target.replaceChildren(...[...symbols].map(([symbol, own]) => symbolLine(symbol, own, cells)));
      for (const { link } of cells.values()) seen.observe(link);
      if (focused !== undefined) cells.get(focused)?.link.focus({ preventScroll: true });
    },
    /** Judges every cell again. */
    tick(manifest, now, selected) {
      for (const [place, cell] of cells) tickCell(cell, judgePair(cell.entry, manifest, now), now, place === selected);
    },
  };
}

function groupBySymbol(entries) {
  const groups = new Map();
  for (const entry of entries) groups.set(entry.symbol, [...(groups.get(entry.symbol) ?? []), entry]);
  return groups;
}

function symbolLine(symbol, entries, cells) {
  const links = entries.map((entry) => {
    const chip = element('span', { class: 'word' });
    const age = element('span', { class: 'age' });
    const change = element('span', { class: 'change' });
    const name = element('span', { class: 'timeframe' }, entry.timeframe);
    const link = element(
      'a',
      { href: `#${placeOf(entry)}`, class: 'cell', 'data-place': placeOf(entry) },
      element('span', { class: 'visually-hidden' }, `${symbol} `),
      [name, chip, age, change].flatMap((part) => [part, ' ']),
    );
    cells.set(placeOf(entry), { entry, link, chip, age, changed: change, change: null, served: true });
    return element('li', {}, link);
  });
  return element('li', { class: 'symbol' }, element('h2', {}, symbol), element('ul', { class: 'cells' }, links));
}

function tickCell(cell, verdict, now, selected) {
  const { entry, link } = cell;
  const { word } = STATUS_WORDS[verdict.look] ?? { word: verdict.look };
  const age = entry.data_through === null ? '' : spell(now - Date.parse(entry.data_through));
  cell.served = verdict.serveAllowed;
  link.dataset.look = verdict.look;
  link.toggleAttribute('data-degraded', verdict.serveAllowed && verdict.degraded);
  if (selected) link.setAttribute('aria-current', 'true');
  else link.removeAttribute('aria-current');
  setText(cell.chip, verdict.serveAllowed && verdict.degraded ? `${word}, degraded` : word);
  setText(cell.age, age === '' ? '' : `${age} old`);
  showChange(cell);
}

/** A pair that is not served shows no number: its last one would look current. */
function showChange(cell) {
  const shown = cell.served && cell.change !== null;
  setText(cell.changed, shown ? changeWords(cell.change) : '');
  cell.changed.dataset.sign = !shown ? '' : cell.change < 0 ? 'down' : 'up';
}

/** The last close against the close before it. */
function changeOf(history) {
  const [before, last] = history?.data.slice(-2) ?? [];
  return last === undefined ? null : last.close / before.close - 1;
}
