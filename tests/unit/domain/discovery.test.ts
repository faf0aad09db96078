import * as fc from 'fast-check';
import { chooseSymbols } from '../../../src/domain/discovery';
import type { ChosenSymbol, DiscoveryRules, RankedMarket } from '../../../src/domain/discovery';
import { parseSymbol } from '../../../src/domain/types';

const rules: DiscoveryRules = { top: 2, quote: 'USDT', deny: [parseSymbol('BAD/USDT')], cap: 10 };
const market = (symbol: string, quoteVolume: number | null, active = true): RankedMarket => ({
  symbol: parseSymbol(symbol),
  quoteVolume,
  active,
});
const choose = (
  markets: readonly RankedMarket[],
  before: readonly ChosenSymbol[] = [],
  changes: Partial<DiscoveryRules> = {},
  fixed: readonly string[] = [],
  asOf = 1,
) => chooseSymbols(markets, before, { ...rules, ...changes }, fixed.map(parseSymbol), asOf);
const names = (chosen: readonly ChosenSymbol[]): string[] => chosen.map(({ symbol }) => symbol);

test('the top by quote volume of one quote currency are chosen, without stable, denied and inactive ones', () => {
  const { chosen, joining } = choose([
    market('C/USDT', 10),
    market('USDC/USDT', 99),
    market('EUR/USDT', 98),
    market('BAD/USDT', 97),
    market('GONE/USDT', 96, false),
    market('A/USDT', 30),
    market('B/BTC', 95),
    market('B/USDT', 20),
    market('D/USDT', null),
  ]);
  expect(names(chosen)).toEqual(['A/USDT', 'B/USDT']);
  expect(joining).toEqual(['A/USDT', 'B/USDT']);
});

test('a followed symbol stays while it ranks within one and a half times the top', () => {
  const before = choose([market('A/USDT', 3), market('B/USDT', 2)]).chosen;
  const { chosen, leaving } = choose([market('X/USDT', 9), market('Y/USDT', 8), market('A/USDT', 3)], before, {
    cap: 3,
  });
  expect(names(chosen)).toContain('A/USDT');
  expect(leaving).toEqual([]);
});

test('one that ranks below stays two looks more, and goes at the third running, with the reason', () => {
  const world = [5, 4, 3, 2].map((volume, index) => market(`T${index}/USDT`, volume));
  let chosen: readonly ChosenSymbol[] = [{ symbol: parseSymbol('OLD/USDT'), since: 0, misses: 0, rank: 1 }];
  const left: string[] = [];
  for (let look = 1; look <= 3; look++) {
    const choice = choose([...world, market('OLD/USDT', 1)], chosen);
    chosen = choice.chosen;
    left.push(choice.leaving.map(({ symbol, reason }) => `${symbol} ${reason}`).join());
  }
  expect(left.slice(0, 2)).toEqual(['', '']);
  expect(left[2]).toMatch(/OLD\/USDT rank 5 or none at 3 looks running, 3 is the last that stays/);
});

test('a look at which it was back in between begins the count anew', () => {
  const top = [market('A/USDT', 9), market('B/USDT', 8), market('C/USDT', 7), market('D/USDT', 6)];
  const low = [...top, market('OLD/USDT', 1)];
  const back = [market('OLD/USDT', 10), ...top];
  let chosen: readonly ChosenSymbol[] = [{ symbol: parseSymbol('OLD/USDT'), since: 0, misses: 0, rank: 1 }];
  for (const look of [low, low, back, low, low]) chosen = choose(look, chosen).chosen;
  expect(names(chosen)).toContain('OLD/USDT');
});

test('F75 without any volume the look tells nothing, and all stays as it was', () => {
  const before = choose([market('A/USDT', 3)]).chosen;
  expect(choose([market('A/USDT', null), market('B/USDT', null)], before)).toEqual({
    chosen: before,
    joining: [],
    leaving: [],
  });
  expect(choose([], before).chosen).toEqual(before);
});

test('named symbols are not chosen again and count against the cap', () => {
  const world = [market('A/USDT', 9), market('B/USDT', 8), market('C/USDT', 7)];
  expect(names(choose(world, [], { cap: 2 }, ['A/USDT']).chosen)).toEqual(['B/USDT']);
  expect(choose(world, [], { cap: 1 }, ['A/USDT']).chosen).toEqual([]);
});

test('a symbol that is denied or named from now on leaves at once', () => {
  const before = choose([market('A/USDT', 9), market('B/USDT', 8)]).chosen;
  const world = [market('A/USDT', 9), market('B/USDT', 8)];
  expect(choose(world, before, { deny: [parseSymbol('A/USDT')] }).leaving).toEqual([
    { symbol: 'A/USDT', reason: 'in DISCOVER_DENY' },
  ]);
  expect(choose(world, before, {}, ['B/USDT']).leaving).toEqual([{ symbol: 'B/USDT', reason: 'named in SYMBOLS' }]);
});

test('whatever the markets: never more than the cap, never a symbol twice, and the same look chooses the same', () => {
  const anyMarket = fc
    .tuple(fc.integer({ min: 0, max: 30 }), fc.option(fc.nat({ max: 5 })), fc.boolean())
    .map(([name, volume, active]) => market(`S${name}/USDT`, volume, active));
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(anyMarket, { selector: ({ symbol }) => symbol, maxLength: 20 }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.nat({ max: 8 }),
      (looks, cap) => {
        let chosen: readonly ChosenSymbol[] = [];
        for (const look of looks) {
          const choice = choose(look, chosen, { cap, top: 4 }, ['S1/USDT']);
          expect(choice.chosen.length).toBeLessThanOrEqual(Math.max(0, cap - 1));
          expect(new Set(names(choice.chosen)).size).toBe(choice.chosen.length);
          expect(names(choice.chosen)).not.toContain('S1/USDT');
          expect(choose(look.toReversed(), chosen, { cap, top: 4 }, ['S1/USDT'])).toEqual(choice);
          chosen = choice.chosen;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('F80 ten thousand markets are chosen from in milliseconds', () => {
  const world = Array.from({ length: 10_000 }, (_, index) => market(`S${index}/USDT`, 1 + (index % 997)));
  const started = performance.now();
  expect(choose(world, [], { top: 100, cap: 200 }).chosen).toHaveLength(100);
  expect(performance.now() - started).toBeLessThan(2_000);
});
