/** What a fault of the market is, whatever it does: its parameters, its meaning, and how it changes an exchange's answer. */
import { z } from 'zod';
import type { EpochMs } from '../../domain/types';
import type { MarketAnswer, MarketRequest } from '../layer';

/** A time of the market, as rules and parameters write it: milliseconds or ISO 8601. */
export const moment = z.union([z.number().int(), z.iso.datetime().transform((text) => Date.parse(text))]);

export interface FaultContext<Parameters> {
  readonly parameters: Parameters;
  readonly request: MarketRequest;
  /** What the market would answer; asked with another request it answers that one. */
  readonly next: (request?: MarketRequest) => Promise<MarketAnswer>;
  /** Begin and end of the rule, in market time; unbounded ends are infinite. */
  readonly from: EpochMs;
  readonly until: EpochMs;
  /** Even in 0 <= x < 1, the same for the same seed, rule, request number and place. */
  readonly draw: (place: number) => number;
  /** What this rule keeps between its requests. */
  readonly memory: Map<string, unknown>;
}

export interface Fault<Parameters = unknown> {
  /** A sentence for the documentation. */
  readonly meaning: string;
  readonly parameters: z.ZodType<Parameters>;
  /** Requests it can befall: candles only, or any, or the end of a path. */
  readonly befalls: 'any' | 'klines' | 'time' | 'exchangeInfo' | readonly string[];
  /** Runs outside of the rule's time too, and decides by itself. */
  readonly always?: boolean;
  /** Null: this time it changed nothing, and is not counted. */
  readonly act: (context: FaultContext<Parameters>) => Promise<MarketAnswer | null>;
}

/** Keeps the parameters' type between schema and act. */
export function fault<Shape extends z.ZodRawShape>(
  given: Omit<Fault<z.output<z.ZodObject<Shape>>>, 'parameters'> & { readonly parameters: Shape },
): Fault {
  return { ...given, parameters: z.strictObject(given.parameters) } as unknown as Fault;
}
