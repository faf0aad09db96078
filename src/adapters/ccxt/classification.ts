/**
 * The one place that decides what an exchange's failure means: (class of ccxt, HTTP status, body) -> our error code.
 * ccxt's own classes do not do: it calls 400, 403, 404 and 451 all "not available", a ban and an overload the same, and
 * lets broken answers through as "no candles" (P2, P6).
 */
import { PipelineError } from '../../domain/errors';
import { MINUTE } from '../../domain/timeframe';
import { DEFAULT_PAUSE, pauseAfterBan, pauseAfterOverload } from './retry-after';
import type { ErrorCode } from '../../domain/errors';
import type { EpochMs } from '../../domain/types';

/** An HTTP answer, read to its end. Names of headers are in small letters. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An address or region that is refused is looked at again this often (F60). */
const BLOCKED_PAUSE = 15 * MINUTE;
const BLOCKED_STATUS: ReadonlySet<number> = new Set([401, 403, 451]);

/** Codes after which nobody may send a request for a while. */
const BAN_CODES = ['rate_limited', 'exchange_banned', 'exchange_blocked'] as const;
export type BanCode = (typeof BAN_CODES)[number];

/** The ban an error stands for, or null. */
export function banOf(error: PipelineError): { readonly code: BanCode; readonly pauseMs: number } | null {
  const code = BAN_CODES.find((banCode) => banCode === error.code);
  return code === undefined || error.retryAfterMs === undefined ? null : { code, pauseMs: error.retryAfterMs };
}

/**
 * What an answer says by its status alone: to leave the exchange alone for a time. Null for every other answer.
 * `exchangeNow` is the exchange's clock, to which the times it names refer.
 */
export function classifyAnswer(exchange: string, answer: Answer, exchangeNow: EpochMs): PipelineError | null {
  const { status, body } = answer;
  const header = answer.headers['retry-after'];
  const said = `${exchange} answered ${status}: ${excerpt(body)}`;
  if (status === 418) {
    return new PipelineError('exchange_banned', said, { retryAfterMs: pauseAfterBan(header, body, exchangeNow) });
  }
  if (status === 429 || (status >= 500 && header !== undefined)) {
    return new PipelineError('rate_limited', said, { retryAfterMs: pauseAfterOverload(header, exchangeNow) });
  }
  if (BLOCKED_STATUS.has(status)) return new PipelineError('exchange_blocked', said, { retryAfterMs: BLOCKED_PAUSE });
  return null;
}

/** ccxt's classes in the order in which they are looked for: a class before its parents. */
const CLASSES: readonly (readonly [name: string, code: ErrorCode])[] = [
  ['BadSymbol', 'bad_symbol'],
  ['NotSupported', 'unsupported_timeframe'],
  ['AuthenticationError', 'exchange_blocked'],
  ['RestrictedLocation', 'exchange_blocked'],
  ['DDoSProtection', 'rate_limited'],
  ['RateLimitExceeded', 'rate_limited'],
  ['RequestTimeout', 'exchange_timeout'],
  ['ExchangeNotAvailable', 'exchange_unreachable'],
  ['NetworkError', 'exchange_unreachable'],
  ['BaseError', 'bad_response'],
];

const PAUSES: Partial<Record<ErrorCode, number>> = { exchange_blocked: BLOCKED_PAUSE, rate_limited: DEFAULT_PAUSE };

/**
 * What a failed call means. `answer` is what the exchange answered, or null when it answered nothing; `subject` says
 * what was asked for. An error nobody has a name for can be tried again.
 */
export function classifyError(exchange: string, error: unknown, answer: Answer | null, subject: string): PipelineError {
  if (error instanceof PipelineError) return error;
  const code = codeOf(error, answer);
  const text = error instanceof Error ? error.message : String(error);
  const pause = PAUSES[code];
  return new PipelineError(code, `${exchange}, ${subject}: ${excerpt(text)}`, {
    cause: error,
    ...(pause === undefined ? {} : { retryAfterMs: pause }),
  });
}

function codeOf(error: unknown, answer: Answer | null): ErrorCode {
  const names = classNames(error);
  if (names.has('BadRequest') && /interval|timeframe|granularity/i.test(String(error)) && !names.has('BadSymbol')) {
    return 'unsupported_timeframe';
  }
  const code = CLASSES.find(([name]) => names.has(name))?.[1];
  // It did answer, only not with what was asked for: 400 or 404 without a reason that ccxt knows.
  if (code === 'exchange_unreachable' && answer !== null && answer.status >= 400 && answer.status < 500) {
    return 'bad_response';
  }
  // Errors of no known class: ccxt stumbled over an answer, or there was none.
  return code ?? (answer === null ? 'exchange_unreachable' : 'bad_response');
}

/** The names of an error's class and all its parents. */
function classNames(error: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  for (
    let prototype: unknown = error instanceof Error ? Object.getPrototypeOf(error) : null;
    prototype instanceof Object;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    names.add(prototype.constructor.name);
  }
  return names;
}

/** The error for an answer in which no list of candles is. */
export function notCandles(exchange: string, answer: Answer | null, subject: string): PipelineError {
  const said = answer === null ? 'nothing' : `${answer.status} with ${excerpt(answer.body)}`;
  return new PipelineError('bad_response', `${exchange} answered ${said} where ${subject} was asked for`);
}

/**
 * True when the answer is an honest "there are none": JSON with an empty list in it. HTML, half a document, nothing,
 * `null` or an error object are not.
 */
export function isEmptyList(answer: Answer | null): boolean {
  try {
    return answer !== null && holdsEmptyList(JSON.parse(answer.body), 3);
  } catch {
    return false;
  }
}

function holdsEmptyList(value: unknown, depth: number): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  return Object.entries(value).some(([key, part]) => !/^errors?$/i.test(key) && holdsEmptyList(part, depth - 1));
}

/** The beginning of what was said, on one line and without control characters, in quotes. */
function excerpt(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line === '') return 'an empty text';
  return `"${line.length > 160 ? `${line.slice(0, 160)}…` : line}"`;
}
