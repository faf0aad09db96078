/** Unmodified ccxt, the real ingest and real SQLite files against the simulated market, whose faults a proof chooses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCcxtExchange } from '../../../src/adapters/ccxt/ccxt-exchange';
import type { RequestTimeouts } from '../../../src/adapters/ccxt/http-request';
import { openCandleStore } from '../../../src/adapters/sqlite/candle-store';
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import { sameValues } from '../../../src/domain/candle';
import { subtractRanges } from '../../../src/domain/coverage';
import { PipelineError } from '../../../src/domain/errors';
import { closeOf, parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, EpochMs, Pair } from '../../../src/domain/types';
import { detect } from '../../../src/ingest/detect';
import { fill } from '../../../src/ingest/fill';
import type { FillRequest } from '../../../src/ingest/fill';
import { findEarliest } from '../../../src/ingest/earliest';
import type { IngestPorts } from '../../../src/ingest/ingest-ports';
import { repair } from '../../../src/ingest/repair';
import { storePage } from '../../../src/ingest/stored-page';
import { parseRule } from '../../../src/market/faults/fault-rules';
import type { FaultRuleInput } from '../../../src/market/faults/fault-rules';
import { inventedSymbols } from '../../../src/market/instrument';
import { GeneratedFeed } from '../../../src/market/generated-feed';
import { startMarket } from '../../../src/market/market-server';
import type { MarketServer } from '../../../src/market/market-server';
import { checkStore } from '../../checker/check';
import type { CheckReport } from '../../checker/findings';
import type { Values } from '../../checker/market-truth';

/** The market's usual time: a few hundred hours after the first candle of the first symbols. */
export const NOW = Date.parse('2017-09-25T12:00:30Z');
export const SETTLE_MS = 2_000;
/** For whom a second is too long to wait. */
export const HASTY: Partial<RequestTimeouts> = { headersMs: 400, totalMs: 800 };
/** Small pages, so that a short history takes several. */
const PAGE = 200;

export function pairOf(symbol: string, timeframe: string): Pair {
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}

/** Our clock, which a proof moves forward instead of waiting for the end of a ban. */
function movableClock() {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    forward: (ms: number) => {
      offset += ms;
    },
  };
}

export interface Ingest extends IngestPorts {
  close(): Promise<void>;
}

export class HostileMarket {
  readonly clock = movableClock();
  readonly #folder = mkdtempSync(join(tmpdir(), 'coin-predict-hostile-'));
  readonly #open: Ingest[] = [];

  private constructor(
    readonly market: MarketServer,
    readonly now: EpochMs,
  ) {}

  static async start(seed = 'hostile', now: EpochMs = NOW): Promise<HostileMarket> {
    const symbols = inventedSymbols(3);
    const feed = new GeneratedFeed({ seed, symbols, outagesAYear: 40 });
    return new HostileMarket(await startMarket({ feed, clock: { fixed: now } }), now);
  }

  befall(rule: FaultRuleInput): void {
    this.market.faults.add({ faults: [parseRule(rule, 'the proof')] });
  }

  fired(): number {
    return this.market.faults.list().reduce((sum, { fired }) => sum + fired, 0);
  }

