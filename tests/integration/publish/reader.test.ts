import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { HOUR } from '../../../src/domain/timeframe';
import { openDocumentFolder } from '../../../src/adapters/files/document-folder';
import { materialise } from '../../../src/publish/materialise';
import { readPublished, readPublishedAsOf } from '../../../src/publish/published-reader';
import type { PublishedReader } from '../../../src/publish/published-reader';
import { RUNS, exportOf } from '../../unit/publish/example';
import { BITCOIN, THROUGH, openWorkshop } from './workshop';
import type { Workshop } from './workshop';

let shop: Workshop;
let reader: PublishedReader;
beforeEach(async () => {
  shop = await openWorkshop();
  await shop.publish(THROUGH);
  await shop.publish(THROUGH + HOUR);
  reader = readPublished(shop.publicDir);
});
afterEach(async () => shop.close());

const manifestPath = () => join(shop.publicDir, 'manifest.json');
const generationOf = async (from: PublishedReader) => (await from.manifest())?.manifest.generation ?? null;

describe('a reader of the published folder', () => {
  test('gives the manifest with its bytes and follows each commit', async () => {
    const current = await reader.manifest();
    expect(current).toMatchObject({ lastGood: false, manifest: { generation: 2 } });
    expect(current?.bytes).toEqual(readFileSync(manifestPath()));
    await shop.commit(THROUGH + HOUR);
    expect(await generationOf(reader)).toBe(3);
    expect(reader.problem()).toBeNull();
  });

  test('has nothing before the first publish', async () => {
    const empty = await openWorkshop();
    try {
      expect(await readPublished(empty.publicDir).manifest()).toBeNull();
    } finally {
      await empty.close();
    }
  });

  test('as of a moment gives the newest generation committed by then, whatever comes after', async () => {
    const at = (moment: number) => generationOf(readPublishedAsOf(shop.publicDir, moment));
    expect(await at(THROUGH + HOUR - 1)).toBe(1);
    expect(await at(THROUGH + 2 * HOUR)).toBe(2);
    expect(await at(THROUGH - HOUR)).toBeNull();
    const then = readPublishedAsOf(shop.publicDir, THROUGH + HOUR - 1);
    const file = (await then.manifest())?.manifest.entries[0]?.files.history;
    await shop.publish(THROUGH + 2 * HOUR);
    expect(await generationOf(then)).toBe(1);
    expect(Buffer.isBuffer(file ? await then.object(file) : null)).toBe(true);
  });

  const spoiled: readonly (readonly [string, (text: string) => string])[] = [
    ['is empty', () => ''],
    ['is cut in half', (text) => text.slice(0, text.length / 2)],
    ['is of another schema', () => '{"hello":"world"}'],
    ['is of an unknown version', (text) => text.replace('"version":"1.3"', '"version":"2.0"')],
    ['F43 names a file that is not there', (text) => text.replace(/"sha256":"[0-9a-f]{8}/, '"sha256":"00000000')],
    ['F43 S01 names a path', (text) => text.replace('"history_BTC_USDT_1h.json"', '"../../state.db"')],
    ['gives a hash with a path in it', (text) => text.replace(/"sha256":"[0-9a-f]{10}/, '"sha256":"../state.db')],
    ['shows a hidden pair', (text) => text.replace('"visibility":"visible"', '"visibility":"hidden_backfilling"')],
  ];
  test.each(spoiled)('F42 I23 keeps the last good manifest when the one on disk %s', async (_name, spoil) => {
    const good = readFileSync(manifestPath(), 'utf8');
    await reader.manifest();
    writeFileSync(manifestPath(), spoil(good));
    expect(await reader.manifest()).toMatchObject({ lastGood: true, manifest: { generation: 2 } });
    expect(reader.problem()).not.toBeNull();
    writeFileSync(manifestPath(), good);
    expect(await reader.manifest()).toMatchObject({ lastGood: false });
  });

  test.each(spoiled)(
    'F42 on a cold start takes the newest valid generation when the manifest %s',
    async (_name, spoil) => {
      writeFileSync(manifestPath(), spoil(readFileSync(manifestPath(), 'utf8')));
      expect(await reader.manifest()).toMatchObject({ lastGood: true, manifest: { generation: 2 } });
    },
  );

  test('F42 on a cold start passes over a kept generation that is damaged', async () => {
    rmSync(manifestPath());
    writeFileSync(join(shop.publicDir, 'generations', '2.json'), 'half');
    expect(await generationOf(reader)).toBe(1);
  });

  test('I25 does not go back to an older generation', async () => {
    await reader.manifest();
    writeFileSync(manifestPath(), readFileSync(join(shop.publicDir, 'generations', '1.json')));
    expect(await reader.manifest()).toMatchObject({ lastGood: true, manifest: { generation: 2 } });
  });

  test('follows a folder that was made anew', async () => {
    await reader.manifest();
    const first = readFileSync(join(shop.publicDir, 'generations', '1.json'));
    rmSync(join(shop.publicDir, 'generations'), { recursive: true });
    writeFileSync(manifestPath(), first);
    expect(await reader.manifest()).toMatchObject({ lastGood: false, manifest: { generation: 1 } });
  });

  test('a manifest that names what was missing is taken when it is there', async () => {
    const sha256 = shop.manifest().entries[0]?.files.history?.sha256 ?? '';
    const body = readFileSync(shop.objectPath(sha256));
    rmSync(shop.objectPath(sha256));
    expect(await generationOf(reader)).toBe(1);
    writeFileSync(shop.objectPath(sha256), body);
    expect(await reader.manifest()).toMatchObject({ lastGood: false, manifest: { generation: 2 } });
  });

  test('I22 F40 never gives the bytes of an object with a flipped bit, wherever it is', async () => {
    const file = shop.manifest().entries[0]?.files.prediction;
    if (!file) throw new Error('no prediction');
    const body = readFileSync(shop.objectPath(file.sha256));
    expect(await reader.object(file)).toEqual(body);
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.nat(7), async (offset, bit) => {
        const flipped = Buffer.from(body);
        flipped.writeUInt8(flipped.readUInt8(offset) ^ (1 << bit), offset);
        writeFileSync(shop.objectPath(file.sha256), flipped);
        expect(await reader.object(file)).toBe('corrupt');
      }),
      { numRuns: RUNS },
    );
  });

  test('S01 does not follow a link in place of an object', async () => {
    const file = shop.manifest().entries[0]?.files.prediction;
    if (!file) throw new Error('no prediction');
    const body = readFileSync(shop.objectPath(file.sha256));
    writeFileSync(join(shop.root, 'elsewhere'), body);
    rmSync(shop.objectPath(file.sha256));
    symlinkSync(join(shop.root, 'elsewhere'), shop.objectPath(file.sha256));
    expect(await reader.object(file)).toBe('missing');
    expect(await reader.object({ sha256: '../../state.db', bytes: 1 })).toBe('missing');
  });
});

describe('materialised documents', () => {
  const target = () => join(shop.root, 'static');
  const plainNames = async () =>
    (await openDocumentFolder(target()).names()).filter((name) => !/\.(br|gz)$/.test(name));
  const write = async () => materialise(readPublished(shop.publicDir), openDocumentFolder(target()));

  test('are those of the manifest under their canonical names, the manifest among them', async () => {
    expect(await write()).toEqual({ generation: 2, files: 5, removed: 0 });
    expect(await plainNames()).toHaveLength(5);
    const file = shop.manifest().entries[1]?.files.prediction;
    expect(readFileSync(join(target(), 'prediction_ETH_USDT_1h.json'))).toEqual(
      readFileSync(shop.objectPath(file?.sha256 ?? '')),
    );
    expect(readFileSync(join(target(), 'manifest.json'))).toEqual(readFileSync(manifestPath()));
  });

  test('lose those of a pair that is hidden now, and nothing of another name', async () => {
    await write();
    mkdirSync(join(target(), 'assets'));
    writeFileSync(join(target(), 'index.html'), 'page');
    const { pair, rules } = exportOf(BITCOIN, THROUGH);
    const hidden = { pair, rules, asOf: THROUGH + 2 * HOUR, symbolState: 'backfilling', ops: {}, gateReason: null };
    await shop.publisher.hidePair(hidden);
    await shop.commit(THROUGH + 2 * HOUR);
    expect(await write()).toMatchObject({ removed: 2 });
    expect((await plainNames()).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'assets',
      'history_ETH_USDT_1h.json',
      'index.html',
      'manifest.json',
      'prediction_ETH_USDT_1h.json',
    ]);
  });

  test('hold nothing of a pair that may not be served', async () => {
    const blocked = exportOf(BITCOIN, THROUGH + HOUR, 30, { gateReason: '3 of 240 closed candles', prediction: null });
    await shop.publisher.exportPair(blocked);
    await shop.commit(THROUGH + HOUR);
    expect(await write()).toMatchObject({ files: 3 });
  });

  test('are refused when an object is damaged, and the folder keeps its manifest', async () => {
    await write();
    await shop.publish(THROUGH + 2 * HOUR);
    const file = shop.manifest().entries[1]?.files.history;
    const body = readFileSync(shop.objectPath(file?.sha256 ?? ''), 'utf8');
    writeFileSync(shop.objectPath(file?.sha256 ?? ''), body.replace('1', '2'));
    await expect(write()).rejects.toThrow('history_ETH_USDT_1h.json is corrupt');
    expect(readFileSync(join(target(), 'manifest.json'), 'utf8')).toContain('"generation":2');
  });
});
