/** Verify must turn red on each planted breach: one test a breach. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { canonicalJson, isoTime } from '../../../src/publish/canonical-json';
import type { Manifest } from '../../../src/publish/documents';
import { verify, VerifyMemory } from '../../../src/publish/verify';
import { exportOf, pairOf } from '../../unit/publish/example';
import { broken, plantDocument, plantEntry, plantManifest } from './planting';
import { ETHER, THROUGH, openWorkshop } from './workshop';
import type { Workshop } from './workshop';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
  await shop.publish(THROUGH - HOUR);
  await shop.publish(THROUGH);
});
afterEach(async () => shop.close());

const objectOf = (kind: 'history' | 'prediction') =>
  shop.objectPath(shop.manifest().entries[0]?.files[kind]?.sha256 ?? '');

test('what the publisher wrote has no breach, and planting nothing plants nothing', async () => {
  expect(await broken(shop)).toEqual([]);
  plantDocument(shop, 'history', () => undefined);
  plantDocument(shop, 'prediction', () => undefined);
  expect(await broken(shop)).toEqual([]);
});

test('every timeframe has no breach', async () => {
  for (const timeframe of ['1m', '15m', '1h', '4h', '1d', '1w', '1M']) {
    const pair = pairOf('XRP/USDT', timeframe);
    // 2024-07-01 was a Monday and the first of a month.
    await shop.publisher.exportPair(exportOf(pair, Date.UTC(2024, 6, 1), 30));
  }
  await shop.commit(Date.UTC(2024, 6, 1));
  expect((await verify(shop.publicDir, { now: Date.UTC(2024, 6, 1, 0, 1) })).breaches).toEqual([]);
  expect(shop.manifest().entries.filter((entry) => entry.serve_allowed)).toHaveLength(7);
});

test('a folder in which nothing was published has no breach', async () => {
  expect(await verify(join(shop.root, 'nowhere'))).toEqual({
    breaches: [],
    checked: { generations: 0, entries: 0, objects: 0 },
  });
});

describe('files', () => {
  test('I20 an object whose bytes are not those of its name', async () => {
    const text = readFileSync(objectOf('history'), 'utf8');
    writeFileSync(objectOf('history'), text.replace('"volume":1', '"volume":2'));
    expect(await broken(shop)).toEqual(['I20', 'I21']);
  });

  test('I20 a size in the manifest that is not that of the object', async () => {
    plantEntry(shop, (entry) => {
      if (entry.files.history) entry.files.history.bytes += 1;
    });
    expect(await broken(shop)).toEqual(['I20']);
  });

  test('I21 a manifest that names an object that is gone', async () => {
    rmSync(objectOf('prediction'));
    expect(await broken(shop)).toEqual(['I21']);
  });

  test('I21 an older generation that names an object that is gone', async () => {
    const older = JSON.parse(readFileSync(join(shop.publicDir, 'generations', '1.json'), 'utf8')) as Manifest;
    rmSync(shop.objectPath(older.entries[0]?.files.history?.sha256 ?? ''));
    expect(await broken(shop)).toEqual(['I21']);
  });

  test('I23 a manifest that is gone', async () => {
    rmSync(join(shop.publicDir, 'manifest.json'));
    expect(await broken(shop)).toEqual(['I23']);
  });

  test('I23 I44 a manifest that is cut in half', async () => {
    const path = join(shop.publicDir, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 300));
    expect(await broken(shop)).toEqual(['I44', 'I23']);
  });

  test.each(['.env', 'x.js', 'objects/notes.txt', 'generations/latest.json', 'objects/.tmp-1'])(
    'S21 a foreign file: %s',
    async (name) => {
      writeFileSync(join(shop.publicDir, name), '{}');
      expect(await broken(shop)).toEqual(['S21']);
    },
  );

  test('S21 a foreign folder', async () => {
    mkdirSync(join(shop.publicDir, '.git'));
    expect(await broken(shop)).toEqual(['S21']);
  });

  test('S21 a link in place of an object, though its bytes are right', async () => {
    const path = objectOf('history');
    writeFileSync(join(shop.root, 'elsewhere'), readFileSync(path));
    rmSync(path);
    symlinkSync(join(shop.root, 'elsewhere'), path);
    expect(await broken(shop)).toEqual(['S21', 'I21']);
  });

  test('a temporary file of a write under way is no breach', async () => {
    writeFileSync(join(shop.publicDir, 'objects', '.tmp-0123456789abcdef'), 'half');
    expect(await broken(shop)).toEqual([]);
  });
});

describe('generations', () => {
  test('I25 a manifest that is not its kept copy', async () => {
    plantManifest(shop, () => undefined);
    writeFileSync(
      join(shop.publicDir, 'manifest.json'),
      canonicalJson({ ...shop.manifest(), expires_at: '2024-06-01T20:00:00Z' }),
    );
    expect(await broken(shop)).toEqual(['I25']);
  });

  test('I25 a kept copy under another number', async () => {
    writeFileSync(join(shop.publicDir, 'generations', '5.json'), readFileSync(join(shop.publicDir, 'manifest.json')));
    expect(await broken(shop)).toEqual(['I25']);
  });

  test('I25 data that go back without a rollback', async () => {
    await shop.commit(THROUGH);
    const older = JSON.parse(readFileSync(join(shop.publicDir, 'generations', '1.json'), 'utf8')) as Manifest;
    plantManifest(shop, (manifest) => {
      manifest.entries = older.entries;
    });
    expect(await broken(shop)).toEqual(['I25']);
  });

  test('I25 a rollback to a generation that comes later', async () => {
    plantManifest(shop, (manifest) => {
      manifest.rollback_of = 9;
    });
    expect(await broken(shop)).toEqual(['I25']);
  });

  test('I42 a pair that one generation leaves out and the next has as it was', async () => {
    await shop.commit(THROUGH);
    plantManifest(shop, (manifest) => {
      manifest.entries = manifest.entries.filter(({ key }) => key !== 'ETH/USDT 1h');
      Object.assign(manifest.summary, { total: 1, status: { fresh: 1 }, visibility: { visible: 1 } });
    });
    const memory = new VerifyMemory();
    const look = async () => (await verify(shop.publicDir, { now: THROUGH + 10_000, memory })).breaches;
    expect(await look()).toEqual([]);
    await shop.commit(THROUGH);
    const told = [{ invariant: 'I42', where: 'generations/4.json' }];
    expect(await look()).toMatchObject(told);
    expect((await verify(shop.publicDir, { now: THROUGH + 10_000 })).breaches).toMatchObject(told);
  });

  test('a pair that was taken out and came back with new documents is no breach, nor one that a rollback brings back', async () => {
    await shop.publisher.removePair(ETHER);
    await shop.commit(THROUGH);
    const asOf = THROUGH + 9000;
    await shop.publisher.exportPair({ ...exportOf(ETHER, THROUGH), asOf });
    await shop.publisher.rollback({ asOf, nextExpectedCommit: THROUGH + HOUR, to: 2, reason: 'a drill' });
    expect(shop.manifest().entries.map(({ key, updated_at: at }) => [key, at])).toContainEqual([
      'ETH/USDT 1h',
      isoTime(THROUGH + 7000),
    ]);
    expect(await broken(shop)).toEqual([]);
    await shop.publisher.removePair(ETHER);
    await shop.commit(THROUGH);
    await shop.publisher.exportPair({ ...exportOf(ETHER, THROUGH), asOf });
    await shop.commit(THROUGH);
    expect(shop.manifest().entries).toHaveLength(2);
    expect(await broken(shop)).toEqual([]);
  });

  test('I25 a generation that was made before the one before it', async () => {
    plantManifest(shop, (manifest) => {
      manifest.generated_at = isoTime(THROUGH - 2 * HOUR);
    });
    expect(await broken(shop)).toEqual(['I25']);
  });
});

describe('the manifest', () => {
  test('SPEC 3 a hidden pair is exposed', async () => {
    plantManifest(shop, (manifest) => {
      const hidden: { visibility: string } | undefined = manifest.entries[0];
      if (hidden !== undefined) hidden.visibility = 'hidden_backfilling';
    });
    expect(await broken(shop)).toContain('SPEC 3');
  });

  test('I44 a field that version 1.0 does not know', async () => {
    plantManifest(shop, (manifest) => Object.assign(manifest, { novelty: 1 }));
    expect(await broken(shop)).toEqual(['I44']);
  });

  test('I44 an unknown field is no breach in a newer minor version', async () => {
    plantManifest(shop, (manifest) => Object.assign(manifest, { novelty: 1, version: '1.9999' }));
    expect(await broken(shop)).toEqual([]);
  });

  test('I29 a manifest that is not canonical', async () => {
    plantManifest(
      shop,
      () => undefined,
      (manifest) => JSON.stringify(manifest, null, 1),
    );
    expect(await broken(shop)).toEqual(['I29']);
  });

  test('I28 a summary that does not count its entries', async () => {
    plantManifest(shop, (manifest) => {
      manifest.summary.degraded += 1;
    });
    expect(await broken(shop)).toEqual(['I28']);
  });

  test('I28 a pair that names the document of another', async () => {
    plantManifest(shop, ({ entries: [bitcoin, ether] }) => {
      if (bitcoin?.files.history && ether?.files.history) {
        bitcoin.files.history = { ...ether.files.history, name: bitcoin.files.history.name };
      }
    });
    expect(await broken(shop)).toEqual(['I28']);
  });

  test('I28 times of an entry that are not those of its history', async () => {
    plantEntry(shop, (entry) => {
      entry.updated_at = isoTime(THROUGH + 9000);
    });
    expect(await broken(shop)).toEqual(['I28']);
  });

  test('I30 old data that are called fresh', async () => {
    plantManifest(shop, (manifest) => {
      manifest.generated_at = isoTime(THROUGH + 100 * MINUTE);
      manifest.expires_at = isoTime(THROUGH + 3 * HOUR);
    });
    expect(await broken(shop, THROUGH + 101 * MINUTE)).toEqual(['I30']);
  });

  test('I30 hard stale data that are called stale', async () => {
    plantManifest(shop, (manifest) => {
      manifest.generated_at = isoTime(THROUGH + 4 * HOUR);
      manifest.expires_at = isoTime(THROUGH + 5 * HOUR);
      for (const entry of manifest.entries) entry.status = 'stale';
      manifest.summary.status = { stale: 2 };
    });
    expect(await broken(shop, THROUGH + 4 * HOUR)).toEqual(['I30']);
  });

  test('I30 a manifest that never expires before it is made', async () => {
    plantManifest(shop, (manifest) => {
      manifest.expires_at = manifest.generated_at;
    });
    expect(await broken(shop)).toEqual(['I30']);
  });

  test('I30 a manifest of the future', async () => {
    expect(await broken(shop, THROUGH + 1000)).toEqual([]);
    expect(await broken(shop, THROUGH - 2 * MINUTE)).toContain('I30');
  });

  test('I02 data of the future', async () => {
    expect(await broken(shop, THROUGH - 2 * MINUTE)).toContain('I02');
  });

  test('SPEC 5 a pair that is served though it may not be', async () => {
    plantManifest(shop, (manifest) => {
      if (manifest.entries[0]) manifest.entries[0].status = 'insufficient_data';
      manifest.summary.status = { fresh: 1, insufficient_data: 1 };
    });
    expect(await broken(shop)).toEqual(['SPEC 5']);
  });

  test('SPEC 5 a pair that is not served and does not say why', async () => {
    plantEntry(shop, (entry) => {
      entry.serve_allowed = false;
    });
    expect(await broken(shop)).toEqual(['SPEC 5']);
  });

  test('I21 a pair that is called fresh without a prediction', async () => {
    plantEntry(shop, (entry) => {
      entry.files.prediction = null;
    });
    expect(await broken(shop)).toEqual(['I21']);
  });

  test('I42 an older prediction that is not marked degraded', async () => {
    const failed = { prediction: null, degraded: true };
    await shop.publisher.exportPair(exportOf(pairOf('BTC/USDT', '1h'), THROUGH + HOUR, 30, failed));
    await shop.commit(THROUGH + HOUR);
    expect(await broken(shop, THROUGH + 2 * HOUR)).toEqual([]);
    plantManifest(shop, (manifest) => {
      if (manifest.entries[0]) manifest.entries[0].degraded = false;
      manifest.summary.degraded = 0;
    });
    expect(await broken(shop, THROUGH + 2 * HOUR)).toEqual(['I42']);
  });
});
