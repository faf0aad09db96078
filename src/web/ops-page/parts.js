/** Pieces that the sections are made of: tables, commands to copy, links to runs, bars. */
import { element } from './shared/page/elements.js';
import { agoWords, spell, timeWords } from './shared/page/words.js';

const SVG = 'http://www.w3.org/2000/svg';

/** A table that scrolls by itself on a narrow screen. Cells are text, elements, or lists of both. */
export function table(label, head, rows, { empty = 'none' } = {}) {
  if (rows.length === 0) return element('p', { class: 'quiet' }, empty);
  const columns = head.map((text) => element('th', { scope: 'col' }, text));
  const lines = rows.map(([first, ...rest]) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, first),
      rest.map((cell) => element('td', {}, cell)),
    ),
  );
  const made = element('table', {}, element('thead', {}, element('tr', {}, columns)), element('tbody', {}, lines));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, made);
}

/** Said plainly where a document or a figure is not there. */
export function unmeasured(what, why) {
  return element('p', { class: 'unmeasured' }, element('strong', {}, 'Not yet measured. '), `${what}: ${why}.`);
}

/** Commands with a button each; `lines` are pairs of what it does and the exact text. */
export function commands(name, title, lines) {
  return element(
    'details',
    { class: 'commands', 'data-name': name },
    element('summary', {}, title),
    element(
      'ul',
      {},
      lines.map(([what, text]) => commandLine(`${name} ${what}`, what, text)),
    ),
  );
}

function commandLine(key, what, text) {
  const code = element('code', {}, text);
  const button = element(
    'button',
    { type: 'button', 'data-key': key, 'aria-label': `Copy the command: ${what}` },
    'Copy',
  );
  button.addEventListener('click', () => void copy(code, button));
  return element('li', {}, element('span', {}, what), code, button);
}

/** Into the clipboard where the browser allows it; else the text is selected, so that the keys do it. */
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
  } catch {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = 'Selected';
  }
}

/** A link into the Temporal Web UI, or plain text where its address is not known. */
export function runLink(operations, workflow) {
  if (workflow === null || workflow === undefined) return '';
  const base = uiBase(operations);
  if (base === null) return element('code', {}, workflow.id);
  const run = workflow.run === null ? '' : `/${encodeURIComponent(workflow.run)}/history`;
  return outside(`${base}/workflows/${encodeURIComponent(workflow.id)}${run}`, workflow.id);
}

export function scheduleLink(operations, id) {
  const base = uiBase(operations);
  return base === null ? id : outside(`${base}/schedules/${encodeURIComponent(id)}`, id);
}

function uiBase(operations) {
  const address = operations?.temporal_ui ?? null;
  if (address === null || !/^https?:\/\//.test(address)) return null;
  return `${address.replace(/\/$/, '')}/namespaces/${encodeURIComponent(operations.namespace)}`;
}

function outside(href, text) {
  return element('a', { href, rel: 'noreferrer', target: '_blank' }, text);
}

/** Segments over 0..1 as a picture; what it shows is said in `label`. */
export function bar(label, segments, height = 12) {
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('class', 'bar');
  picture.setAttribute('viewBox', `0 0 1000 ${height}`);
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', label);
  for (const { from, to, kind } of segments) {
    const part = document.createElementNS(SVG, 'rect');
    const [left, right] = [from, to].map((share) => Math.max(0, Math.min(1, share)) * 1000);
    part.setAttribute('x', String(left));
    // A hole of one slot in ten years must still be seen.
    part.setAttribute('width', String(Math.max(2, right - left)));
    part.setAttribute('height', String(height));
    part.setAttribute('class', kind);
    picture.append(part);
  }
  return picture;
}

const VERSION_SHOWN = 28;

/** A content hash is long, and its beginning is enough to tell two apart. */
export function shortVersion(version) {
  return version.length > VERSION_SHOWN ? `${version.slice(0, VERSION_SHOWN - 1)}\u2026` : version;
}

/** `14:00 UTC, 12 min ago`; a dash for no time. */
export function when(text, view) {
  if (text === null || text === undefined) return '\u2013';
  const at = Date.parse(text);
  const { now, local } = view;
  return at <= now
    ? `${timeWords(at, now, local)}, ${agoWords(now - at)}`
    : `${timeWords(at, now, local)}, in ${spell(at - now)}`;
}

export function percent(share, digits = 1) {
  if (share === null || share === undefined) return '\u2013';
  return `${(share * 100).toLocaleString('en', { maximumFractionDigits: digits })} %`;
}

/** `12.3 MB`, in steps of 1000 as disks are sold. */
export function bytes(count) {
  if (count === null || count === undefined) return 'unknown';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(count))) / 3)));
  return `${(count / 1000 ** step).toLocaleString('en', { maximumFractionDigits: 1 })} ${units[step]}`;
}

export function seconds(value) {
  return value === null || value === undefined
    ? '\u2013'
    : `${value.toLocaleString('en', { maximumFractionDigits: 2 })} s`;
}

export { element };
