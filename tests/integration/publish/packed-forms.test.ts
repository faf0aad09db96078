/** L03: bodies are packed once, when they are published; whoever reads them is given exactly what the plain file holds. */
import { existsSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { openDocumentFolder } from '../../../src/adapters/files/document-folder';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import { materialise } from '../../../src/publish/materialise';
import { readPublished } from '../../../src/publish/published-reader';
import { VerifyMemory, verify } from '../../../src/publish/verify';
import { buildWeb } from '../../../src/web/public-server';
import { exportOf } from '../../unit/publish/example';
import { BITCOIN, THROUGH, openWorkshop } from './workshop';
import type { Workshop } from './workshop';

const FORMS = [
  ['br', '.br', brotliCompressSync, brotliDecompressSync],
  ['gzip', '.gz', gzipSync, gunzipSync],
] as const;

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
  await shop.publish(THROUGH);
});
afterEach(async () => shop.close());

const historyOf = (entry = 0) => {
  const file = shop.manifest().entries[entry]?.files.history;
  if (!file) throw new Error('no history');
  return { ...file, path: shop.objectPath(file.sha256), body: readFileSync(shop.objectPath(file.sha256)) };
};
const allFiles = () => readdirSync(join(shop.publicDir, 'objects'));

test('L03 each object has both of its packed forms beside it', async () => {
  expect(allFiles()).toHaveLength(3 * 4);
  for (const name of shop.objects()) {
    const path = join(shop.publicDir, 'objects', name);
    for (const [, suffix, , unpack] of FORMS) {
      const packed = readFileSync(path + suffix);
      expect(unpack(packed)).toEqual(readFileSync(path));
      expect(packed.length).toBeLessThan(readFileSync(path).length / 2);
    }
  }
});

test.each([
  ['gone', (path: string) => rmSync(path)],
  ['cut short', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, -5))],
  ['of other bytes', (path: string) => writeFileSync(path, gzipSync('{}'))],
])('I10 an export that finds a packed form %s makes it again', async (_name, spoil) => {
  const { path, body } = historyOf();
  spoil(`${path}.gz`);
  await shop.publisher.exportPair(exportOf(BITCOIN, THROUGH));
  expect(gunzipSync(readFileSync(`${path}.gz`))).toEqual(body);
});

test('I24 goes with its object and not before', async () => {
  shop.time.now = Date.now();
  const old = new Date(shop.time.now - 2 * DAY);
  for (const name of allFiles()) utimesSync(join(shop.publicDir, 'objects', name), old, old);
  expect(await shop.publisher.sweep()).toMatchObject({ objects: 0 });
  expect(allFiles()).toHaveLength(3 * 4);
  await shop.publisher.removePair(BITCOIN);
  for (let k = 0; k < 51; k++) await shop.commit(THROUGH + HOUR);
  for (const name of readdirSync(join(shop.publicDir, 'generations')))
    utimesSync(join(shop.publicDir, 'generations', name), old, old);
  expect(await shop.publisher.sweep()).toMatchObject({ objects: 2 });
  expect(allFiles()).toHaveLength(3 * 2);
});

test('an object that is exported again keeps its packed forms as long', async () => {
  shop.time.now = Date.now();
  const old = new Date(shop.time.now - 2 * DAY);
  for (const name of allFiles()) utimesSync(join(shop.publicDir, 'objects', name), old, old);
  const { path } = historyOf();
  await shop.publisher.exportPair(exportOf(BITCOIN, THROUGH));
  await shop.publisher.removePair(BITCOIN);
  for (const name of readdirSync(join(shop.publicDir, 'generations')))
    rmSync(join(shop.publicDir, 'generations', name));
  rmSync(join(shop.publicDir, 'manifest.json'));
  await shop.publisher.sweep();
  expect([path, `${path}.br`, `${path}.gz`].map((file) => existsSync(file))).toEqual([true, true, true]);
});

