/** L03: bodies are packed once, by the publisher; whoever reads them is given exactly what the plain file holds. */
import { readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { openDocumentFolder } from '../../../src/adapters/files/document-folder';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import { materialise } from '../../../src/publish/materialise';
import { readPublished } from '../../../src/publish/published-reader';
import { VerifyMemory, verify } from '../../../src/publish/verify';
import { buildWeb } from '../../../src/web/public-server';
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
  await shop.publisher.pack(60_000);
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

test('I10 packing again makes what is gone and nothing else', async () => {
  const { path, body } = historyOf();
  rmSync(`${path}.gz`);
  expect(await shop.publisher.pack(60_000)).toBe(1);
  expect(gunzipSync(readFileSync(`${path}.gz`))).toEqual(body);
  expect(await shop.publisher.pack(60_000)).toBe(0);
});

test('packing ends with its time, and the next goes on from there', async () => {
  for (const name of allFiles().filter((one) => !one.endsWith('.json'))) rmSync(join(shop.publicDir, 'objects', name));
  expect(await shop.publisher.pack(0)).toBe(0);
  expect(await shop.publisher.pack(60_000)).toBe(8);
});

test('I20 a damaged object is not packed', async () => {
  const { path } = historyOf();
  rmSync(`${path}.gz`);
  writeFileSync(path, readFileSync(path, 'utf8').replace('1', '2'));
  expect(await shop.publisher.pack(60_000)).toBe(0);
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
