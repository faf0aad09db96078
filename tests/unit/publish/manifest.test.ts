import fc from 'fast-check';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import type { PublicationRow } from '../../../src/ports/publication';
import { canonicalDocument, canonicalJson } from '../../../src/publish/canonical-json';
import { manifestSchema, opsManifestSchema } from '../../../src/publish/documents';
import { buildManifests } from '../../../src/publish/manifest';
import { RUNS, pairOf, rowOfPair } from './example';

const THROUGH = Date.UTC(2024, 5, 1, 12);
const INPUT = {
  generation: 7,
  generatedAt: THROUGH + 10_000,
  source: 'simulated',
  nextExpectedCommit: THROUGH + HOUR + 5000,
  cycleTargetMs: MINUTE,
};
const BITCOIN = pairOf('BTC/USDT', '1h');

const pairs = ['BTC/USDT', 'ETH/USDT', 'XRP/USDT'].flatMap((symbol) =>
  ['1m', '1h', '1d', '1M'].map((timeframe) => pairOf(symbol, timeframe)),
);
const reference = fc.option(
  fc.record({ sha256: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)), bytes: fc.integer({ min: 1, max: 9 }) }),
);
const words = fc.option(fc.constantFrom('the disk is full', '3 of 240 closed candles'));
const rows = fc.subarray(pairs).chain((chosen) =>
  fc.tuple(
    ...chosen.map((pair) =>
      fc
        .record({
          visibility: fc.constantFrom('visible' as const, 'hidden_backfilling' as const),
          symbolState: fc.constantFrom('ready', 'backfilling', 'retired'),
          history: reference,
          prediction: reference,
          through: fc.option(fc.integer({ min: THROUGH - 200 * HOUR, max: THROUGH + HOUR })),
          predictionDataThrough: fc.option(fc.integer({ min: THROUGH - 200 * HOUR, max: THROUGH })),
          exportBlock: words,
          gateReason: words,
          degraded: fc.boolean(),
        })
        .map(({ through, ...changes }) => rowOfPair(pair, THROUGH, { ...changes, dataThrough: through })),
    ),
  ),
);

