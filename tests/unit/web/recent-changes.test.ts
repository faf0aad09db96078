/** What changed between generations, as an operator reads it. */
import { HOUR } from '../../../src/domain/timeframe';
import { canonicalDocument, isoTime } from '../../../src/publish/canonical-json';
import { manifestSchema, type Manifest } from '../../../src/publish/documents';
import { buildManifests } from '../../../src/publish/manifest';
import type { PublicationRow } from '../../../src/ports/publication';
import { changesBetween, RecentChanges } from '../../../src/web/recent-changes';
import { pairOf, rowOfPair } from '../publish/example';

const THROUGH = Date.UTC(2024, 5, 1, 12);
const BTC = pairOf('BTC/USDT', '1h');

function manifestOf(
  generation: number,
  at: number,
  changes: Partial<PublicationRow> | null = {},
  rollbackOf: number | null = null,
): Manifest {
  const rows = changes === null ? [] : [rowOfPair(BTC, THROUGH, changes)];
  const time = { generatedAt: at, nextExpectedCommit: at + HOUR, cycleTargetMs: 60_000 };
  return buildManifests(rows, { generation, source: 'simulated', rollbackOf, ...time }).manifest;
}

const words = (before: Manifest, after: Manifest) =>
  changesBetween(before, after).map(({ kind, pair, sentence }) => `${kind} ${pair ?? ''}: ${sentence}`);

test.each([
  ['nothing', {}, []],
  ['a forecast that failed', { degraded: true }, ['degraded BTC/USDT 1h: degraded: the last good forecast is served']],
  ['an export block', { exportBlock: 'the disk is full' }, ['blocked BTC/USDT 1h: blocked: the disk is full']],
] as const)('%s', (_what, change, expected) => {
  const before = manifestOf(1, THROUGH + 7000);
  expect(words(before, manifestOf(2, THROUGH + 8000, change))).toEqual(expected);
  expect(words(manifestOf(1, THROUGH + 7000, change), manifestOf(2, THROUGH + 8000))).toHaveLength(expected.length);
});

test('a pair that ages, one that comes and one that goes, and a rollback', () => {
  const before = manifestOf(1, THROUGH + 7000);
  const aged = manifestOf(2, THROUGH + 2 * HOUR);
  expect(words(before, aged)).toEqual([
    expect.stringMatching(/^status BTC\/USDT 1h: fresh -> stale: data ended .* ago/),
  ]);
  expect(words(before, manifestOf(2, THROUGH + 8000, null))).toEqual([
    'visibility BTC/USDT 1h: is not published any more',
  ]);
  expect(words(manifestOf(1, THROUGH, null), before)).toEqual(['visibility BTC/USDT 1h: is published now']);
  expect(words(before, manifestOf(3, THROUGH + 8000, {}, 1))).toEqual(['rollback : generation 1 was brought back']);
});

test('each generation is read once, and what is older than a day is forgotten', async () => {
  const manifests = new Map<number, Manifest>();
  const reads: number[] = [];
  const add = (manifest: Manifest) => manifests.set(manifest.generation, manifest);
  const recent = new RecentChanges({
    generations: async () =>
      [...manifests.values()].toReversed().map(({ generation, generated_at }) => ({
        generation,
        manifest: { sha256: '', bytes: 0 },
        opsManifest: { sha256: '', bytes: 0 },
        generatedAt: Date.parse(generated_at),
        rollbackOf: null,
      })),
    readGeneration: async (generation) => {
      reads.push(generation);
      const found = manifests.get(generation);
      return generation === 3 || found === undefined ? 'damaged' : canonicalDocument(manifestSchema, found);
    },
  });
  add(manifestOf(1, THROUGH + 7000));
  add(manifestOf(2, THROUGH + 9000, { degraded: true }));
  add(manifestOf(3, THROUGH + 9500));
  expect((await recent.read(THROUGH + HOUR)).map(({ kind, at }) => [kind, at])).toEqual([
    ['degraded', isoTime(THROUGH + 9000)],
  ]);
  add(manifestOf(4, THROUGH + 10_000));
  expect(await recent.read(THROUGH + HOUR)).toHaveLength(2);
  expect(reads).toEqual([1, 2, 3, 3, 4]);
  expect(await recent.read(THROUGH + 25 * HOUR)).toEqual([]);
});
