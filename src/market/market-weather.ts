import { DAY, HOUR } from '../domain/timeframe';
import { RandomDraws } from './random-draws';

/** Hours since 1970 of the first hour of the generated market. */
export const FIRST_HOUR = Date.UTC(2017, 7, 17, 4) / HOUR;
/** The walk is made and kept in blocks of this many hours. */
export const BLOCK_HOURS = 1024;

// Taken once, as in random-draws.
const { floor } = Math;
const HOURS_A_DAY = DAY / HOUR;

/** A log volatility that is an autoregression of the first order. */
interface VolatilityComponent {
  /** Deviation of its resting distribution. */
  readonly deviation: number;
  /** What is left of a value an hour later, and the deviation of what is added. */
  readonly kept: number;
  readonly added: number;
}

/** `memory`: hours after which a deviation has faded to about a third. */
export function volatilityComponent(memory: number, deviation: number): VolatilityComponent {
  const kept = 1 - 1 / memory;
  return { deviation, kept, added: deviation * Math.sqrt(1 - kept * kept) };
}

/** The next hour's value, from a standard normal `draw`. */
export function nextLogVolatility(component: VolatilityComponent, value: number, draw: number): number {
  return component.kept * value + component.added * draw;
}

/** Weeks of calm and storm, and hours of it. */
const SLOW = volatilityComponent(600, 0.35);
const FAST = volatilityComponent(12, 0.3);
/** Sum of both variances. */
export const WEATHER_VARIANCE = SLOW.deviation * SLOW.deviation + FAST.deviation * FAST.deviation;
/** Now and then the market jumps: the chance in an hour, and how many ordinary deviations more. */
const JUMP = { chance: 0.004, size: 4 };

interface WeatherBlock {
  readonly logVolatility: Float64Array;
  /** Return of the whole market in deviations of the hour. */
  readonly shock: Float64Array;
}

export interface OpenMinutes {
  readonly from: number;
  /** One past the last. */
  readonly to: number;
}
const WHOLE_HOUR: OpenMinutes = { from: 0, to: 60 };

/** What all symbols share: calm and storm, the market's own moves, and outages of the exchange. */
export class MarketWeather {
  readonly #slow: RandomDraws;
  readonly #fast: RandomDraws;
  readonly #shock: RandomDraws;
  readonly #jump: RandomDraws;
  readonly #outage: RandomDraws;
  readonly #outagesADay: number;
  readonly #blocks: WeatherBlock[] = [];
  #state = { slow: 0, fast: 0 };

  constructor(seed: string, outagesAYear: number) {
    this.#slow = new RandomDraws(`${seed} slow`);
    this.#fast = new RandomDraws(`${seed} fast`);
    this.#shock = new RandomDraws(`${seed} shock`);
    this.#jump = new RandomDraws(`${seed} jump`);
    this.#outage = new RandomDraws(`${seed} outage`);
    this.#outagesADay = outagesAYear / 365.25;
  }

  /** The hours from `FIRST_HOUR + number * BLOCK_HOURS` on. */
  block(number: number): WeatherBlock {
    for (;;) {
      const block = this.#blocks[number];
      if (block !== undefined) return block;
      this.#blocks.push(this.#nextBlock(this.#blocks.length));
    }
  }

  #nextBlock(number: number): WeatherBlock {
    const logVolatility = new Float64Array(BLOCK_HOURS);
    const shock = new Float64Array(BLOCK_HOURS);
    let { slow, fast } = this.#state;
    for (let index = 0; index < BLOCK_HOURS; index += 1) {
      const hour = FIRST_HOUR + number * BLOCK_HOURS + index;
      slow = nextLogVolatility(SLOW, slow, this.#slow.normal(hour));
      fast = nextLogVolatility(FAST, fast, this.#fast.normal(hour));
      logVolatility[index] = slow + fast;
      const jumps = this.#jump.uniform(hour) < JUMP.chance;
      shock[index] = this.#shock.normal(hour) * (jumps ? JUMP.size : 1);
    }
    this.#state = { slow, fast };
    return { logVolatility, shock };
  }

  /** The minutes of an hour in which the exchange was open, or null in the middle of an outage. */
  openMinutes(hour: number): OpenMinutes | null {
    const day = floor(hour / HOURS_A_DAY);
    const now = this.#during(day, hour);
    return now === WHOLE_HOUR ? this.#during(day - 1, hour) : now;
  }

  /** How the outage that began on `day`, if one did, cuts an hour. It ends in a later hour, at most 11 h on. */
  #during(day: number, hour: number): OpenMinutes | null {
    if (day * HOURS_A_DAY <= FIRST_HOUR || this.#outage.uniform(day * 8) >= this.#outagesADay) return WHOLE_HOUR;
    const draw = (place: number, choices: number): number => floor(this.#outage.uniform(day * 8 + place) * choices);
    const begins = day * HOURS_A_DAY + draw(1, HOURS_A_DAY);
    const lasting = this.#outage.uniform(day * 8 + 2);
    const ends = begins + 1 + floor(11 * lasting * lasting);
    if (hour < begins || hour > ends) return WHOLE_HOUR;
    const from = hour === ends ? draw(3, 60) : 0;
    const to = hour === begins ? draw(4, 60) : hour === ends ? 60 : 0;
    return to > from ? { from, to } : null;
  }
}
