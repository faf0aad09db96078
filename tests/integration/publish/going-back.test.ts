/** Rollback, rebuild and the sweep of old files. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { DAY, HOUR, lastClosedOpen, MINUTE } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { unscoredQuality } from '../../../src/publish/documents';
import type { PublicationStore } from '../../../src/ports/publication';
import { createPublisher } from '../../../src/publish/publisher';
import { readPublished } from '../../../src/publish/published-reader';
import { verify } from '../../../src/publish/verify';
import { SOURCE, exportOf, pairOf } from '../../unit/publish/example';
import { BITCOIN, ETHER, THROUGH, openWorkshop } from './workshop';
import type { Workshop } from './workshop';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(async () => shop.close());

const breaches = async () => (await verify(shop.publicDir, { now: shop.time.now })).breaches;
/** The store with its own methods, whoever calls them. */
const bound = (store: PublicationStore): PublicationStore => ({
  upsert: async (...row) => store.upsert(...row),
  rows: async () => store.rows(),
  remove: async (pair) => store.remove(pair),
  commit: async (render) => store.commit(render),
  generations: async (limit) => store.generations(limit),
  forgetGenerations: async (below) => store.forgetGenerations(below),
});
const filesOf = () => shop.manifest().entries.map((entry) => [entry.key, entry.files]);

describe('a rollback', () => {
  const back = async (to: number, through = THROUGH + HOUR) =>
    shop.publisher.rollback({
      to,
      reason: 'bad candles',
      asOf: through + 20_000,
      nextExpectedCommit: through + HOUR,
    });

  test('I25 publishes older content as a new generation that says so', async () => {
    await shop.publish(THROUGH);
    const before = filesOf();
    await shop.publish(THROUGH + HOUR);
    shop.time.now += HOUR;
    expect((await back(1)).generation).toBe(3);
    expect(shop.manifest()).toMatchObject({ generation: 3, rollback_of: 1 });
    expect(filesOf()).toEqual(before);
    const ops = JSON.parse(readFileSync(join(shop.root, 'ops', 'manifest.json'), 'utf8')) as object;
    expect(ops).toMatchObject({ rollback_of: 1, rollback_reason: 'bad candles' });
    expect(await breaches()).toEqual([]);
  });

  test('I30 shows the older content as old as it is', async () => {
    await shop.publish(THROUGH);
    await shop.publish(THROUGH + HOUR);
    shop.time.now = THROUGH + 3 * HOUR;
    await back(1, THROUGH + 3 * HOUR);
    expect(shop.manifest().entries[0]).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  });

  test('lasts over commits of others until its pairs are exported anew', async () => {
    await shop.publish(THROUGH);
    const before = filesOf();
    await shop.publish(THROUGH + HOUR);
    shop.time.now += HOUR;
    await back(1);
    await shop.commit(THROUGH + HOUR);
    expect(filesOf()).toEqual(before);
    await shop.publish(THROUGH + 2 * HOUR);
    expect(shop.manifest().entries[0]?.data_through).toBe('2024-06-01T14:00:00Z');
  });

  test.each(['before its record', 'after its record'])('I25 P10 a rollback killed %s is not undone', async (when) => {
    await shop.publish(THROUGH);
    const before = filesOf();
    await shop.publish(THROUGH + HOUR);
    shop.time.now += HOUR;
    const { publication, files, time } = shop;
    const mortal: PublicationStore = {
      ...bound(publication),
      // The database forgets what a process has not finished, and the disk does not.
      commit: async (render) => {
        const finished = await publication.commit(async (taken) => {
          const rendered = await render(taken);
          if (when === 'before its record') throw new Error('killed');
          return rendered;
        });
        throw new Error(`killed after ${finished.generation}`);
      },
    };
    const clock = { now: () => time.now, monotonic: () => time.monotonic };
    const dying = createPublisher({ publication: mortal, files, source: SOURCE, clock, cycleTargetMs: MINUTE });
    const input = { asOf: THROUGH + HOUR + 20_000, nextExpectedCommit: THROUGH + 2 * HOUR };
    await expect(dying.rollback({ ...input, to: 1, reason: 'bad candles' })).rejects.toThrow('killed');
    expect(shop.manifest()).toMatchObject({ generation: 3, rollback_of: 1 });
    expect(await shop.commit(THROUGH + HOUR)).toBe(4);
    expect(filesOf()).toEqual(before);
    expect(await breaches()).toEqual([]);
    expect((await publication.generations(2)).map(({ rollbackOf }) => rollbackOf)).toEqual([null, 1]);
    await shop.publish(THROUGH + 2 * HOUR);
    expect(shop.manifest().entries[0]?.data_through).toBe('2024-06-01T14:00:00Z');
  });

  test('a run that began after a rollback that was killed keeps what it exported', async () => {
    await shop.publish(THROUGH);
    await shop.publish(THROUGH + HOUR);
    const { publication } = shop;
    const commit = publication.commit.bind(publication);
    publication.commit = async (render) =>
      commit(async (taken) => {
        await render(taken);
        throw new Error('killed');
      });
    shop.time.now += HOUR;
    await expect(back(1)).rejects.toThrow('killed');
    publication.commit = commit;
    await shop.publish(THROUGH + 2 * HOUR);
    expect(shop.manifest().entries[0]?.data_through).toBe('2024-06-01T14:00:00Z');
  });

  test('does not bring back a pair that is hidden or removed by now', async () => {
    await shop.publish(THROUGH);
    const { pair, rules } = exportOf(BITCOIN, THROUGH);
    const hidden = { pair, rules, asOf: THROUGH + HOUR, symbolState: 'backfilling', ops: {}, gateReason: null };
    await shop.publisher.hidePair(hidden);
    await shop.publisher.removePair(ETHER);
    await shop.commit(THROUGH + HOUR);
    await back(1);
    expect(shop.manifest().entries).toEqual([]);
  });

  test('blocks a pair that the older generation does not hold', async () => {
    await shop.publish(THROUGH);
    await shop.publisher.exportPair(exportOf(pairOf('XRP/USDT', '1h'), THROUGH));
    await shop.commit(THROUGH);
    await back(1);
    expect(shop.manifest().entries.map((entry) => [entry.key, entry.serve_allowed])).toEqual([
      ['BTC/USDT 1h', true],
      ['ETH/USDT 1h', true],
      ['XRP/USDT 1h', false],
    ]);
  });

  test('keeps the block and the gate that a pair had then', async () => {
    await shop.publisher.exportPair(
      exportOf(BITCOIN, THROUGH, 30, { gateReason: '3 of 240 closed candles', prediction: null }),
    );
    await shop.publisher.exportPair(exportOf(ETHER, THROUGH));
    const spoilt = exportOf(ETHER, THROUGH).candles.map((candle) => ({ ...candle, high: -1 }));
    await shop.publisher.exportPair(exportOf(ETHER, THROUGH, 30, { candles: spoilt })).catch(() => undefined);
    await shop.commit(THROUGH);
    const words = shop.manifest().entries.map((entry) => [entry.status, entry.serve_allowed, entry.reason]);
    await shop.publish(THROUGH);
    await back(1, THROUGH);
    expect(shop.manifest().entries.map((entry) => [entry.status, entry.serve_allowed, entry.reason])).toEqual(words);
    expect(words).toEqual([
      ['insufficient_data', false, '3 of 240 closed candles'],
      ['fresh', false, 'blocked: a document could not be written'],
    ]);
  });

  test('is refused in one sentence when that generation is not kept', async () => {
    await shop.publish(THROUGH);
    await expect(back(7)).rejects.toThrow('generation 7 can not be brought back: its manifest is not kept (any more)');
  });

  test('is refused in one sentence when one of its documents is gone or damaged, and nothing changes', async () => {
    await shop.publish(THROUGH);
    const { sha256 } = shop.manifest().entries[0]?.files.history ?? { sha256: '' };
    await shop.publish(THROUGH + HOUR);
    writeFileSync(shop.objectPath(sha256), 'damaged');
    await expect(back(1)).rejects.toThrow('the document history_BTC_USDT_1h.json of that time is gone or damaged');
    expect(shop.manifest().generation).toBe(2);
  });
});

