/** The market of a simulated life: its truth with everything it ever said, its faults, and a model that is told what to say. */
import { createMemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import type { MemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { sameValues } from '../../../src/domain/candle';
import { PipelineError } from '../../../src/domain/errors';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { closeOf, countSlots, lastClosedOpen, shiftSlots } from '../../../src/domain/timeframe';
import { pairKey } from '../../../src/domain/types';
import type { Candle, EpochMs, Pair } from '../../../src/domain/types';
import { RandomDraws } from '../../../src/market/random-draws';
import type { Clock } from '../../../src/ports/clock';
import type { Exchange, PageRequest } from '../../../src/ports/exchange';
import type { Fitter, Forecaster } from '../../../src/ports/forecaster';
import type { VirtualTime } from './virtual-time';

export const SOURCE = 'simulated';
export const SETTLE_MS = 2_000;

export interface ListedPair {
  readonly pair: Pair;
  /** Open time of its first candle. */
  readonly listed: EpochMs;
}

export interface MarketOptions {
  readonly pairs: readonly ListedPair[];
  readonly until: EpochMs;
  readonly seed: number;
  /** The exchange's clock less the true time. */
  readonly clockOffsetMs: number;
  readonly pageCap: number;
  /** Slots after a pair's listing that the exchange has no candle of. */
  readonly holes: readonly number[];
}

/** Of the declared recipes. */
const BETTER_FAMILY = 'ets';
export const LIES = ['empty', 'poison', 'conflicting', 'reversed', 'half'] as const;
export type Lie = (typeof LIES)[number];
export const FORECAST_FAULTS = ['forecast_failed', 'forecast_invalid', 'forecast_timeout'] as const;
export type ForecastFault = (typeof FORECAST_FAULTS)[number];
export type MarketRow =
  | `lie: ${Lie}`
  | `model: ${ForecastFault}`
  | 'F59 request refused by a ban'
  | 'F79 request refused for maintenance'
  | 'I60 asked for while a ban is known';

export class SimulatedMarket {
  readonly pairs: readonly ListedPair[];
  /** Requests that reached the exchange while it had banned us. */
  requestsInBan = 0;
  /** Requests that reached the exchange. */
  requests = 0;
  bannedUntil = 0;
  downUntil = 0;
  /** Of the next forecasts, one each. */
  readonly forecastFaults: ForecastFault[] = [];
  readonly lies: Lie[] = [];
  /** Hears of each fault when it has befallen a request or a forecast. */
  onFault: (row: MarketRow) => void = () => {};
  readonly #candles = new Map<string, Candle[]>();
  /** Every value a slot ever had. */
  readonly #said = new Map<string, Map<EpochMs, Candle[]>>();
  readonly #exchanges: MemoryExchange[] = [];
  readonly #budget;

  constructor(
    private readonly time: VirtualTime,
    private readonly options: MarketOptions,
  ) {
    this.pairs = options.pairs;
    this.#budget = createMemoryRateBudget({
      clock: { now: () => time.now, monotonic: () => time.now },
      sleep: (ms) => time.sleep(ms),
    });
    for (const { pair, listed } of options.pairs) this.#tell(pair, invented(pair, listed, options));
  }

  /** What is closed by the earlier of the true time and the exchange's. */
  lastClosed({ timeframe }: Pair): EpochMs {
    return lastClosedOpen(timeframe, this.time.now + Math.min(0, this.options.clockOffsetMs), SETTLE_MS);
  }

  candle(pair: Pair, openTime: EpochMs): Candle | undefined {
    return this.#candles.get(pairKey(pair))?.find((candle) => candle.openTime === openTime);
  }

  /** Open time of the newest candle the exchange has that opens at or before `slot`. */
  newestUpTo(pair: Pair, slot: EpochMs): EpochMs {
    const upTo = (this.#candles.get(pairKey(pair)) ?? []).filter(({ openTime }) => openTime <= slot);
    return upTo.at(-1)?.openTime ?? 0;
  }

  everSaid(pair: Pair, candle: Candle): boolean {
    return (
      this.#said
        .get(pairKey(pair))
        ?.get(candle.openTime)
        ?.some((known) => sameValues(known, candle)) ?? false
    );
  }

  /** The newest closed candle of a pair changes, as some exchanges change them after the close (F65). */
  revise(pair: Pair): boolean {
    const last = this.candle(pair, this.lastClosed(pair));
    if (last === undefined) return false;
    const revised = { ...last, volume: last.volume + 1, high: last.high + 0.5 };
    const all = this.#candles.get(pairKey(pair)) ?? [];
    this.#tell(
      pair,
      all.map((candle) => (candle.openTime === last.openTime ? revised : candle)),
    );
    return true;
  }

  /** The exchange as one worker sees it, behind the budget that all share. */
  exchangeFor(clock: Clock): Exchange {
    const { time, options } = this;
    const exchange = createMemoryExchange({
      clock,
      settleMs: SETTLE_MS,
      source: SOURCE,
      pageCap: options.pageCap,
      get clockOffsetMs() {
        return time.now + options.clockOffsetMs - clock.now();
      },
    });
    this.#exchanges.push(exchange);
    for (const { pair } of this.pairs) exchange.setCandles(pair, this.#candles.get(pairKey(pair)) ?? []);
    return {
      source: SOURCE,
      largestPage: exchange.largestPage,
      supports: (timeframe) => exchange.supports(timeframe),
      serverTime: () => exchange.serverTime(),
      markets: () => exchange.markets(),
      close: async () => {},
      fetchPage: async (request) => {
        if ((await this.#budget.bannedUntil(SOURCE)) !== null) this.onFault('I60 asked for while a ban is known');
        await this.#budget.take(SOURCE, 2, request.priority, request.signal);
        this.requests += 1;
        await this.#refuse();
        const lie = this.lies.shift();
        if (lie !== undefined) exchange.next({ rows: this.#lieAbout(request, lie) });
        return exchange.fetchPage(request);
      },
    };
  }

  /** Every family says the same, but one, whose bands fit better: what a training finds. */
  readonly forecaster: Forecaster = {
    candlesWanted: () => 20,
    versionOf: ({ family }) => `${family}-simulated`,
    forecast: async ({ candles, steps, recipe }) => {
      const fault = this.forecastFaults.shift();
      if (fault !== undefined) {
        this.onFault(`model: ${fault}`);
        throw new PipelineError(fault, 'the model failed as planned');
      }
      const last = candles.at(-1)?.close ?? Number.NaN;
      const width = recipe.family === BETTER_FAMILY ? 0.6 : 1;
      const row = [-3, -2, -1, 0, 1, 2, 3].map((percent) => last * (1 + (width * percent) / 100));
      const quantiles = Array.from({ length: steps }, () => row as unknown as QuantileRow);
      return { family: recipe.family, modelVersion: `${recipe.family}-simulated`, quantiles, milliseconds: 0 };
    },
    close: async () => {},
  };
  readonly fitter: Fitter = {
    fit: async ({ pair, recipe, candles }) =>
      recipe.family === BETTER_FAMILY ? `${recipe.family} of ${pairKey(pair)} up to ${candles.at(-1)?.openTime}` : null,
  };

  async #refuse(): Promise<void> {
    const { now } = this.time;
    if (now < this.bannedUntil) {
      this.onFault('F59 request refused by a ban');
      const known = await this.#budget.bannedUntil(SOURCE);
      if (known !== null) this.requestsInBan += 1;
      await this.#budget.ban(SOURCE, this.bannedUntil, 'exchange_banned');
      throw new PipelineError('exchange_banned', 'banned', { retryAfterMs: this.bannedUntil - now });
    }
    if (now < this.downUntil) {
      this.onFault('F79 request refused for maintenance');
      throw new PipelineError('exchange_unreachable', 'down for maintenance');
    }
  }

  /** Of a page of one candle, or none, some lies are the truth: then none was told. */
  #lieAbout(request: PageRequest, lie: Lie): readonly unknown[] {
    const truth = (this.#candles.get(pairKey(request)) ?? [])
      .filter(({ openTime }) => openTime >= request.since && openTime <= this.time.now)
      .slice(0, Math.min(request.limit, this.options.pageCap))
      .map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume]);
    const told = distorted(truth, lie);
    if (JSON.stringify(told) !== JSON.stringify(truth)) this.onFault(`lie: ${lie}`);
    return told;
  }

  #tell(pair: Pair, candles: readonly Candle[]): void {
    this.#candles.set(pairKey(pair), [...candles]);
    const said = this.#said.get(pairKey(pair)) ?? new Map<EpochMs, Candle[]>();
    this.#said.set(pairKey(pair), said);
    for (const candle of candles) {
      const values = said.get(candle.openTime) ?? [];
      if (!values.some((known) => sameValues(known, candle))) said.set(candle.openTime, [...values, candle]);
    }
    for (const exchange of this.#exchanges) exchange.setCandles(pair, candles);
  }
}

function distorted(rows: readonly (readonly number[])[], lie: Lie): readonly unknown[] {
  if (lie === 'empty') return [];
  if (lie === 'poison') return rows.map((row, k) => (k % 2 === 0 ? row : [row[0], Number.NaN, -1, 0, null, -5]));
  if (lie === 'conflicting') return rows.flatMap((row) => [row, [...row.slice(0, 5), 999]]);
  return lie === 'reversed' ? rows.toReversed() : rows.slice(0, Math.ceil(rows.length / 2));
}

function invented({ symbol, timeframe }: Pair, listed: EpochMs, { until, seed, holes }: MarketOptions): Candle[] {
  const draws = new RandomDraws(`${seed} ${symbol} ${timeframe}`);
  const missing = new Set(timeframe === '1h' ? holes : []);
  let open = 100;
  return Array.from({ length: countSlots(timeframe, { from: listed, to: until }) }, (_, k) => {
    const close = Number((open * (1 + 0.01 * draws.normal(k))).toFixed(2));
    const candle = {
      openTime: shiftSlots(timeframe, listed, k),
      open,
      high: Math.max(open, close) + 1,
      low: Math.min(open, close) - 1,
      close,
      volume: 1 + (k % 7),
    };
    open = close;
    return candle;
  }).filter((candle, k) => !missing.has(k) && closeOf(timeframe, candle.openTime) <= until);
}
