/** What is told of the storage and of the candle store, minute by minute. */
import fc from 'fast-check';
import { FLAP_WINDOW_MS } from '../../../src/domain/alert-transitions';
import type { Event } from '../../../src/domain/event';
import { STORAGE_LEVELS } from '../../../src/domain/storage-budget';
import type { StorageLevel } from '../../../src/domain/storage-budget';
import { observeDisk, observeStore } from '../../../src/domain/system-watch';
import type { DiskWatch, StoreWatch } from '../../../src/domain/system-watch';
import { MINUTE } from '../../../src/domain/timeframe';

const START = Date.UTC(2024, 0, 1);
const WINDOW = FLAP_WINDOW_MS / MINUTE;

/** `minute from -> to` of what is told of these levels, one a minute; through JSON between two, as a restart reads it. */
function disk(levels: readonly StorageLevel[], before: DiskWatch | null = null): string[] {
  let watch = before;
  return levels.flatMap((level, minute) => {
    const observed = observeDisk(watch, level, 'the detail', START + minute * MINUTE);
    watch = JSON.parse(JSON.stringify(observed.watch)) as DiskWatch;
    return observed.events.map(({ from, to }) => `${minute} ${from} -> ${to}`);
  });
}

describe('the level of the storage', () => {
  test('each change is told once; well at the first look is nothing to tell', () => {
    expect(disk(['ok', 'warn', 'warn', 'critical', 'block', 'ok'])).toEqual([
      '1 ok -> warn',
      '3 warn -> critical',
      '4 critical -> block',
      '5 block -> ok',
    ]);
    expect(disk(['block', 'block'])).toEqual(['0 ok -> block']);
  });

  test('F96 one that changes every other minute for a day is told once a window, and its end once', () => {
    const day = Array.from({ length: 1440 }, (_, minute) => (minute % 2 === 0 ? 'ok' : 'block'));
    const told = disk(day);
    expect(told.slice(0, 2)).toEqual(['1 ok -> block', '2 block -> ok']);
    expect(told.filter((line) => line.endsWith('block')).length).toBeLessThanOrEqual(1440 / WINDOW);
    expect(told.length).toBeLessThanOrEqual((2 * 1440) / WINDOW);
  });

  test('a level that comes back soon and stays is told when the window is over', () => {
    expect(disk(['block', 'ok', ...Array.from({ length: 60 }, () => 'block' as const)])).toEqual([
      '0 ok -> block',
      '1 block -> ok',
      `${WINDOW} ok -> block`,
    ]);
  });

  test('what an earlier version remembered goes on', () => {
    expect(disk(['ok'], { level: 'block', since: START - MINUTE })).toEqual(['0 block -> ok']);
  });

  test('whatever happens, no level is told twice in a window, and what stays is known when it is over', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STORAGE_LEVELS), { minLength: 1, maxLength: 120 }), (levels) => {
        const last = levels.at(-1) ?? 'ok';
        const told = disk([...levels, ...Array.from({ length: WINDOW }, () => last)]);
        const at = new Map<string, number>();
        for (const line of told) {
          const [minute = '', , , to = ''] = line.split(' ');
          expect(Number(minute) - (at.get(to) ?? -WINDOW)).toBeGreaterThanOrEqual(WINDOW);
          at.set(to, Number(minute));
        }
        expect(told.at(-1)?.split(' ').at(-1) ?? 'ok').toBe(last);
      }),
    );
  });
});

describe('the candle store', () => {
  function store(seen: readonly boolean[]): Event[] {
    let watch: StoreWatch | null = null;
    return seen.flatMap((away, minute) => {
      const observed = observeStore(watch, away ? 'no answer' : null, START + minute * MINUTE);
      watch = JSON.parse(JSON.stringify(observed.watch)) as StoreWatch;
      return [...observed.events];
    });
  }
  const many = (count: number, away: boolean): boolean[] => Array.from({ length: count }, () => away);
  const kinds = (seen: readonly boolean[]): string[] => store(seen).map(({ kind }) => kind);

  test('one look that finds no answer is nothing to tell; two are, once, with their end', () => {
    expect(kinds([false, true, false, true, false])).toEqual([]);
    const [begun, ended, ...more] = store([...many(1, false), ...many(9, true), ...many(3, false)]);
    expect(begun).toMatchObject({ kind: 'store_unreachable', detail: 'no answer', since: START + MINUTE });
    expect(ended).toMatchObject({ kind: 'store_reached', alert: begun?.key, ends: begun?.key });
    expect(more).toEqual([]);
  });

  test('F96 away again soon is told only if it stays', () => {
    const flaps = Array.from({ length: 240 }, (_, minute) => minute % 4 < 2);
    expect(kinds(flaps).filter((kind) => kind === 'store_unreachable').length).toBeLessThanOrEqual(240 / WINDOW);
    expect(kinds([...many(2, true), ...many(2, false), ...many(60, true)])).toEqual([
      'store_unreachable',
      'store_reached',
      'store_unreachable',
    ]);
  });
});
