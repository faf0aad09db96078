/** The meaning of every exit code, and the one place where a failure gets its code and its sentence. */
import { ConfigError } from '../config/config-error';
import { PipelineError, type ErrorCode } from '../domain/errors';
import { TemporalUnreachable } from '../ports/control';
import { messageOf } from './wording';

export const EXIT_CODES = {
  ok: 0,
  failure: 1,
  usage: 2,
  configuration: 3,
  unreachable: 4,
  data: 5,
  stale: 6,
  refused: 7,
  partial: 8,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT_CODES.ok, 'done'],
  [EXIT_CODES.failure, 'it failed'],
  [EXIT_CODES.usage, 'the command can not be understood'],
  [EXIT_CODES.configuration, 'the configuration can not be used'],
  [EXIT_CODES.unreachable, 'something needed does not answer (exchange, Temporal, a store)'],
  [EXIT_CODES.data, 'the data is not as it must be, or not there'],
  [EXIT_CODES.stale, 'at least one pair is stale or worse'],
  [EXIT_CODES.refused, 'refused, because it would do harm or nothing'],
  [EXIT_CODES.partial, 'done in part'],
];

/** Ends a command with a code after its result was printed; without a sentence nothing more is said. */
export class CommandEnd extends Error {
  constructor(
    readonly exitCode: ExitCode,
    sentence = '',
  ) {
    super(sentence);
    this.name = 'CommandEnd';
  }
}

/** Ends the command with this code unless it is 0. */
export function endWith(exitCode: ExitCode): void {
  if (exitCode !== EXIT_CODES.ok) throw new CommandEnd(exitCode);
}

/** Codes that are not listed mean that it failed: 1. */
const BY_ERROR_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  invalid_input: EXIT_CODES.usage,
  unsupported_timeframe: EXIT_CODES.configuration,
  source_mismatch: EXIT_CODES.configuration,
  bad_symbol: EXIT_CODES.configuration,
  exchange_unreachable: EXIT_CODES.unreachable,
  exchange_timeout: EXIT_CODES.unreachable,
  rate_limited: EXIT_CODES.unreachable,
  exchange_banned: EXIT_CODES.unreachable,
  exchange_blocked: EXIT_CODES.unreachable,
  store_unavailable: EXIT_CODES.unreachable,
  store_unauthorized: EXIT_CODES.configuration,
  store_corrupt: EXIT_CODES.data,
  bad_response: EXIT_CODES.data,
  empty_response: EXIT_CODES.data,
  no_progress: EXIT_CODES.data,
  page_rejected: EXIT_CODES.data,
  insufficient_data: EXIT_CODES.data,
  fenced: EXIT_CODES.refused,
  already_running: EXIT_CODES.refused,
  change_refused: EXIT_CODES.refused,
  model_corrupt: EXIT_CODES.data,
};

export interface Ending {
  readonly exitCode: ExitCode;
  /** For stderr; empty when all was said. */
  readonly message: string;
}

/** Exit code and message of whatever a command threw. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CommandEnd) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof ConfigError) {
    const count = error.problems.length === 1 ? 'one problem' : `${error.problems.length} problems`;
    const lines = error.problems.map((problem) => `  ${problem.variable}: ${problem.sentence}`);
    return { exitCode: EXIT_CODES.configuration, message: `the configuration has ${count}:\n${lines.join('\n')}` };
  }
  if (error instanceof TemporalUnreachable) return { exitCode: EXIT_CODES.unreachable, message: error.message };
  if (error instanceof PipelineError) {
    const remedy = error.code === 'invalid_input' ? '' : `\n  next: ${error.remedy}`;
    return { exitCode: BY_ERROR_CODE[error.code] ?? EXIT_CODES.failure, message: `${error.message}${remedy}` };
  }
  return { exitCode: EXIT_CODES.failure, message: messageOf(error) };
}
