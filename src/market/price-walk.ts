import { HOUR } from '../domain/timeframe';
import type { Bar } from './bar';
import type { Instrument } from './instrument';
import { BLOCK_HOURS, FIRST_HOUR, WEATHER_VARIANCE, nextLogVolatility, volatilityComponent } from './market-weather';
import type { MarketWeather } from './market-weather';
import { RandomDraws, exponential, logarithm } from './random-draws';
import type { RecentEntries } from './recent-entries';

// Taken once, as in random-draws.
const { floor, max, min, round, sqrt } = Math;

/** Activity by hour of the day (UTC), mean 1: quiet Asian night, busiest when Europe and America are both awake. */
const ACTIVITY = [
  1.05, 0.98, 0.92, 0.87, 0.82, 0.8, 0.82, 0.88, 0.94, 0.95, 0.93, 0.93, 1.02, 1.2, 1.38, 1.36, 1.26, 1.15, 1.08, 1.03,
  1, 0.95, 0.86, 0.82,
] as const;
/** The symbol's own part of the log volatility. */
const OWN = volatilityComponent(24, 0.3);
/** Volatilities are lognormal; this keeps their mean square at the instrument's. */
const CENTRE = WEATHER_VARIANCE + OWN.deviation * OWN.deviation;
/** Share of the distance to the usual price that is taken back in an hour. */
const PULL = 1 / 8766;
/** Chance that nothing at all trades in an hour of a sparse symbol. */
const EMPTY_HOUR = 0.06;
const ABSENT = -1;

/** The walk at the beginning of an hour: natural logarithm of the price, and the symbol's own log volatility. */
interface WalkState {
  readonly logPrice: number;
  readonly ownVolatility: number;
}

/** Hours of one symbol; prices in ticks, volume in lots, `ABSENT` where there is no candle. */
export interface HourBlock {
  readonly open: Int32Array;
  readonly high: Int32Array;
  readonly low: Int32Array;
  readonly close: Int32Array;
  readonly lots: Float64Array;
}

function emptyBlock(): HourBlock {
  const prices = (): Int32Array => new Int32Array(BLOCK_HOURS);
  const lots = new Float64Array(BLOCK_HOURS).fill(ABSENT);
  return { open: prices(), high: prices(), low: prices(), close: prices(), lots };
}

/**
 * The hourly prices of one symbol: a log random walk with stochastic volatility (three autoregressions, two of them
 * shared by the market), market jumps, and a weak pull to the usual price. High and low of an hour follow the law of
 * the extremes of a Brownian bridge between its open and close. Only the state at the start of each block is kept for
 * good; blocks are made again when needed, with the same result.
 */
export class PriceWalk {
  readonly #instrument: Instrument;
  readonly #weather: MarketWeather;
  readonly #blocks: RecentEntries<string, HourBlock>;
  readonly #firstBlock: number;
  readonly #listedHour: number;
  readonly #usualLogPrice: number;
  /** Weight of the symbol's own part of a move; the market's is `marketShare`. */
  readonly #ownMove: number;
  readonly #ticksInOne: number;
  /** Most questions are for the block of the one before. */
  #latest: { readonly number: number; readonly block: HourBlock } | null = null;
  /** The state at the start of each block from the first on. */
  readonly #starts: WalkState[];
  readonly #draws: Readonly<Record<'move' | 'own' | 'range' | 'volume' | 'empty', RandomDraws>>;

