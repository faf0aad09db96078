/** What is asked of the candles in InfluxDB. InfluxQL reads rows several times as fast as Flux (docs/decisions). */
import { PipelineError } from '../../domain/errors';
import { isTimeframe } from '../../domain/timeframe';
import { isSymbol } from '../../domain/types';
import type { EpochMs, Pair, SlotRange } from '../../domain/types';
import type { Extent } from '../../ports/candle-store';
import type { DatedCandle } from '../../ports/write-order';
import type { InfluxConnection, Parameters } from './connection';

const OF_PAIR = 'source = $source AND symbol = $symbol AND timeframe = $timeframe';
const IN_RANGE = `${OF_PAIR} AND time >= $from AND time <= $to`;
const FIELDS = 'open, high, low, close, volume, fetched_at';

const QUERIES = {
  oldest: `SELECT ${FIELDS} FROM candle WHERE ${IN_RANGE} ORDER BY time ASC`,
  newest: `SELECT ${FIELDS} FROM candle WHERE ${IN_RANGE} ORDER BY time DESC`,
  openTimes: `SELECT close FROM candle WHERE ${IN_RANGE}`,
  count: `SELECT count(close) FROM candle WHERE ${IN_RANGE}`,
  // Three statements, three rows, or none.
  extent: ['first', 'last', 'count'].map((name) => `SELECT ${name}(close) FROM candle WHERE ${OF_PAIR}`).join('; '),
  pairs: 'SELECT last(close) FROM candle WHERE source = $source GROUP BY symbol, timeframe',
} as const;

/** What a time may be so that it fits in nanoseconds. */
const EARLIEST: EpochMs = -9_000_000_000_000;
const LATEST: EpochMs = 9_000_000_000_000;

export class CandleQueries {
  readonly #connection: InfluxConnection;
  readonly #source: string;

  constructor(connection: InfluxConnection, source: string) {
    this.#connection = connection;
    this.#source = source;
  }

  /** The first rows of the range, ascending, or the last ones, newest first. */
  async rows(pair: Pair, range: Partial<SlotRange>, limit: number, order: 'oldest' | 'newest'): Promise<DatedCandle[]> {
    if (limit <= 0) return [];
    // LIMIT takes no parameter; this is a whole number.
    const text = Number.isFinite(limit) ? `${QUERIES[order]} LIMIT ${Math.floor(limit)}` : QUERIES[order];
    const rows = await this.#ask(text, pair, range);
    return rows.map((cells): DatedCandle => {
      const [openTime = 0, open = 0, high = 0, low = 0, close = 0, volume = 0, fetchedAt = 0] = cells.map(Number);
      return { candle: { openTime, open, high, low, close, volume }, fetchedAt };
    });
  }

  async openTimes(pair: Pair, range: SlotRange): Promise<EpochMs[]> {
    return (await this.#ask(QUERIES.openTimes, pair, range)).map(([time]) => Number(time));
  }

  async count(pair: Pair, range: Partial<SlotRange>): Promise<number> {
    return Number((await this.#ask(QUERIES.count, pair, range))[0]?.[1] ?? 0);
  }

  /** Number of candles of each run of slots that `stepMs` makes of the range, by the time it starts; empty runs are left out. */
  async countsByTime(pair: Pair, range: SlotRange, stepMs: number): Promise<Map<EpochMs, number>> {
    const text = `${QUERIES.count} GROUP BY time($step, $offset) fill(none)`;
    const rows = await this.#ask(text, pair, range, {
      step: milliseconds(stepMs),
      offset: milliseconds(range.from % stepMs),
    });
    return new Map(rows.map(([time, count]) => [Number(time), Number(count)]));
  }

  /** Null when there is no candle. */
  async extent(pair: Pair): Promise<Extent | null> {
    const [first, last, count] = await this.#ask(QUERIES.extent, pair);
    if (first === undefined || last === undefined || count === undefined) return null;
    return { first: Number(first[0]), last: Number(last[0]), count: Number(count[1]) };
  }

  async pairs(): Promise<Pair[]> {
    const rows = parseRows(await this.#connection.query(QUERIES.pairs, { source: this.#source }));
    return rows.map(({ tags }) => {
      const { symbol = '', timeframe = '' } = Object.fromEntries(
        tags.split(',').map((tag): [string, string] => {
          const at = tag.indexOf('=');
          return [tag.slice(0, at), tag.slice(at + 1)];
        }),
      );
      if (isSymbol(symbol) && isTimeframe(timeframe)) return { symbol, timeframe };
      throw new PipelineError(
        'store_corrupt',
        `the bucket holds candles of "${symbol} ${timeframe}", which is no pair`,
      );
    });
  }

  /** Cells of each row: the time, then what was selected. */
  async #ask(
    text: string,
    { symbol, timeframe }: Pair,
    { from = EARLIEST, to = LATEST }: Partial<SlotRange> = {},
    more: Parameters = {},
  ): Promise<string[][]> {
    const answer = await this.#connection.query(text, {
      source: this.#source,
      symbol,
      timeframe,
      from: milliseconds(Math.max(from, EARLIEST)),
      to: milliseconds(Math.min(to, LATEST)),
      ...more,
    });
    return parseRows(answer).map(({ cells }) => cells);
  }
}

function milliseconds(time: number): { readonly duration: string } {
  return { duration: `${time}ms` };
}

interface Row {
  /** `symbol=BTC/USDT,timeframe=1h`, when the query groups by tags. */
  readonly tags: string;
  readonly cells: string[];
}

/** The CSV of the query interface: a line of names, then measurement, tags (quoted if there are several), time, values. */
function parseRows(csv: string): Row[] {
  const rows: Row[] = [];
  for (const line of csv.split('\n').slice(1)) {
    if (line === '' || line.startsWith('name,tags,')) continue;
    const tags = /^candle,(?:"([^"]*)"|([^,]*)),/.exec(line);
    if (tags === null)
      throw new PipelineError('store_unavailable', `InfluxDB answered a query with "${line.slice(0, 80)}"`);
    rows.push({ tags: tags[1] ?? tags[2] ?? '', cells: line.slice(tags[0].length).split(',') });
  }
  return rows;
}
