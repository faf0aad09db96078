/** Which rows of a refused page are to blame, in how many requests (PROOF F51, F52). */
import * as fc from 'fast-check';
import { writeSettingAside } from '../../../src/adapters/influx/setting-aside';
import { PipelineError } from '../../../src/domain/errors';

/** A store that takes nothing of a request with a bad row (400), or all but the bad rows (422). */
function storeRefusing(bad: ReadonlySet<number>, partly: boolean) {
  const stored = new Set<number>();
  let requests = 0;
  const send = async (rows: readonly number[]): Promise<void> => {
    requests += 1;
    const refused = rows.filter((row) => bad.has(row));
    if (refused.length === 0 || partly) for (const row of rows) if (!bad.has(row)) stored.add(row);
    if (refused.length > 0) throw new PipelineError('store_refused', `${refused.length} bad`);
  };
  return { send, stored, requests: () => requests };
}

const rows = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test.each([
  [400, false],
  [422, true],
])(
  'F51 F52 one bad row among 500 (%i): 499 are stored, one is set aside, in 12 requests at most',
  async (_, partly) => {
    for (const bad of rows(500).filter((row) => row % 9 === 0 || row > 490)) {
      const store = storeRefusing(new Set([bad]), partly);
      const { written, refused } = await writeSettingAside(rows(500), store.send);
      expect(refused).toEqual([{ row: bad, reason: '1 bad' }]);
      expect(new Set(written)).toEqual(store.stored);
      expect(store.stored.size).toBe(499);
      expect(store.requests()).toBeLessThanOrEqual(12);
    }
  },
);

test('I09 whatever rows are bad, those and only those are set aside, and the others are stored', async () => {
  const pages = fc
    .integer({ min: 1, max: 60 })
    .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat({ max: size - 1 }), { maxLength: 10 })));
  await fc.assert(
    fc.asyncProperty(pages, fc.boolean(), async ([size, bad], partly) => {
      const store = storeRefusing(new Set(bad), partly);
      const { written, refused } = await writeSettingAside(rows(size), store.send);
      expect(refused.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(bad.toSorted((a, b) => a - b));
      expect(new Set(written)).toEqual(new Set(rows(size).filter((row) => !bad.includes(row))));
      expect([...store.stored].toSorted((a, b) => a - b)).toEqual(rows(size).filter((row) => !bad.includes(row)));
    }),
  );
});

test('when more than ten rows are refused the fault is not theirs: it is given up, after bounded requests', async () => {
  const store = storeRefusing(new Set(rows(1000)), true);
  const { written, refused, givenUp } = await writeSettingAside(rows(1000), store.send);
  expect([written.length, refused.length, givenUp?.code]).toEqual([0, 10, 'store_refused']);
  expect(store.requests()).toBeLessThan(140);
});

test('another failure is thrown as it is, and no row is blamed for it', async () => {
  const failure = new PipelineError('store_unavailable', 'gone');
  await expect(writeSettingAside(rows(5), async () => Promise.reject(failure))).rejects.toBe(failure);
});
