/** Faults of the rows of an answer with candles: what is left out, repeated, moved or made impossible. */
import { z } from 'zod';
import { closeOf, isTimeframe, lastBoundary, shiftSlots } from '../../domain/timeframe';
import type { EpochMs, TimeframeId } from '../../domain/types';
import type { MarketAnswer, MarketRequest } from '../layer';
import { fault, moment } from './fault';
import type { Fault, FaultContext } from './fault';

/** As the exchange writes it; a fault may put anything anywhere. */
export type Row = readonly unknown[];

const DAY = 86_400_000;
const THIRTY_DAYS = 30 * DAY;

interface Candles {
  readonly answer: MarketAnswer;
  readonly rows: readonly Row[];
  readonly timeframe: TimeframeId;
}

async function candlesOf({ next, request }: FaultContext<unknown>, other?: MarketRequest): Promise<Candles | null> {
  const answer = await next(other);
  const timeframe = request.query.get('interval') ?? '';
  if (answer.status !== 200 || !isTimeframe(timeframe)) return null;
  return { answer, rows: JSON.parse(answer.body) as readonly Row[], timeframe };
}

/** A fault that changes the rows of a true answer; when there is none, or they stay as they are, nothing happened. */
function rowFault<Shape extends z.ZodRawShape>(
  meaning: string,
  parameters: Shape,
  change: (
    rows: readonly Row[],
    context: FaultContext<z.output<z.ZodObject<Shape>>>,
    timeframe: TimeframeId,
  ) => readonly Row[] | null,
): Fault {
  return fault({
    meaning,
    parameters,
    befalls: 'klines',
    act: async (context) => {
      const candles = await candlesOf(context);
      if (candles === null || candles.rows.length === 0) return null;
      const changed = change(candles.rows, context, candles.timeframe);
      const body = changed === null ? candles.answer.body : JSON.stringify(changed);
      return body === candles.answer.body ? null : { ...candles.answer, body };
    },
  });
}

const openTime = (row: Row): EpochMs => Number(row[0]);
const moved = (row: Row, time: EpochMs): Row => [time, ...row.slice(1)];
/** With one field, an open, high, low, close or volume, multiplied. */
function scaled(row: Row, field: number, factor: number): Row {
  return row.map((value, place) => (place === field ? (Number(value) * factor).toFixed(8) : value));
}

function shuffle(rows: readonly Row[], draw: (place: number) => number): Row[] {
  return rows
    .map((row, place) => ({ row, order: draw(place) }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ row }) => row);
}

/** The row with other true-looking values: a candle recorded before it was complete. */
function incomplete(row: Row): Row {
  const half = scaled(row, 5, 0.5);
  return half.map((value, place) => (place === 4 ? row[1] : value));
}

const POISON = {
  nan: (row: Row) => row.map((value, place) => (place === 4 ? 'NaN' : value)),
  null: (row: Row) => row.map((value, place) => (place === 2 ? null : value)),
  empty: (row: Row) => row.map((value, place) => (place === 1 ? '' : value)),
  infinite: (row: Row) => row.map((value, place) => (place === 2 ? '1e999' : value)),
  huge: (row: Row) => row.map((value, place) => (place === 2 ? '1e308' : value)),
  negative: (row: Row) => scaled(row, 3, -1),
  zero: (row: Row) => scaled(row, 4, 0),
  high_below_low: (row: Row) => row.map((value, place) => (place === 2 ? row[3] : place === 3 ? row[2] : value)),
  words: (row: Row) => row.map((value, place) => (place === 4 ? 'unknown' : value)),
  short: (row: Row) => row.slice(0, 4),
  time_zero: (row: Row) => moved(row, 0),
  year_2099: (row: Row) => moved(row, Date.UTC(2099, 0, 1)),
} as const;
/** What a poisoned row may hold. */
export const POISONS = Object.keys(POISON) as (keyof typeof POISON)[];

const limitOf = (query: URLSearchParams): number => Number(query.get('limit') ?? 500);

function withQuery(request: MarketRequest, change: (query: URLSearchParams) => void): MarketRequest {
  const query = new URLSearchParams(request.query);
  change(query);
  return { ...request, query };
}

/** The true answer to another question; when it is that of the one asked too, nothing happened. */
function otherAnswer<Shape extends z.ZodRawShape>(
  meaning: string,
  parameters: Shape,
  change: (query: URLSearchParams, context: FaultContext<z.output<z.ZodObject<Shape>>>) => void,
): Fault {
  return fault({
    meaning,
    parameters,
    befalls: 'klines',
    act: async (context) => {
      const answer = await context.next(withQuery(context.request, (query) => change(query, context)));
      return answer.body === (await context.next()).body ? null : answer;
    },
  });
}

