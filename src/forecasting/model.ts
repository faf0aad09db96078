/**
 * The contract of every model family: fit on closed candles, predict from the last close, save and load.
 * Pure of I/O and of the clock; the same input gives the same numbers, bit for bit (PROOF I46).
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import type { QuantileForecast } from '../domain/quantiles';
import { isTimeframe } from '../domain/timeframe';
import type { Candle, TimeframeId } from '../domain/types';

/**
 * - `every_cycle`  fitted afresh for each forecast; its version names the recipe alone
 * - `on_training`  fitted when trained, then reused; its version names the recipe and what was fitted
 */
export type Refit = 'every_cycle' | 'on_training';

/** A fitted model as plain JSON: what is saved is all there is. */
export interface Model {
  readonly family: string;
  readonly codeVersion: string;
  readonly timeframe: TimeframeId;
  /** The family's settings with their defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly refit: Refit;
  /** What was learned from the candles; empty for a family that computes all at prediction. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Training {
  readonly timeframe: TimeframeId;
  /** Closed candles, ascending; the newest `window` of them are used. */
  readonly candles: readonly Candle[];
  /** As given by a recipe; missing ones take the family's defaults. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ModelFamily {
  readonly name: string;
  /** Raised by hand whenever the family's arithmetic changes. */
  readonly codeVersion: string;
  /** Fewer candles than this are refused. */
  readonly minimumCandles: number;
  /** @throws PipelineError `invalid_input` naming the setting, as do the other functions that take settings. */
  refit(settings: Readonly<Record<string, unknown>>): Refit;
  /** 16 hex digits that name the recipe: the version of a model of it that every cycle fits. */
  version(settings: Readonly<Record<string, unknown>>): string;
  /** How many of the newest candles the recipe uses at most. */
  candlesWanted(settings: Readonly<Record<string, unknown>>): number;
  /** @throws PipelineError `insufficient_data` or `forecast_failed`. */
  fit(training: Training): Promise<Model>;
  /**
   * Prices per step at QUANTILE_LEVELS, from the close of the last of `recent` (closed candles, ascending).
   * @throws PipelineError `insufficient_data`, `invalid_input` (too many steps) or `forecast_failed`.
   */
  predict(model: Model, recent: readonly Candle[], steps: number): Promise<QuantileForecast>;
  /** Canonical JSON text. */
  save(model: Model): string;
  /** @throws PipelineError `invalid_input` when the text is not a model of this family and code version. */
  load(text: string): Model;
}

/** What a family says of itself; {@link defineFamily} adds the parsing, saving and loading that all share. */
export interface FamilyDefinition<Settings extends { readonly window: number }, Parameters> {
  readonly name: string;
  readonly codeVersion: string;
  readonly settings: z.ZodType<Settings>;
  readonly parameters: z.ZodType<Parameters>;
  readonly minimumCandles: number;
  refit(settings: Settings): Refit;
  candlesWanted?(settings: Settings): number;
  fit(training: Omit<Training, 'settings'>, settings: Settings): Parameters | Promise<Parameters>;
  predict(fitted: Fitted<Settings, Parameters>): QuantileForecast | Promise<QuantileForecast>;
}

export interface Fitted<Settings, Parameters> {
  readonly timeframe: TimeframeId;
  readonly settings: Settings;
  readonly parameters: Parameters;
  readonly recent: readonly Candle[];
  readonly steps: number;
}

/** The newest `count` of the candles. */
export function newest(candles: readonly Candle[], count: number): readonly Candle[] {
  return candles.slice(Math.max(0, candles.length - count));
}

/** SHA-256 of the value's canonical JSON, in hex. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

/**
 * 16 hex digits that name what made a forecast: of family, code version and settings for an `every_cycle` recipe
 * (its fit is a function of the candles, which the forecast's own data range names), and of the timeframe and the
 * fitted parameters too for an `on_training` recipe.
 */
export function modelVersion(model: Model): string {
  const { family, codeVersion, settings, timeframe, parameters } = model;
  const recipe = { family, codeVersion, settings };
  return contentHash(model.refit === 'every_cycle' ? recipe : { ...recipe, timeframe, parameters }).slice(0, 16);
}

/** Adds to a definition what all families share: parsed settings, the window, the fewest candles, saving, loading. */
export function defineFamily<Settings extends { readonly window: number }, Parameters>(
  definition: FamilyDefinition<Settings, Parameters>,
): ModelFamily {
  const { name, codeVersion, minimumCandles } = definition;
  const schema = modelSchema(name, codeVersion);
  const settingsOf = (given: unknown): Settings => parsed(definition.settings, given, `settings of ${name}`);
  return {
    name,
    codeVersion,
    minimumCandles,
    refit: (settings) => definition.refit(settingsOf(settings)),
    version: (given) => contentHash({ family: name, codeVersion, settings: settingsOf(given) }).slice(0, 16),
    candlesWanted: (given) => {
      const settings = settingsOf(given);
      return definition.candlesWanted?.(settings) ?? settings.window;
    },
    async fit({ timeframe, candles, settings: given }) {
      const settings = settingsOf(given);
      const window = newest(candles, settings.window);
      requireCandles(definition, window);
      const parameters = await definition.fit({ timeframe, candles: window }, settings);
      const refit = definition.refit(settings);
      return parsed(schema, { family: name, codeVersion, timeframe, settings, refit, parameters }, `model of ${name}`);
    },
    async predict(model, recent, steps) {
      requireCandles(definition, recent);
      const settings = settingsOf(model.settings);
      const parameters = parsed(definition.parameters, model.parameters, `parameters of ${name}`);
      return definition.predict({ timeframe: model.timeframe, settings, parameters, recent, steps });
    },
    save: canonicalText,
    load: (text) => parsed(schema, jsonOf(text), `saved model of ${name}`),
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new PipelineError('invalid_input', `${what}: ${z.prettifyError(result.error)}`);
}

function requireCandles(
  { name, minimumCandles }: { readonly name: string; readonly minimumCandles: number },
  candles: readonly Candle[],
): void {
  if (candles.length >= minimumCandles) return;
  const sentence = `${name} needs ${minimumCandles} closed candles, and there are ${candles.length}`;
  throw new PipelineError('insufficient_data', sentence, { stage: 'predict' });
}

function modelSchema(name: string, codeVersion: string): z.ZodType<Model> {
  return z.object({
    family: z.literal(name),
    codeVersion: z.literal(codeVersion),
    timeframe: z.string().refine(isTimeframe),
    settings: z.record(z.string(), z.unknown()),
    refit: z.enum(['every_cycle', 'on_training']),
    parameters: z.record(z.string(), z.unknown()),
  });
}

function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new PipelineError('forecast_failed', 'a model holds something that JSON can not');
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