test('I20 verify names a packed form that is not what lies beside it', async () => {
  const { path } = historyOf();
  writeFileSync(`${path}.br`, brotliCompressSync('{"type":"history"}'));
  writeFileSync(`${path}.gz`, 'no gzip');
  const { breaches } = await verify(shop.publicDir, { now: shop.time.now });
  expect(breaches.map(({ invariant, where }) => `${invariant} ${where.slice(-8)}`)).toEqual([
    'I20 .json.br',
    'I20 .json.gz',
  ]);
});

test('verify looks at packed forms once, and minds none that a crash left without its object', async () => {
  const { path } = historyOf();
  writeFileSync(join(shop.publicDir, 'objects', `${'0'.repeat(64)}.json.br`), 'left over');
  const memory = new VerifyMemory();
  expect((await verify(shop.publicDir, { now: shop.time.now, memory })).breaches).toEqual([]);
  writeFileSync(`${path}.br`, 'damaged later');
  expect((await verify(shop.publicDir, { now: shop.time.now, memory })).breaches).toEqual([]);
  expect((await verify(shop.publicDir, { now: shop.time.now })).breaches).toHaveLength(1);
});

test('S29 I22 a reader is given a packed form only when it unpacks to these bytes and no more', async () => {
  const { sha256, path, body } = historyOf();
  const reader = readPublished(shop.publicDir);
  for (const [packing, suffix, compress] of FORMS) {
    expect(await reader.packed(sha256, packing, body)).toEqual(readFileSync(path + suffix));
    const spoiled = [compress(body.subarray(1)), compress(Buffer.concat([body, Buffer.alloc(1_000_000)])), body];
    for (const bytes of [...spoiled, Buffer.alloc(0)]) {
      writeFileSync(path + suffix, bytes);
      expect(await reader.packed(sha256, packing, body)).toBeNull();
    }
    rmSync(path + suffix);
    expect(await reader.packed(sha256, packing, body)).toBeNull();
    writeFileSync(join(shop.root, 'elsewhere'), compress(body));
    symlinkSync(join(shop.root, 'elsewhere'), path + suffix);
    expect(await reader.packed(sha256, packing, body)).toBeNull();
    expect(await reader.packed('../../state.db', packing, body)).toBeNull();
  }
});

test('L03 a fresh web server sends the published form, and its own when that is damaged', async () => {
  const { name, path, body } = historyOf();
  for (const [packing, suffix, , unpack] of FORMS) {
    const published = readFileSync(path + suffix);
    const ask = async () => {
      const clock = { now: () => shop.time.now, monotonic: () => performance.now() };
      const folders = {
        publicDir: shop.publicDir,
        opsDir: join(shop.root, 'ops'),
        pageDir: 'none',
        schemasDir: 'none',
      };
      const web = buildWeb({ ...folders, source: 'simulated', live: false, clock });
      const answer = await web.inject({ url: `/static/${name}`, headers: { 'accept-encoding': packing } });
      await web.close();
      expect(answer.headers).toMatchObject({ 'content-encoding': packing });
      return answer.rawPayload;
    };
    expect(await ask()).toEqual(published);
    writeFileSync(path + suffix, published.subarray(0, -5));
    expect(unpack(await ask())).toEqual(body);
  }
});

test('materialised documents have their packed forms, which go when the document does', async () => {
  const target = join(shop.root, 'static');
  const write = async () => materialise(readPublished(shop.publicDir), openDocumentFolder(target));
  expect(await write()).toEqual({ generation: 1, files: 5, removed: 0 });
  const { name, body } = historyOf();
  for (const [, suffix, , unpack] of FORMS) expect(unpack(readFileSync(join(target, name + suffix)))).toEqual(body);
  await shop.publisher.removePair(BITCOIN);
  await shop.commit(THROUGH);
  expect(await write()).toMatchObject({ files: 3, removed: 2 });
  expect(readdirSync(target).filter((file) => file.includes('BTC'))).toEqual([]);
});
