/** Rules of faults: which fault befalls which requests, how often and when; read from JSON with one sentence a mistake. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PipelineError } from '../../domain/errors';
import { ANSWER_FAULTS } from './answer-faults';
import { moment } from './fault';
import type { Fault } from './fault';
import { ROW_FAULTS } from './row-faults';

export const FAULTS: Readonly<Record<string, Fault>> = { ...ANSWER_FAULTS, ...ROW_FAULTS };
export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

const RULE = z.strictObject({
  fault: z.string(),
  /** The fault's own. */
  with: z.record(z.string(), z.unknown()).default({}),
  /** Only requests of this symbol (`BTC/USDT`), timeframe, or path that ends so (`klines`). */
  symbol: z.string().optional(),
  timeframe: z.string().optional(),
  path: z.string().optional(),
  /** Share of the matching requests that it befalls; which ones is decided by the seed. */
  probability: z.number().min(0).max(1).default(1),
  /** It befalls so many requests and then no more. */
  times: z.number().int().positive().optional(),
  /** So many matching requests pass first. */
  after: z.number().int().nonnegative().default(0),
  /** Market time in which it is in force. */
  from: moment.optional(),
  until: moment.optional(),
});

const SCENARIO = z.strictObject({
  seed: z.union([z.string(), z.number()]).transform(String).optional(),
  faults: z.array(RULE),
});

export type FaultRule = z.output<typeof RULE>;
/** As it is written in JSON. */
export type FaultRuleInput = z.input<typeof RULE>;
export interface Scenario {
  /** What the draws of these rules come from; without one, the market's own seed of faults, or 1. */
  readonly seed?: string | undefined;
  readonly faults: readonly FaultRule[];
}

/**
 * Reads `{seed, faults: [...]}`; `where` names it in messages.
 * @throws PipelineError `invalid_input` with what is wrong, where, and what would be right.
 */
export function parseScenario(json: unknown, where: string): Scenario {
  const { seed, faults } = parsed(SCENARIO, json, where);
  return { seed, faults: faults.map((rule, place) => withParameters(rule, `${where}, faults.${place}`)) };
}

/** @throws PipelineError `invalid_input` when the file can not be read or is no scenario. */
export function readScenario(file: string): Scenario {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PipelineError('invalid_input', `the scenario ${file} can not be read as JSON: ${why}`, { cause });
  }
  return parseScenario(json, file);
}

/** Reads one rule. @throws PipelineError `invalid_input`. */
export function parseRule(json: unknown, where: string): FaultRule {
  return withParameters(parsed(RULE, json, where), where);
}

function withParameters(rule: FaultRule, where: string): FaultRule {
  const fault = Object.hasOwn(FAULTS, rule.fault) ? FAULTS[rule.fault] : undefined;
  if (fault === undefined)
    throw new PipelineError(
      'invalid_input',
      `${where}: there is no fault "${rule.fault}"; there are ${FAULT_NAMES.join(', ')}`,
    );
  return { ...rule, with: parsed(fault.parameters, rule.with, `${where}, with`) as Record<string, unknown> };
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new PipelineError(
    'invalid_input',
    `${where}${place === '' ? '' : `, ${place}`}: ${issue?.message ?? 'is not valid'}`,
  );
}
