/**
 * Reads the published documents, from this server or any static host: addresses are relative to the page.
 * A document is asked for by its hash, so that all that is shown belongs to one manifest; a host that only has the
 * canonical names is asked for those.
 */
import { hearServer } from './clock.js';

const loaded = new Map();
/** Documents are large; the ones used longest ago are forgotten first. */
const MOST_KEPT = 80;

/** The manifest as JSON. Throws with a sentence when there is none. */
export async function loadManifest() {
  const response = await fetch('static/manifest.json', { cache: 'no-cache' });
  hearServer(response);
  if (response.status === 503) {
    const said = await response.json().catch(() => null);
    if (said?.error === 'overloaded') throw new Error('The server is busy. This page looks again by itself.');
    throw new Error('Nothing has been published yet. This page looks again by itself.');
  }
  if (!response.ok) throw new Error(`The manifest can not be read (HTTP ${response.status}).`);
  const manifest = await response.json();
  if (!Array.isArray(manifest.entries) || !/^1\./.test(String(manifest.version))) {
    throw new Error('The manifest has a form that this page does not know. Reload the page.');
  }
  return manifest;
}

/** The document of a manifest entry's file, checked to be of that pair and age; null when it can not be had. */
export function loadDocument(entry, kind) {
  const file = entry.files[kind];
  if (file === null) return Promise.resolve(null);
  const known = loaded.get(file.sha256);
  if (known !== undefined) return known;
  const reading = read(entry, kind, file).catch(() => null);
  loaded.set(file.sha256, reading);
  void reading.then((document) => {
    if (document === null) loaded.delete(file.sha256);
  });
  if (loaded.size > MOST_KEPT) loaded.delete(loaded.keys().next().value);
  return reading;
}

async function read(entry, kind, file) {
  let response = await fetch(`static/objects/${file.sha256}.json`);
  if (response.status === 404) response = await fetch(`static/${file.name}`, { cache: 'no-cache' });
  hearServer(response);
  if (!response.ok) return null;
  const document = await response.json();
  const belongs =
    document.type === kind &&
    document.symbol === entry.symbol &&
    document.timeframe === entry.timeframe &&
    document.data_through === file.data_through;
  return belongs ? document : null;
}
