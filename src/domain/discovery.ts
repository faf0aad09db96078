/** Which symbols are followed when the exchange's volumes decide it (SPEC 1): the top by quote volume, without coming and going. */
import type { EpochMs, MarketSymbol } from './types';

export interface RankedMarket {
  readonly symbol: MarketSymbol;
  readonly active: boolean;
  /** Of 24 hours, in the quote currency; null when the exchange does not tell it. */
  readonly quoteVolume: number | null;
}

export interface DiscoveryRules {
  /** Symbols followed by volume. */
  readonly top: number;
  readonly quote: string;
  readonly deny: readonly MarketSymbol[];
  /** Followed at most, those that are followed anyway included. */
  readonly cap: number;
}

export interface ChosenSymbol {
  readonly symbol: MarketSymbol;
  readonly since: EpochMs;
  /** Looks running at which it lay too far down, or was not there. */
  readonly misses: number;
  /** 1 is the largest volume; that of the last look at which it had one. */
  readonly rank: number;
}

export interface Choice {
  readonly chosen: readonly ChosenSymbol[];
  /** Symbols that are new in `chosen`. */
  readonly joining: readonly MarketSymbol[];
  readonly leaving: readonly { readonly symbol: MarketSymbol; readonly reason: string }[];
}

/** A symbol that is followed stays while it ranks within this multiple of the top. */
const STAYS_WITHIN = 1.5;
/** Looks running below that, after which it goes. */
const MISSES_TO_LEAVE = 3;

/** Currencies tied to money: a pair of two of them has no price worth forecasting. */
const STABLE = new Set(
  'USDT USDC BUSD TUSD FDUSD DAI USDP USDD USDE PYUSD GUSD LUSD FRAX USTC UST SUSD USDS USD1 RLUSD USD EUR EURI AEUR EURT GBP TRY BRL AUD JPY CHF RUB UAH'.split(
    ' ',
  ),
);

/**
 * The choice after one more look. `fixed` symbols are followed anyway and count against the cap only. Without any volume
 * the look tells nothing, and all stays as it was.
 */
export function chooseSymbols(
  markets: readonly RankedMarket[],
  before: readonly ChosenSymbol[],
  rules: DiscoveryRules,
  fixed: readonly MarketSymbol[],
  asOf: EpochMs,
): Choice {
  const ranks = ranksOf(markets, rules);
  if (ranks.size === 0) return { chosen: before, joining: [], leaving: [] };
  const leaving: { symbol: MarketSymbol; reason: string }[] = [];
  const staying = before.flatMap((known): ChosenSymbol[] => {
    const after = lookAgain(known, ranks, rules);
    const reason = reasonToLeave(after, rules, fixed);
    if (reason === null) return [after];
    leaving.push({ symbol: known.symbol, reason });
    return [];
  });
  const room = Math.max(0, rules.cap - fixed.length);
  const kept = staying.toSorted((a, b) => a.rank - b.rank).slice(0, room);
  for (const { symbol } of staying.filter((known) => !kept.includes(known)))
    leaving.push({ symbol, reason: `more than ${rules.cap} symbols would be followed` });
  const followed = new Set([...fixed, ...kept.map(({ symbol }) => symbol)]);
  const joining = [...ranks]
    .filter(([symbol, rank]) => rank <= rules.top && !followed.has(symbol))
    .slice(0, Math.max(0, room - kept.length))
    .map(([symbol, rank]): ChosenSymbol => ({ symbol, since: asOf, misses: 0, rank }));
  return {
    chosen: [...kept, ...joining].toSorted((a, b) => a.rank - b.rank || (a.symbol < b.symbol ? -1 : 1)),
    joining: joining.map(({ symbol }) => symbol),
    leaving,
  };
}

/** By volume, largest first; equal volumes by name, so that no look differs from the next by chance. */
function ranksOf(markets: readonly RankedMarket[], { quote, deny }: DiscoveryRules): Map<MarketSymbol, number> {
  const candidates = markets.flatMap(({ symbol, active, quoteVolume }) => {
    const [base, other] = symbol.split('/');
    if (!active || other !== quote || base === undefined || STABLE.has(base) || deny.includes(symbol)) return [];
    return quoteVolume !== null && Number.isFinite(quoteVolume) && quoteVolume > 0 ? [{ symbol, quoteVolume }] : [];
  });
  const ranked = candidates.toSorted((a, b) => b.quoteVolume - a.quoteVolume || (a.symbol < b.symbol ? -1 : 1));
  return new Map(ranked.map(({ symbol }, index) => [symbol, index + 1]));
}

function lookAgain(
  known: ChosenSymbol,
  ranks: ReadonlyMap<MarketSymbol, number>,
  { top }: DiscoveryRules,
): ChosenSymbol {
  const rank = ranks.get(known.symbol);
  const within = rank !== undefined && rank <= top * STAYS_WITHIN;
  return { ...known, rank: rank ?? known.rank, misses: within ? 0 : known.misses + 1 };
}

function reasonToLeave(
  { symbol, misses, rank }: ChosenSymbol,
  { deny, top, quote }: DiscoveryRules,
  fixed: readonly MarketSymbol[],
): string | null {
  if (deny.includes(symbol)) return 'in DISCOVER_DENY';
  if (fixed.includes(symbol)) return 'named in SYMBOLS';
  if (symbol.split('/')[1] !== quote) return `not of the quote currency ${quote}`;
  if (misses < MISSES_TO_LEAVE) return null;
  return `rank ${rank} or none at ${misses} looks running, ${Math.floor(top * STAYS_WITHIN)} is the last that stays`;
}
