import { HOUR, MINUTE, closeOf, openOf } from '../domain/timeframe';
import type { Candle, EpochMs, MarketSymbol, SlotRange, TimeframeId } from '../domain/types';
import { joinBars, partOfBar } from './bar';
import type { Bar } from './bar';
import { listingOf } from './feed';
import type { Feed, Listing } from './feed';
import { instrumentOf, tradedMinutes } from './instrument';
import type { Instrument } from './instrument';
import { MarketWeather } from './market-weather';
import { bridgeMinutes } from './minute-bridge';
import { PriceWalk } from './price-walk';
import type { HourBlock } from './price-walk';
import { RandomDraws } from './random-draws';
import { RecentEntries } from './recent-entries';

/** 24 KB each. */
const BLOCKS_KEPT = 512;
/** Hours split into minutes: a page of 1000 minutes needs 18. */
const SPLIT_HOURS_KEPT = 128;

export interface GeneratorSettings {
  readonly seed: string;
  readonly symbols: readonly MarketSymbol[];
  /** Outages of the whole exchange in a year, each up to 12 hours; default 4. */
  readonly outagesAYear?: number;
}

interface Generated {
  readonly instrument: Instrument;
  readonly walk: PriceWalk;
  readonly minuteDraws: Readonly<Record<'walk' | 'wick' | 'volume' | 'traded', RandomDraws>>;
}

/**
 * A market without end out of a seed: every candle is a function of (seed, symbol, slot) and of nothing else. All
 * timeframes are sums of the same hours, and the minutes of an hour add up to it exactly.
 */
export class GeneratedFeed implements Feed {
  readonly description: string;
  readonly listings: readonly Listing[];
  readonly #weather: MarketWeather;
  readonly #symbols = new Map<MarketSymbol, Generated>();
  readonly #blocks = new RecentEntries<string, HourBlock>(BLOCKS_KEPT);
  readonly #splitHours = new RecentEntries<string, (Bar | null)[]>(SPLIT_HOURS_KEPT);

  constructor({ seed, symbols, outagesAYear = 4 }: GeneratorSettings) {
    this.#weather = new MarketWeather(seed, outagesAYear);
    for (const symbol of symbols) {
      const instrument = instrumentOf(symbol, seed);
      const draws = (purpose: string): RandomDraws => new RandomDraws(`${seed} minute ${purpose} ${symbol}`);
      this.#symbols.set(symbol, {
        instrument,
        walk: new PriceWalk(instrument, seed, this.#weather, this.#blocks),
        minuteDraws: { walk: draws('walk'), wick: draws('wick'), volume: draws('volume'), traded: draws('traded') },
      });
    }
    this.description = `generated, seed ${seed}, ${this.#symbols.size} symbols`;
    this.listings = [...this.#symbols.values()].map(({ instrument }) => listingOf(instrument.symbol, instrument));
  }

  range(symbol: MarketSymbol, timeframe: TimeframeId, now: EpochMs): SlotRange | null {
    const listedAt = this.#symbols.get(symbol)?.instrument.listedAt;
    if (listedAt === undefined || now <= listedAt) return null;
    return { from: openOf(timeframe, listedAt), to: openOf(timeframe, now) };
  }

  candle(symbol: MarketSymbol, timeframe: TimeframeId, openTime: EpochMs, now: EpochMs): Candle | null {
    const generated = this.#symbols.get(symbol);
    if (generated === undefined) return null;
    const bar = this.#traded(generated, openTime, Math.min(closeOf(timeframe, openTime), now));
    if (bar === null) return null;
    const ticks = 10 ** generated.instrument.priceDecimals;
    return {
      openTime,
      open: bar.open / ticks,
      high: bar.high / ticks,
      low: bar.low / ticks,
      close: bar.close / ticks,
      volume: bar.volume / 10 ** generated.instrument.lotDecimals,
    };
  }

  /**
   * All that was traded from a minute's start until an instant: whole hours, then whole minutes, then a part of one.
   * Nothing has traded yet at the very instant a slot opens.
   */
  #traded(generated: Generated, from: EpochMs, until: EpochMs): Bar | null {
    let at = from;
    let bar: Bar | null = null;
    for (; at % HOUR === 0 && at + HOUR <= until; at += HOUR) bar = joinBars(bar, generated.walk.hour(at / HOUR));
    for (; at + MINUTE <= until; at += MINUTE) bar = joinBars(bar, this.#minute(generated, at));
    if (at >= until) return bar;
    const minute = this.#minute(generated, at);
    return joinBars(bar, minute === null ? null : partOfBar(minute, (until - at) / MINUTE, 0, 0));
  }

  #minute(generated: Generated, at: EpochMs): Bar | null {
    const hour = Math.floor(at / HOUR);
    const key = `${generated.instrument.symbol} ${hour}`;
    let minutes = this.#splitHours.get(key);
    if (minutes === undefined) {
      minutes = this.#split(generated, hour);
      this.#splitHours.set(key, minutes);
    }
    return minutes[(at - hour * HOUR) / MINUTE] ?? null;
  }

  #split({ instrument, walk, minuteDraws }: Generated, hour: number): (Bar | null)[] {
    const bar = walk.hour(hour);
    const open = this.#weather.openMinutes(hour);
    if (bar === null || open === null) return [];
    const traded = tradedMinutes(instrument, minuteDraws.traded, hour, open);
    return bridgeMinutes(bar, traded, (hour * HOUR) / MINUTE, minuteDraws);
  }
}