  constructor(instrument: Instrument, seed: string, weather: MarketWeather, blocks: RecentEntries<string, HourBlock>) {
    this.#instrument = instrument;
    this.#weather = weather;
    this.#blocks = blocks;
    this.#listedHour = instrument.listedAt / HOUR;
    this.#firstBlock = floor((this.#listedHour - FIRST_HOUR) / BLOCK_HOURS);
    this.#ownMove = sqrt(1 - instrument.marketShare * instrument.marketShare);
    this.#ticksInOne = 10 ** instrument.priceDecimals;
    this.#usualLogPrice = logarithm(instrument.usualPrice);
    this.#starts = [{ logPrice: logarithm(instrument.firstPrice), ownVolatility: 0 }];
    const draws = (purpose: string): RandomDraws => new RandomDraws(`${seed} ${purpose} ${instrument.symbol}`);
    this.#draws = {
      move: draws('move'),
      own: draws('own'),
      range: draws('range'),
      volume: draws('volume'),
      empty: draws('empty'),
    };
  }

  /** One hour by its number since 1970, or null before listing, in an outage, and when nothing traded. */
  hour(hour: number): Bar | null {
    if (hour < this.#listedHour) return null;
    const number = floor((hour - FIRST_HOUR) / BLOCK_HOURS);
    if (this.#latest?.number !== number) this.#latest = { number, block: this.#block(number) };
    const { block } = this.#latest;
    const index = hour - FIRST_HOUR - number * BLOCK_HOURS;
    const lots = block.lots[index] ?? ABSENT;
    if (lots === ABSENT) return null;
    return {
      open: block.open[index] ?? 0,
      high: block.high[index] ?? 0,
      low: block.low[index] ?? 0,
      close: block.close[index] ?? 0,
      volume: lots,
    };
  }

  #block(number: number): HourBlock {
    const key = `${this.#instrument.symbol} ${number}`;
    const kept = this.#blocks.get(key);
    if (kept !== undefined) return kept;
    const place = number - this.#firstBlock;
    while (this.#starts.length <= place) this.#walk(this.#starts.length - 1, null);
    const block = emptyBlock();
    this.#walk(place, block);
    this.#blocks.set(key, block);
    return block;
  }

  /** Goes through a block from its start, to know where the next one starts and, if given a block, to fill it. */
  #walk(place: number, block: HourBlock | null): void {
    const number = this.#firstBlock + place;
    const weather = this.#weather.block(number);
    let { logPrice, ownVolatility } = this.#starts[place] ?? { logPrice: 0, ownVolatility: 0 };
    for (let index = 0; index < BLOCK_HOURS; index += 1) {
      const hour = FIRST_HOUR + number * BLOCK_HOURS + index;
      if (hour < this.#listedHour) continue;
      ownVolatility = nextLogVolatility(OWN, ownVolatility, this.#draws.own.normal(hour));
      const storm = (weather.logVolatility[index] ?? 0) + ownVolatility;
      const move = this.#move(hour, storm, weather.shock[index] ?? 0, logPrice);
      if (block !== null) this.#writeHour(block, index, hour, logPrice, move, storm);
      logPrice += move.logReturn;
    }
    this.#starts[place + 1] ??= { logPrice, ownVolatility };
  }

  #move(hour: number, storm: number, shock: number, logPrice: number): { logReturn: number; volatility: number } {
    const { hourlyVolatility, marketShare } = this.#instrument;
    const activity = ACTIVITY[hour % 24] ?? 1;
    const volatility = hourlyVolatility * exponential(storm - CENTRE) * activity;
    const own = this.#ownMove * this.#draws.move.normal(hour);
    const pull = PULL * (this.#usualLogPrice - logPrice);
    return { logReturn: volatility * (marketShare * shock + own) + pull, volatility };
  }

  #writeHour(
    block: HourBlock,
    index: number,
    hour: number,
    from: number,
    move: { logReturn: number; volatility: number },
    storm: number,
  ): void {
    const minutes = this.#weather.openMinutes(hour);
    if (minutes === null || this.#isEmpty(hour)) return;
    const { logReturn, volatility } = move;
    const open = this.#ticks(from);
    const close = this.#ticks(from + logReturn);
    const up = this.#excursion(hour, 0, logReturn, volatility);
    const down = -this.#excursion(hour, 2, -logReturn, volatility);
    block.open[index] = open;
    block.close[index] = close;
    block.high[index] = max(open, close, this.#ticks(from + up));
    block.low[index] = min(open, close, this.#ticks(from + down));
    const openShare = (minutes.to - minutes.from) / 60;
    block.lots[index] = max(1, floor(this.#lots(hour, storm, from) * openShare));
  }

  /**
   * The highest point of a Brownian bridge from 0 to `end`: (end + sqrt(end^2 + E)) / 2 with E = -2 v^2 ln(uniform),
   * which is v^2 times the sum of two squared normals.
   */
  #excursion(hour: number, place: number, end: number, volatility: number): number {
    const one = this.#draws.range.normal(hour * 4 + place);
    const two = this.#draws.range.normal(hour * 4 + place + 1);
    return (end + sqrt(end * end + volatility * volatility * (one * one + two * two))) / 2;
  }

  #ticks(logPrice: number): number {
    return max(1, round(exponential(logPrice) * this.#ticksInOne));
  }

  /** Volume rises with volatility and with the hour's activity. */
  #lots(hour: number, storm: number, logPrice: number): number {
    const turnover = this.#instrument.hourlyTurnover * (ACTIVITY[hour % 24] ?? 1);
    const busy = exponential(0.9 * storm + 0.35 * this.#draws.volume.normal(hour) - logPrice);
    return turnover * busy * 10 ** this.#instrument.lotDecimals;
  }

  #isEmpty(hour: number): boolean {
    return this.#instrument.tradedMinutes < 1 && this.#draws.empty.uniform(hour) < EMPTY_HOUR;
  }
}