export const ROW_FAULTS = {
  empty_page: rowFault('200 with an empty list', {}, () => []),
  reversed: rowFault('newest row first', {}, (rows) => rows.toReversed()),
  shuffled: rowFault('rows in any order', {}, (rows, { draw }) => shuffle(rows, draw)),
  duplicates: rowFault('a third of the rows twice, alike', {}, (rows) =>
    rows.flatMap((row, place) => (place % 3 === 0 ? [row, row] : [row])),
  ),
  conflicting_duplicates: rowFault(
    'every `every`th row twice, once as it was before it was complete',
    { every: z.number().int().positive().default(50) },
    (rows, { parameters }) =>
      rows.flatMap((row, place) => (place % parameters.every === 0 ? [incomplete(row), row] : [row])),
  ),
  since_ignored: otherAnswer('`startTime` is ignored: the newest candles are answered', {}, (query) =>
    query.delete('startTime'),
  ),
  same_page: fault({
    meaning: 'whatever is asked, the page of the first request of this symbol and timeframe',
    parameters: {},
    befalls: 'klines',
    act: async ({ request, next, memory }) => {
      const key = `${request.query.get('symbol')} ${request.query.get('interval')}`;
      const truth = await next();
      const first = (memory.get(key) ?? truth) as MarketAnswer;
      memory.set(key, first);
      return first.body === truth.body ? null : first;
    },
  }),
  page_cap: otherAnswer(
    'at most `rows` rows, whatever is asked',
    { rows: z.number().int().min(1).max(1000).default(100) },
    (query, { parameters }) => query.set('limit', String(Math.min(parameters.rows, limitOf(query)))),
  ),
  one_row_short: otherAnswer('one row fewer than asked for', {}, (query) =>
    query.set('limit', String(Math.max(1, limitOf(query) - 1))),
  ),
  thursday_weeks: rowFault('weeks begin on Thursday', {}, (rows, _, timeframe) =>
    timeframe === '1w' ? rows.map((row) => moved(row, openTime(row) - 4 * DAY)) : null,
  ),
  thirty_day_months: rowFault('months are blocks of thirty days since 1970', {}, (rows, _, timeframe) =>
    timeframe === '1M' ? rows.map((row) => moved(row, Math.floor(openTime(row) / THIRTY_DAYS) * THIRTY_DAYS)) : null,
  ),
  close_times: rowFault('candles are stamped with the last millisecond of their slot', {}, (rows, _, timeframe) =>
    rows.map((row) => moved(row, closeOf(timeframe, openTime(row)) - 1)),
  ),
  off_by: rowFault(
    'stamps are so many seconds off',
    { seconds: z.number().min(-3600).max(3600).default(1) },
    (rows, { parameters }) => rows.map((row) => moved(row, openTime(row) + parameters.seconds * 1000)),
  ),
  in_seconds: rowFault('stamps are seconds, not milliseconds', {}, (rows) =>
    rows.map((row) => moved(row, Math.floor(openTime(row) / 1000))),
  ),
  poison: rowFault(
    'so many rows of the page, chosen by the seed, hold a `value` that can not be',
    { value: z.enum(POISONS as [keyof typeof POISON]).default('nan'), rows: z.number().int().positive().default(1) },
    (rows, { parameters, draw }) => {
      const places = new Set(Array.from({ length: parameters.rows }, (_, k) => Math.floor(draw(k) * rows.length)));
      return rows.map((row, place) => (places.has(place) ? POISON[parameters.value](row) : row));
    },
  ),
  wrong_symbol: otherAnswer(
    'the candles of `symbol` instead of those asked for',
    { symbol: z.string() },
    (query, { parameters }) => query.set('symbol', parameters.symbol.replace('/', '')),
  ),
  wrong_timeframe: otherAnswer(
    'the candles of `timeframe` instead of those asked for',
    { timeframe: z.string().refine(isTimeframe, 'is not a timeframe') },
    (query, { parameters }) => query.set('interval', parameters.timeframe),
  ),
  lag: rowFault(
    'a candle appears only so many seconds after its close',
    { seconds: z.number().positive().max(86_400).default(30) },
    (rows, { parameters, request }, timeframe) =>
      rows.filter((row) => closeOf(timeframe, openTime(row)) + parameters.seconds * 1000 <= request.now),
  ),
  revised: rowFault(
    'for so many seconds after its close a candle has not its final values',
    {
      seconds: z
        .number()
        .positive()
        .max(86_400 * 31)
        .default(20),
    },
    (rows, { parameters, request }, timeframe) => {
      const since = request.now - parameters.seconds * 1000;
      const settling = (row: Row): boolean => {
        const close = closeOf(timeframe, openTime(row));
        return since < close && close <= request.now;
      };
      return rows.map((row) => (settling(row) ? incomplete(row) : row));
    },
  ),
  hole: rowFault(
    'no candle that opens from `first` to `last`, both included; milliseconds or ISO 8601',
    { first: moment, last: moment },
    (rows, { parameters: { first, last } }) => rows.filter((row) => openTime(row) < first || openTime(row) > last),
  ),
  without_newest: rowFault(
    'the newest `slots` candles are missing',
    { slots: z.number().int().positive().default(1) },
    (rows, { parameters, request }, timeframe) => {
      const first = shiftSlots(timeframe, lastBoundary(timeframe, request.now), -parameters.slots);
      return rows.filter((row) => openTime(row) < first);
    },
  ),
} as const;
