/** Arguments of verbs: read, checked against the configuration, and refused with the near miss named. */
import { InvalidArgumentError } from 'commander';
import { readSymbol, readTimeframe, timeframeHint } from '../config/reading';
import { didYouMean } from '../config/suggestion';
import type { EpochMs, MarketSymbol, Pair, TimeframeId } from '../domain/types';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import type { Followed } from './followed';

function usage(sentence: string): CommandEnd {
  return new CommandEnd(EXIT_CODES.usage, sentence);
}

function read<T>(reader: (text: string) => T, text: string): T {
  try {
    return reader(text);
  } catch (error) {
    if (error instanceof RangeError) throw usage(error.message);
    throw error;
  }
}

/** A timeframe of the calendar, configured or not. */
export function anyTimeframe(text: string): TimeframeId {
  return read(readTimeframe, text);
}

/** A symbol of the right shape, configured or not. */
export function anySymbol(text: string): MarketSymbol {
  return read(readSymbol, text);
}

export function configuredTimeframe(config: Followed, text: string): TimeframeId {
  const found = config.timeframes.find((timeframe) => timeframe === text);
  if (found !== undefined) return found;
  const known = `configured are ${config.timeframes.join(', ')} (TIMEFRAMES).`;
  throw usage(`the timeframe "${text}" is not configured: ${known}${timeframeHint(text)}`);
}

/** Accepts `BTC/USDT` and, as in URLs and file names, `BTC_USDT`. */
export function configuredSymbol(config: Followed, text: string): MarketSymbol {
  const found = config.symbols.find((symbol) => symbol === text || symbol.replace('/', '_') === text);
  if (found !== undefined) return found;
  const known = `configured are ${config.symbols.slice(0, 10).join(', ')}${config.symbols.length > 10 ? ', …' : ''} (SYMBOLS).`;
  throw usage(`the symbol "${text}" is not configured: ${known}${didYouMean(text, config.symbols)}`);
}

/** The pairs of the configuration, all or those of one symbol or timeframe, symbol by symbol. */
export function selectedPairs(config: Followed, filter: { symbol?: string; timeframe?: string } = {}): Pair[] {
  const symbols = filter.symbol === undefined ? config.symbols : [configuredSymbol(config, filter.symbol)];
  const timeframes =
    filter.timeframe === undefined ? config.timeframes : [configuredTimeframe(config, filter.timeframe)];
  return symbols.flatMap((symbol) => timeframes.map((timeframe) => ({ symbol, timeframe })));
}

/** For commander: a whole number in the range. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    throw new InvalidArgumentError(`Use a whole number from ${minimum} to ${maximum}.`);
  };
}

/** For commander: a moment as `2024-05-01`, `2024-05-01T12:00Z`, always UTC. */
export function moment(text: string): EpochMs {
  const [, day, hour] = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)Z?)?$/.exec(text) ?? [];
  const time = Date.parse(`${day ?? ''}T${hour ?? '00:00'}Z`);
  // What reads dates takes 2024-02-31 for 2024-03-02, and 24:00 for the next day.
  if (!Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === day) return time;
  throw new InvalidArgumentError('Write a UTC time that exists, like 2024-05-01 or 2024-05-01T12:00Z.');
}
