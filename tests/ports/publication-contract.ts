/** What every store of publication rows and generations must do. */
import type { GenerationRecord, PublicationStore } from '../../src/ports/publication';
import { rendered, row } from './publication-rows';
import { BTC_1H, ETH_1D, slot } from './store-fixtures';

export function publicationContract(name: string, make: () => Promise<PublicationStore>): void {
  describe(`publication: ${name}`, () => {
    describe('rows', () => rows(make));
    describe('generations', () => generations(make));
  });
}

function rows(make: () => Promise<PublicationStore>): void {
  test('a row comes back as it was given; rows are in order of symbol and timeframe', async () => {
    const store = await make();
    const eth = { ...row, ...ETH_1D };
    expect(await store.upsert(eth)).toBe(true);
    expect(await store.upsert(row)).toBe(true);
    expect(await store.rows()).toStrictEqual([row, eth]);
  });

  test('I25 I42 a late attempt of the same run never takes its data back, nor hides them; a later run may', async () => {
    const store = await make();
    const now = { ...row, asOf: slot(2), dataThrough: slot(2) };
    expect(await store.upsert(now)).toBe(true);
    expect(await store.upsert({ ...now, dataThrough: slot(1) })).toBe(false);
    expect(await store.rows()).toEqual([now]);
    const hidden = { ...now, dataThrough: null };
    expect(await store.upsert(hidden)).toBe(false);
    expect(await store.upsert({ ...now, asOf: slot(3), dataThrough: slot(1) })).toBe(true);
    expect(await store.upsert({ ...hidden, asOf: slot(4) })).toBe(true);
    expect(await store.upsert({ ...hidden, asOf: slot(4) })).toBe(true);
    expect(await store.upsert({ ...now, asOf: slot(4) })).toBe(true);
  });

  test('I25 a row never goes back to an older run', async () => {
    const store = await make();
    const newer = { ...row, asOf: slot(2) };
    await store.upsert(newer);
    expect(await store.upsert(row)).toBe(false);
    expect(await store.rows()).toEqual([newer]);
  });

  test('I10 the same run may write its row again', async () => {
    const store = await make();
    await store.upsert(row);
    expect(await store.upsert({ ...row, degraded: true })).toBe(true);
    expect(await store.rows()).toEqual([{ ...row, degraded: true }]);
  });

  test('a removed row is gone, and removing it again is no error', async () => {
    const store = await make();
    await store.upsert(row);
    await store.upsert({ ...row, ...ETH_1D });
    await store.remove(BTC_1H);
    await store.remove(BTC_1H);
    expect(await store.rows()).toMatchObject([ETH_1D]);
  });
}

function generations(make: () => Promise<PublicationStore>): void {
  test('I25 each commit takes the next generation, renders the rows and is recorded', async () => {
    const store = await make();
    await store.upsert(row);
    const seen: unknown[] = [];
    const commit = (): Promise<GenerationRecord> =>
      store.commit(async (input) => {
        seen.push(input);
        return { ...rendered, rollbackOf: input.generation === 2 ? 1 : null };
      });
    expect(await commit()).toStrictEqual({ ...rendered, generation: 1 });
    await commit();
    expect(seen).toEqual([
      { generation: 1, rows: [row] },
      { generation: 2, rows: [row] },
    ]);
    expect(await store.generations(10)).toStrictEqual([
      { ...rendered, generation: 2, rollbackOf: 1 },
      { ...rendered, generation: 1 },
    ]);
    expect(await store.generations(1)).toMatchObject([{ generation: 2 }]);
  });

  test('P10 rows that a commit changes are stored with its record, whatever stood', async () => {
    const store = await make();
    await store.upsert({ ...row, asOf: slot(3), dataThrough: slot(3) });
    const older = { ...row, asOf: slot(2), dataThrough: slot(1) };
    expect(await store.commit(async () => ({ ...rendered, rows: [older] }))).toStrictEqual({
      ...rendered,
      generation: 1,
    });
    expect(await store.rows()).toEqual([older]);
  });

  test('F30 a row of a clock that was ahead gives way, but not to older data, and not to a late attempt', async () => {
    const store = await make();
    const ahead = { ...row, asOf: slot(9), dataThrough: slot(2) };
    const right = { ...row, asOf: slot(3), dataThrough: slot(2) };
    await store.upsert(ahead);
    expect(await store.upsert(right, slot(9))).toBe(false);
    expect(await store.upsert({ ...right, dataThrough: slot(1) }, slot(3))).toBe(false);
    expect(await store.upsert(right, slot(3))).toBe(true);
    expect(await store.rows()).toEqual([right]);
  });

  test('a render that fails records nothing, and its number is used by the next', async () => {
    const store = await make();
    const failing = store.commit(async () => {
      throw new Error('no space for the manifest');
    });
    await expect(failing).rejects.toThrow('no space for the manifest');
    expect(await store.generations(10)).toEqual([]);
    expect(await store.commit(async () => rendered)).toMatchObject({ generation: 1 });
  });

  test('I26 a render that refuses because its attempt is too old commits nothing', async () => {
    const store = await make();
    await store.commit(async () => rendered);
    const late = store.commit(async ({ generation }) => {
      if (generation > 1) throw new RangeError('the attempt is past its deadline');
      return rendered;
    });
    await expect(late).rejects.toThrow('past its deadline');
    expect(await store.generations(10)).toMatchObject([{ generation: 1 }]);
  });

  test('I25 commits that are asked for together run one after the other', async () => {
    const store = await make();
    let running = 0;
    const commits = Array.from({ length: 5 }, () =>
      store.commit(async () => {
        running += 1;
        await new Promise((resolve) => setImmediate(resolve));
        expect(running).toBe(1);
        running -= 1;
        return rendered;
      }),
    );
    const taken = (await Promise.all(commits)).map(({ generation }) => generation);
    expect(taken).toEqual([1, 2, 3, 4, 5]);
  });

  test('what is written while a commit renders is in the next commit', async () => {
    const store = await make();
    let begun = (): void => {};
    const rendering = new Promise<void>((resolve) => (begun = resolve));
    const first = store.commit(async ({ rows }) => {
      expect(rows).toEqual([]);
      begun();
      await new Promise((resolve) => setImmediate(resolve));
      expect(rows).toEqual([]);
      return rendered;
    });
    await rendering;
    await Promise.all([first, store.upsert(row)]);
    await store.commit(async ({ rows }) => {
      expect(rows).toEqual([row]);
      return rendered;
    });
  });

  test('I25 forgetting old generations never makes a number come again', async () => {
    const store = await make();
    for (let each = 0; each < 4; each++) await store.commit(async () => rendered);
    await store.forgetGenerations(3);
    expect((await store.generations(10)).map(({ generation }) => generation)).toEqual([4, 3]);
    await store.forgetGenerations(1000);
    expect(await store.commit(async () => rendered)).toMatchObject({ generation: 5 });
  });
}
