import { PipelineError } from '../../domain/errors';
import { HOUR, MINUTE } from '../../domain/timeframe';
import { isSymbol } from '../../domain/types';
import type { Clock } from '../../ports/clock';
import type { Market } from '../../ports/exchange';

/** What is read of a market as ccxt gives it. */
export interface ListedMarket {
  readonly symbol?: unknown;
  readonly active?: unknown;
}

export interface MarketSource {
  /** All markets; also tells ccxt of them. */
  load(): Promise<readonly ListedMarket[]>;
  /** 24 h volume in the quote currency by symbol. */
  volumes(): Promise<ReadonlyMap<string, number>>;
}

export interface MarketList {
  /** Resolves when there is a list that is young enough to go by. */
  ready(): Promise<void>;
  markets(): Promise<readonly Market[]>;
  /** A symbol was not in it: the list is asked for again before it is believed a second time. */
  doubt(): void;
}

const FRESH_FOR = HOUR;
/** F75: how long a list serves when the exchange gives no new one. */
const GOOD_FOR = 24 * HOUR;
const RETRY_AFTER = 5 * MINUTE;
/** A list in doubt that is younger is the answer that was doubted. */
const DOUBTED_AFTER = MINUTE / 2;

/** A value that is loaded again each hour; when that fails, the last one serves for up to 24 h. */
class Cached<T> {
  private value: { readonly of: T; readonly at: number } | null = null;
  private triedAt = Number.NEGATIVE_INFINITY;
  private doubted = false;
  private loading: Promise<T> | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly load: () => Promise<T>,
  ) {}

  async get(): Promise<T> {
    const now = this.clock.monotonic();
    const known = this.value;
    if (known === null || now - known.at > GOOD_FOR) return this.reload();
    const sinceTry = now - this.triedAt;
    const old = now - known.at > FRESH_FOR && sinceTry > RETRY_AFTER;
    const due = old || (this.doubted && sinceTry > DOUBTED_AFTER);
    return due ? this.reload().catch(() => known.of) : known.of;
  }

  doubt(): void {
    this.doubted = true;
  }

  private reload(): Promise<T> {
    this.triedAt = this.clock.monotonic();
    this.loading ??= this.load()
      .then((of) => {
        this.value = { of, at: this.clock.monotonic() };
        this.doubted = false;
        return of;
      })
      .finally(() => {
        this.loading = null;
      });
    return this.loading;
  }
}

/**
 * The exchange's markets, loaded at most once an hour, and again when a symbol was not found in them.
 * @throws PipelineError from loading, when no list younger than 24 h is left; `bad_response` for a list without a market,
 *   which would turn every symbol into an unknown one.
 */
export function createMarketList(exchange: string, clock: Clock, source: MarketSource): MarketList {
  const list = new Cached(clock, async () => {
    const listed = marketsOf(await source.load());
    if (listed.length === 0) throw new PipelineError('bad_response', `${exchange} answered a list without any market`);
    return listed;
  });
  const volumes = new Cached(clock, () => source.volumes());
  return {
    doubt: () => list.doubt(),
    async ready() {
      await list.get();
    },
    async markets() {
      const markets = await list.get();
      // Volumes only rank symbols; without them there is still a list.
      const volumeOf = await volumes.get().catch((): ReadonlyMap<string, number> => new Map());
      return markets.map((market) => ({ ...market, quoteVolume: volumeOf.get(market.symbol) ?? null }));
    },
  };
}

/** Names that could not become a file name, a tag or an ID are left out (F80). */
function marketsOf(listed: readonly ListedMarket[]): Omit<Market, 'quoteVolume'>[] {
  return listed.flatMap(({ symbol, active }) =>
    typeof symbol === 'string' && isSymbol(symbol) ? [{ symbol, active: active !== false }] : [],
  );
}