describe('a rebuild', () => {
  async function stores() {
    const candles = new MemoryCandleStore();
    const ledger = new MemoryForecastLedger();
    for (const pair of [BITCOIN, ETHER]) {
      const { candles: some, prediction, asOf } = exportOf(pair, THROUGH);
      await candles.write(pair, some, asOf);
      if (prediction !== null) await ledger.append([prediction.record]);
    }
    return { candles, ledger };
  }
  const rebuild = async ({ candles, ledger }: Awaited<ReturnType<typeof stores>>) =>
    shop.publisher.rebuild({
      candles,
      ledger,
      rules: defaultRules,
      quality: async () => unscoredQuality('30 d'),
      lastOpen: (timeframe, asOf) => lastClosedOpen(timeframe, asOf, 2000),
      asOf: THROUGH + 20_000,
      nextExpectedCommit: THROUGH + HOUR,
    });

  test('makes every document again with the same hash, whatever was lost', async () => {
    await shop.publish(THROUGH);
    const before = filesOf();
    for (const name of shop.objects()) rmSync(join(shop.publicDir, 'objects', name));
    expect(await rebuild(await stores())).toEqual({ generation: 2, pairs: 2, entries: 2, changed: false });
    expect(filesOf()).toEqual(before);
    expect(await breaches()).toEqual([]);
  });

  test('publishes what the candle store says, not what the files said', async () => {
    await shop.publish(THROUGH);
    const { candles, ledger } = await stores();
    const [first] = await candles.read(BITCOIN, { limit: 1 });
    if (first === undefined) throw new Error('no candle');
    await candles.write(BITCOIN, [{ ...first, volume: 77 }], THROUGH + HOUR);
    expect((await verify(shop.publicDir, { now: shop.time.now, store: candles })).breaches).toEqual([
      { invariant: 'SPEC 1', where: 'BTC/USDT 1h', sentence: expect.anything() as string },
    ]);
    await rebuild({ candles, ledger });
    expect((await verify(shop.publicDir, { now: shop.time.now, store: candles })).breaches).toEqual([]);
  });

  test('I42 without a forecast of the last candle keeps the prediction and marks the pair', async () => {
    await shop.publish(THROUGH);
    const { candles } = await stores();
    await rebuild({ candles, ledger: new MemoryForecastLedger() });
    expect(shop.manifest().entries[0]).toMatchObject({ degraded: true, serve_allowed: true });
  });
});

