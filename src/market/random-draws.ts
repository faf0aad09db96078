/**
 * Random numbers by place instead of by turn: draw `n` of a name is always the same, whoever asks and in what order.
 * Only integer operations, + - * / and square roots are used, whose results are fixed to the last bit, so that every
 * machine gets the same market. Math.exp and its like may differ from engine to engine and are not used.
 */

// Taken once: these run millions of times, and a look-up through the global object is slow in some hosts.
const { LN2, abs, imul, round } = Math;

/** Finaliser of MurmurHash3 (Austin Appleby, public domain): spreads 32 bits over 32 bits. */
function spread(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 code units, from a given start. */
function hashText(text: string, start: number): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) {
    hash = imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return spread(hash);
}

const HALF_WORD_MEAN = 4 * 32_767.5;
/** Standard deviation of the sum of four numbers drawn evenly from 0..65535. */
const HALF_WORD_DEVIATION = 37_837.227_3;

export class RandomDraws {
  readonly #first: number;
  readonly #second: number;

  /** One stream of draws for each name. */
  constructor(name: string) {
    this.#first = hashText(name, 0x811c9dc5);
    this.#second = hashText(name, 0x9747b28c);
  }

  #bits(place: number): number {
    return spread((spread(place ^ this.#first) + this.#second) | 0);
  }

  /** Even in 0 <= x < 1. `place` is any 32-bit integer. */
  uniform(place: number): number {
    return this.#bits(place) / 4_294_967_296;
  }

  /** Mean 0, deviation 1, bell-shaped within +-3.46: the sum of four even draws. */
  normal(place: number): number {
    const one = this.#bits(place);
    const two = this.#bits(~place);
    const sum = (one >>> 16) + (one & 0xffff) + (two >>> 16) + (two & 0xffff);
    return (sum - HALF_WORD_MEAN) / HALF_WORD_DEVIATION;
  }
}

/** e^x, for |x| up to about 40, the same to the last bit everywhere: powers of two and a Taylor series. */
export function exponential(x: number): number {
  const doublings = round(x / LN2);
  const rest = x - doublings * LN2;
  let sum = 1;
  for (let degree = 13; degree >= 1; degree -= 1) sum = 1 + (sum * rest) / degree;
  const factor = doublings < 0 ? 0.5 : 2;
  for (let count = abs(doublings); count > 0; count -= 1) sum *= factor;
  return sum;
}

/** The natural logarithm of x > 0: Halley's iteration on {@link exponential}, good to the last few bits. */
export function logarithm(x: number): number {
  let result = 0;
  for (let turn = 0; turn < 24; turn += 1) {
    const power = exponential(result);
    result += (2 * (x - power)) / (x + power);
  }
  return result;
}