  /** Adapter and stores of one process; another one shares the files, as a second worker would. */
  async ingest(timeouts: Partial<RequestTimeouts> = {}): Promise<Ingest> {
    const candles = await openCandleStore(join(this.#folder, 'candles.db'));
    const state = await openStateStore(join(this.#folder, 'state.db'));
    const exchange = await createCcxtExchange({
      id: 'binance',
      source: 'simulated',
      budget: state.budget({ limits: { binance: 1_000_000 }, clock: this.clock }),
      clock: this.clock,
      settleMs: SETTLE_MS,
      baseUrl: this.market.url,
      timeouts,
      random: () => 0,
    });
    const ingest: Ingest = {
      exchange,
      candles,
      gapLedger: state.gapLedger,
      pairState: state.pairState,
      dataQuality: state.dataQuality,
      clock: this.clock,
      close: async () => {
        await exchange.close();
        await candles.close();
        await state.close();
      },
    };
    this.#open.push(ingest);
    return ingest;
  }

  /** Every closed candle of the market, as it finally is. */
  truth({ symbol, timeframe }: Pair): Candle[] {
    const { now } = this;
    const { feed } = this.market;
    const range = feed.range(symbol, timeframe, now);
    const found: Candle[] = [];
    for (let at = range?.from ?? now; closeOf(timeframe, at) + SETTLE_MS <= now; at = shiftSlots(timeframe, at, 1)) {
      const candle = feed.candle(symbol, timeframe, at, now);
      if (candle !== null) found.push(candle);
    }
    return found;
  }

  /** What a checker that shares no code with the ingest says of the files. */
  checked(): CheckReport {
    const known = new Map<string, ReadonlyMap<number, Values>>();
    const truth = (symbol: string, timeframe: string): ReadonlyMap<number, Values> => {
      const key = `${symbol} ${timeframe}`;
      const candles = known.get(key) ?? new Map(this.truth(pairOf(symbol, timeframe)).map(valuesByTime));
      known.set(key, candles);
      return candles;
    };
    return checkStore({ folder: this.#folder, truth });
  }

  async stop(): Promise<void> {
    for (const ingest of this.#open) await ingest.close();
    await this.market.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function valuesByTime({ openTime, open, high, low, close, volume }: Candle): [number, Values] {
  return [openTime, [open, high, low, close, volume]];
}

/** What a fill and its repair came to: `stored`, or the failure. */
export async function attempt(
  ingest: Ingest,
  pair: Pair,
  given: Partial<Pick<FillRequest, 'asOf' | 'limit' | 'onPage'>> = {},
): Promise<PipelineError | 'stored'> {
  const { asOf = NOW } = given;
  try {
    const from = await findEarliest(ingest.exchange, { pair, asOf });
    if (from === null) return new PipelineError('empty_response', 'the exchange has no candle');
    await fill(ingest, { limit: PAGE, ...given, pair, from, asOf });
    await readAgain(ingest, pair, asOf);
    await repair(ingest, { pair, asOf });
    return 'stored';
  } catch (error) {
    if (error instanceof PipelineError) return error;
    throw error;
  }
}

/** The newest stored candles once more, as every live cycle does. */
async function readAgain(ingest: Ingest, pair: Pair, asOf: EpochMs): Promise<void> {
  const extent = await ingest.candles.extent(pair);
  if (extent === null) return;
  const told = await detect(ingest.exchange, ingest.clock, {
    pair,
    lastStored: extent.last,
    asOf,
    settleMs: SETTLE_MS,
  });
  if (told.kind === 'silent') throw told.error;
  await storePage(ingest, pair, told.candles, told.fetchedAt);
}

/** I04 I09: stored candles that are not what the market finally has, as sentences. */
export async function wrongCandles(ingest: Ingest, pair: Pair, truth: readonly Candle[]): Promise<string[]> {
  const right = new Map(truth.map((candle) => [candle.openTime, candle]));
  const stored = await ingest.candles.read(pair, { limit: 1_000_000 });
  return stored.flatMap((candle) => {
    const known = right.get(candle.openTime);
    return known !== undefined && sameValues(known, candle) ? [] : [new Date(candle.openTime).toISOString()];
  });
}

/** I03: slots of the truth that are not stored, and holes that the ledger does not know. */
export async function lostCandles(ingest: Ingest, pair: Pair, truth: readonly Candle[]): Promise<string[]> {
  const stored = new Set((await ingest.candles.read(pair, { limit: 1_000_000 })).map(({ openTime }) => openTime));
  const missing = truth.filter(({ openTime }) => !stored.has(openTime));
  const holes = await ingest.candles.holes(pair);
  const unexplained = subtractRanges(pair.timeframe, holes, await ingest.gapLedger.list(pair));
  return [
    ...missing.map(({ openTime }) => `${new Date(openTime).toISOString()} is lost`),
    ...unexplained.map(({ from }) => `${new Date(from).toISOString()} is an unexplained hole`),
  ];
}