describe('the manifest', () => {
  test('is a function of the rows alone, whatever their order (I29)', () => {
    fc.assert(
      fc.property(
        rows.chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length }))),
        ([some, shuffled]) => {
          expect(canonicalJson(buildManifests(shuffled, INPUT))).toBe(canonicalJson(buildManifests(some, INPUT)));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('I44 keeps its schema to the letter, whatever the rows', () => {
    fc.assert(
      fc.property(rows, (some) => {
        const { manifest, opsManifest } = buildManifests(some, INPUT);
        canonicalDocument(manifestSchema, manifest);
        canonicalDocument(opsManifestSchema, opsManifest);
      }),
      { numRuns: RUNS },
    );
  });

  test('holds nothing of a hidden pair, not even in its counts, while the operators see all', () => {
    fc.assert(
      fc.property(rows, (some) => {
        const { manifest, opsManifest } = buildManifests(some, INPUT);
        const visible = some.filter((row) => row.visibility === 'visible');
        expect(manifest.entries).toHaveLength(visible.length);
        expect(manifest.summary.total).toBe(visible.length);
        expect(Object.values(manifest.summary.symbol_state).reduce((sum, count) => sum + count, 0)).toBe(
          visible.length,
        );
        expect(opsManifest.entries).toHaveLength(some.length);
      }),
      { numRuns: RUNS },
    );
  });

  test('I30 serves only what is visible, fresh or stale, and not blocked', () => {
    fc.assert(
      fc.property(rows, (some) => {
        const blocked = new Set(
          some.filter((row) => row.exportBlock !== null).map((row) => `${row.symbol} ${row.timeframe}`),
        );
        for (const entry of buildManifests(some, INPUT).manifest.entries) {
          const servable = entry.status === 'fresh' || entry.status === 'stale';
          expect(entry.serve_allowed).toBe(servable && !blocked.has(entry.key));
        }
      }),
      { numRuns: RUNS },
    );
  });

  const one = (changes: Partial<PublicationRow> = {}) =>
    buildManifests([rowOfPair(BITCOIN, THROUGH, changes)], INPUT).manifest.entries[0];

  test('names both documents of a pair with their size, hash and times', () => {
    expect(one()).toMatchObject({
      key: 'BTC/USDT 1h',
      status: 'fresh',
      serve_allowed: true,
      reason: null,
      data_through: '2024-06-01T12:00:00Z',
      fresh_until: '2024-06-01T13:05:00Z',
      expires_at: '2024-06-01T14:10:00Z',
      files: {
        history: { name: 'history_BTC_USDT_1h.json', bytes: 10, sha256: 'a'.repeat(64) },
        prediction: { name: 'prediction_BTC_USDT_1h.json', bytes: 20, data_through: '2024-06-01T12:00:00Z' },
      },
    });
  });

  test('I30 gives the times of an older prediction beside those of the history', () => {
    const entry = one({ degraded: true, predictionDataThrough: THROUGH - HOUR });
    expect(entry).toMatchObject({ degraded: true, status: 'fresh', data_through: '2024-06-01T12:00:00Z' });
    expect(entry?.files.prediction?.fresh_until).toBe('2024-06-01T12:05:00Z');
  });

  test('blocks a pair whose export failed and says why', () => {
    expect(one({ exportBlock: 'the disk is full' })).toMatchObject({
      serve_allowed: false,
      reason: 'blocked: the disk is full',
    });
  });

  test('I41 does not serve a pair whose gate refused, and gives the counts', () => {
    expect(one({ gateReason: '3 of 240 closed candles' })).toMatchObject({
      status: 'insufficient_data',
      serve_allowed: false,
      reason: '3 of 240 closed candles',
    });
  });

  test('calls a pair corrupt whose bytes on disk are not what was written', () => {
    const { manifest } = buildManifests([rowOfPair(BITCOIN, THROUGH)], { ...INPUT, damaged: new Set(['BTC/USDT 1h']) });
    expect(manifest.entries[0]).toMatchObject({ status: 'corrupt', serve_allowed: false });
  });

  test('expires twice the cycle target after the earliest next commit', () => {
    expect(buildManifests([], INPUT).manifest.expires_at).toBe('2024-06-01T13:02:05Z');
  });

  test('lists a symbol from its shortest timeframe to its longest', () => {
    const { manifest } = buildManifests(pairs.map((pair) => rowOfPair(pair, THROUGH)).reverse(), INPUT);
    expect(manifest.entries.slice(0, 5).map((entry) => entry.key)).toEqual([
      'BTC/USDT 1m',
      'BTC/USDT 1h',
      'BTC/USDT 1d',
      'BTC/USDT 1M',
      'ETH/USDT 1m',
    ]);
  });

  test('keeps operational facts for the operators', () => {
    const row = rowOfPair(BITCOIN, THROUGH, { ops: { workflow_id: 'cycle-1h' } });
    const { manifest, opsManifest } = buildManifests([row], INPUT);
    expect(opsManifest.entries[0]?.operations).toEqual({ workflow_id: 'cycle-1h' });
    expect(canonicalJson(manifest)).not.toContain('cycle-1h');
  });

  test('S01 F43 a reader refuses a name that is not the one of its pair', () => {
    const { manifest } = buildManifests([rowOfPair(BITCOIN, THROUGH)], INPUT);
    for (const name of ['../history_BTC_USDT_1h.json', 'history_ETH_USDT_1h.json', '/etc/passwd']) {
      const text = canonicalJson(manifest).replace('history_BTC_USDT_1h.json', name);
      expect(manifestSchema.safeParse(JSON.parse(text)).success).toBe(false);
    }
  });

  test('a reader refuses a pair that comes twice', () => {
    const { manifest } = buildManifests([rowOfPair(BITCOIN, THROUGH)], INPUT);
    const twice = { ...manifest, entries: [...manifest.entries, ...manifest.entries] };
    expect(manifestSchema.safeParse(twice).success).toBe(false);
  });
});