describe('the sweep', () => {
  const age = (path: string, ms: number): void => {
    const at = new Date(shop.time.now - ms);
    utimesSync(path, at, at);
  };
  const ageAll = (ms: number): void => {
    for (const folder of ['objects', 'generations']) {
      for (const name of readdirSync(join(shop.publicDir, folder))) age(join(shop.publicDir, folder, name), ms);
    }
  };

  test('I24 keeps everything younger than a day', async () => {
    for (let k = 0; k < 55; k++) await shop.commit(THROUGH);
    shop.time.now = Date.now();
    ageAll(DAY - HOUR);
    expect(await shop.publisher.sweep()).toMatchObject({ generations: 0, objects: 0 });
  });

  test('I24 keeps the last 50 generations with all they name, and removes the rest', async () => {
    for (let k = 0; k < 55; k++) await shop.publish(THROUGH + k * HOUR);
    shop.time.now = Date.now();
    ageAll(2 * DAY);
    // Each generation has two histories and two predictions of its own.
    expect(await shop.publisher.sweep()).toMatchObject({ generations: 5, objects: 20, oldestKept: 6 });
    shop.time.now = THROUGH + 56 * HOUR;
    expect(await verify(shop.publicDir, { now: shop.time.now })).toMatchObject({
      breaches: [],
      checked: { generations: 50, objects: 200 },
    });
    expect((await shop.publication.generations(100)).at(-1)?.generation).toBe(6);
    expect(await shop.commit(THROUGH + 55 * HOUR)).toBe(56);
  }, 60_000);

  test('I24 keeps what a row names before any manifest does', async () => {
    await shop.publisher.exportPair(exportOf(BITCOIN, THROUGH));
    shop.time.now = Date.now();
    ageAll(2 * DAY);
    expect(await shop.publisher.sweep()).toMatchObject({ objects: 0 });
  });

  test('an object that is exported again counts as new', async () => {
    await shop.publisher.exportPair(exportOf(BITCOIN, THROUGH));
    shop.time.now = Date.now();
    ageAll(2 * DAY);
    await shop.publisher.exportPair(exportOf(BITCOIN, THROUGH));
    await shop.publisher.removePair(BITCOIN);
    expect(await shop.publisher.sweep()).toMatchObject({ objects: 0 });
  });

  test('F39 removes its own temporary files when they are old, and nothing else', async () => {
    await shop.publish(THROUGH);
    const objects = join(shop.publicDir, 'objects');
    shop.time.now = Date.now();
    const outside = join(shop.root, 'outside.json');
    writeFileSync(outside, 'precious');
    age(outside, 2 * DAY);
    for (let k = 0; k < 100; k++) {
      const path = join(objects, `.tmp-${String(k).padStart(16, '0')}`);
      writeFileSync(path, k === 0 ? Buffer.alloc(5_000_000) : 'x');
      age(path, k < 60 ? 2 * HOUR : HOUR / 2);
    }
    const foreign = ['.tmp-foreign', 'tmp-0000000000000000', '.env'];
    for (const name of foreign) {
      writeFileSync(join(objects, name), 'x');
      age(join(objects, name), 9 * DAY);
    }
    const link = join(objects, `.tmp-${'f'.repeat(16)}`);
    symlinkSync(outside, link);
    const named = join(objects, `${'f'.repeat(64)}.json`);
    symlinkSync(outside, named);
    expect(await shop.publisher.sweep()).toMatchObject({ temporary: 60, objects: 0 });
    expect(readFileSync(outside, 'utf8')).toBe('precious');
    expect([lstatSync(link), lstatSync(named)].every((stats) => stats.isSymbolicLink())).toBe(true);
    expect(readdirSync(objects)).toEqual(expect.arrayContaining(foreign));
  });

  test('F44 a reader that holds a generation can read it while twenty more are published and swept', async () => {
    await shop.publish(THROUGH);
    const reader = readPublished(shop.publicDir);
    const held = await reader.manifest();
    const files = held?.manifest.entries.flatMap(({ files: { history, prediction } }) => [history, prediction]) ?? [];
    for (let k = 1; k <= 20; k++) {
      await shop.publish(THROUGH + k * HOUR);
      shop.time.now = Date.now();
      ageAll(3 * DAY);
      await shop.publisher.sweep();
    }
    expect(files).toHaveLength(4);
    for (const file of files) {
      const body = file === null ? 'missing' : await reader.object(file);
      expect(Buffer.isBuffer(body) && createHash('sha256').update(body).digest('hex')).toBe(file?.sha256);
    }
  }, 60_000);
});
