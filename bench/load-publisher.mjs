// Publishes a new generation each second through the real publisher, and lays the same files out for nginx.
// Five symbols on four timeframes; the newest hourly candle of each symbol changes, so ten documents are new each time.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const load = (path) => require(join(root, 'dist', 'src', path));
const { openPublishedTree } = load('adapters/files/published-tree.js');
const { openStateStore } = load('adapters/sqlite/state-store.js');
const { defaultRules } = load('domain/timeframe-rules.js');
const { closeOf, openOf, shiftSlots } = load('domain/timeframe.js');
const { systemClock } = load('ports/clock.js');
const { unscoredQuality } = load('publish/documents.js');
const { createPublisher } = load('publish/publisher.js');
const { readPublished } = load('publish/published-reader.js');

const [folder] = process.argv.slice(2);
const [publicDir, opsDir, peerDir] = ['public', 'ops', 'peer'].map((name) => join(folder, name));
const SYMBOLS = ['BTC', 'ETH', 'XRP', 'SOL', 'DOGE'].map((base) => `${base}/USDT`);
/** Candles that a history holds after some years; 1h is served for 30 days. */
const CANDLES = { '1h': 720, '1d': 1500, '1w': 300, '1M': 80 };

const state = await openStateStore(join(folder, 'state.db'));
const files = openPublishedTree({ publicDir, opsDir });
const publisher = createPublisher({
  publication: state.publication,
  files,
  source: 'simulated',
  clock: systemClock,
  cycleTargetMs: 60_000,
});
const reader = readPublished(publicDir);
const known = new Map();

function candlesOf(timeframe, through, close) {
  return Array.from({ length: CANDLES[timeframe] }, (_, k) => {
    const openTime = shiftSlots(timeframe, through, k - CANDLES[timeframe]);
    const open = 40_000 + 3000 * Math.sin(openTime / 9e8) + 211.37 * Math.sin(openTime / 3.1e7);
    const end = k === CANDLES[timeframe] - 1 ? open + close : open + 40 * Math.sin(openTime / 1.7e7);
    const [high, low] = [Math.max(open, end) + 12.25, Math.min(open, end) - 9.5];
    return {
      openTime,
      open: round(open),
      high: round(high),
      low: round(low),
      close: round(end),
      volume: round(50 + 20 * Math.sin(openTime)),
    };
  });
}

const round = (value) => Math.round(value * 100) / 100;

function recordOf(pair, candles, asOf) {
  const last = candles.at(-1);
  const quantiles = Array.from({ length: 24 }, (_, step) =>
    [-1.96, -1.28, -0.674, 0, 0.674, 1.28, 1.96].map(
      (width) => last.close * Math.exp(width * 0.004 * Math.sqrt(step + 1)),
    ),
  );
  const model = { modelVersion: 'range-0123456789ab', family: 'range-volatility' };
  return {
    pair,
    role: 'champion',
    issuedAt: asOf,
    dataThrough: closeOf(pair.timeframe, last.openTime),
    lastClose: last.close,
    quantiles,
    ...model,
  };
}

async function publish(turn, timeframes) {
  const asOf = Date.now();
  for (const symbol of SYMBOLS) {
    for (const timeframe of timeframes) {
      const pair = { symbol, timeframe };
      const candles = candlesOf(timeframe, openOf(timeframe, asOf), (turn % 500) / 10);
      const prediction = { record: recordOf(pair, candles, asOf), quality: unscoredQuality('30 d'), past: [] };
      const rules = { ...defaultRules(timeframe), softMinutes: 1e6, hardMinutes: 2e6 };
      await publisher.exportPair({
        pair,
        asOf,
        rules,
        candles,
        prediction,
        degraded: false,
        gateReason: null,
        symbolState: 'ready',
        ops: {},
      });
    }
  }
  const { generation } = await publisher.commitManifest({ asOf, nextExpectedCommit: asOf + 3_600_000 });
  await publisher.pack(1000);
  await layOut();
  return generation;
}

/** What nginx serves: the same bytes under their names, each with a gzip made once, and the manifest last. */
async function layOut() {
  const { manifest, bytes } = await reader.manifest();
  for (const { files: own } of manifest.entries) {
    for (const file of [own.history, own.prediction]) {
      if (known.get(file.name) === file.sha256) continue;
      replace(file.name, await reader.object(file));
      known.set(file.name, file.sha256);
    }
  }
  replace('manifest.json', bytes);
}

function replace(name, body) {
  for (const [suffix, content] of [
    ['.gz', gzipSync(body)],
    ['', body],
  ]) {
    const path = join(peerDir, 'static', `${name}${suffix}`);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }
}

mkdirSync(join(peerDir, 'static'), { recursive: true });
let turn = 0;
await publish(turn, Object.keys(CANDLES));
console.log('published');
const ended = new AbortController();
process.stdin.resume().on('end', () => ended.abort());
while (!ended.signal.aborted) {
  const started = performance.now();
  turn += 1;
  const generation = await publish(turn, ['1h']);
  if (turn % 60 === 0) await publisher.sweep();
  console.log(`generation ${generation}`);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1000 - (performance.now() - started))));
}
await state.close();
