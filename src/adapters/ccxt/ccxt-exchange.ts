import { AsyncLocalStorage } from 'node:async_hooks';
import { PipelineError } from '../../domain/errors';
import { candlePage, refuseOtherTimeframe } from './candle-page';
import { createCcxtObject } from './ccxt-object';
import { banOf, classifyAnswer, classifyError, isEmptyList, notCandles } from './classification';
import { createExchangeClock } from './exchange-clock';
import { sendRequest } from './http-request';
import { createMarketList } from './market-list';
import { createRequestQueue } from './request-queue';
import { timeframeSupport } from './timeframe-support';
import type { Exchange as CcxtObject } from 'ccxt';
import type { EpochMs } from '../../domain/types';
import type { Clock } from '../../ports/clock';
import type { CandlePage, Exchange, PageRequest, RequestPriority } from '../../ports/exchange';
import type { RateBudget } from '../../ports/rate-budget';
import type { Answer } from './classification';
import type { ExchangeClock } from './exchange-clock';
import type { RequestTimeouts } from './http-request';
import type { MarketList } from './market-list';
import type { RequestQueue } from './request-queue';

export interface CcxtExchangeOptions {
  /** ccxt's id, for example `binance`. */
  readonly id: string;
  /** Name of the source in documents and folders. Default: the id. */
  readonly source?: string;
  readonly budget: RateBudget;
  readonly clock: Clock;
  /** How long after its end a candle counts as closed. */
  readonly settleMs: number;
  /** Replaces scheme and host of the exchange's addresses, for a market simulator or a proxy. */
  readonly baseUrl?: string;
  /** Default: 10 s to the headers, 20 s in all. */
  readonly timeouts?: Partial<RequestTimeouts>;
  /** Requests under way at a time. Default 4. */
  readonly parallel?: number;
  /** 0..1, spreads the ends of bans, so that processes do not come back in the same instant. */
  readonly random?: () => number;
}

/** One call of the port: everything that its requests need to know and leave behind. */
interface Call {
  readonly priority: RequestPriority;
  readonly signal: AbortSignal;
  answer: Answer | null;
  /** Rows as ccxt parsed them, before it filtered them; null when the answer held no list. */
  rows: readonly unknown[] | null | undefined;
  /** The rows as the exchange wrote them. */
  raw: readonly unknown[];
}

const TIMEOUTS: RequestTimeouts = { headersMs: 10_000, totalMs: 20_000 };
const PARALLEL = 4;
/** Fills have time; a live cycle would rather hear that it has to wait. */
const MAX_WAIT_MS: Readonly<Record<RequestPriority, number>> = { live: 10_000, fill: 30_000 };
/**
 * ccxt gives each request a cost, and each exchange the milliseconds between requests of cost 1. In these units Binance's
 * own weights come out (klines 2, exchangeInfo 20, all tickers 80), and 6000 a minute is any exchange's whole limit.
 */
const WEIGHT_PER_COST_MS = 0.1;
/** For an exchange ccxt has no limit for. */
const SLOWEST_RATE_MS = 2000;
/** Candles of an answer where ccxt does not tell; no exchange gives fewer. */
const SMALLEST_PAGE = 100;
const LARGEST_PAGE = 1000;
/** One request may never need more than the budget holds. */
const LARGEST_WEIGHT = 1500;

/**
 * Public market data of one exchange through ccxt, which is loaded here and nowhere else.
 * @throws ConfigError when ccxt knows no exchange of that id.
 */
export async function createCcxtExchange(options: CcxtExchangeOptions): Promise<Exchange> {
  return new CcxtExchange(options, await createCcxtObject(options));
}

/** The call that what runs now belongs to, of whatever exchange: each storage makes every promise of the process dearer. */
const calls = new AsyncLocalStorage<Call>();

class CcxtExchange implements Exchange {
  readonly source: string;
  readonly largestPage: number;
  private readonly id: string;
  private readonly queue: RequestQueue;
  private readonly timeouts: RequestTimeouts;
  private readonly underWay = new Set<AbortController>();
  private closed = false;
  private readonly exchangeClock: ExchangeClock;
  private readonly marketList: MarketList;

  constructor(
    private readonly options: CcxtExchangeOptions,
    private readonly ccxt: CcxtObject,
  ) {
    this.id = options.id;
    this.source = options.source ?? options.id;
    const told: unknown = ccxt.featureValueByType('spot', undefined, 'fetchOHLCV', 'limit');
    this.largestPage = typeof told === 'number' && told >= 1 ? Math.min(told, LARGEST_PAGE) : SMALLEST_PAGE;
    this.queue = createRequestQueue(options.parallel ?? PARALLEL);
    this.timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.exchangeClock = createExchangeClock(options.clock, ccxt.has.fetchTime === true ? () => this.askTime() : null);
    this.marketList = createMarketList(this.id, options.clock, {
      load: () => this.shared('the list of markets', () => this.loadMarkets()),
      volumes: () => this.shared('the volumes', () => this.loadVolumes()),
    });
    this.takeOver();
  }

  supports(timeframe: PageRequest['timeframe']) {
    const offer = {
      exchange: this.id,
      servesCandles: this.ccxt.has.fetchOHLCV === true,
      timeframes: new Set(Object.keys(this.ccxt.timeframes ?? {})),
    };
    return timeframeSupport(offer, timeframe);
  }

  async fetchPage(request: PageRequest): Promise<CandlePage> {
    const { symbol, timeframe, since, asOf, limit } = request;
    const { offered, reason } = this.supports(timeframe);
    if (!offered) throw new PipelineError('unsupported_timeframe', `no ${timeframe} candles: ${reason}`);
    const subject = `${symbol} ${timeframe}`;
    return this.call(subject, request, async (call) => {
      await this.marketList.ready();
      const { settleMs, clock } = this.options;
      const exchangeNow = await this.exchangeClock.now(asOf - settleMs);
      // Read before asking: what had closed by now is closed in the answer.
      const closedAsOf = Math.min(asOf, clock.now(), exchangeNow);
      const filtered: readonly unknown[] = await this.ccxt.fetchOHLCV(symbol, timeframe, since, limit);
      const rows = call.rows === undefined ? filtered : call.rows;
      if (rows === null || (rows.length === 0 && !isEmptyList(call.answer))) {
        throw notCandles(this.id, call.answer, `candles of ${subject}`);
      }
      const newestOpen = Math.max(asOf, clock.now(), this.exchangeClock.estimate());
      const page = candlePage(rows, request, { closedAsOf, newestOpen, settleMs });
      refuseOtherTimeframe(this.id, page, call.raw, request);
      return page;
    });
  }

  serverTime(signal?: AbortSignal): Promise<EpochMs> {
    return this.call('its time', { priority: 'live', signal }, () => this.exchangeClock.measure());
  }

  markets(signal?: AbortSignal) {
    return this.call('its markets', { priority: 'live', signal }, () => this.marketList.markets());
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const controller of this.underWay) controller.abort(this.closedError());
  }

  private closedError(): PipelineError {
    return new PipelineError('exchange_unreachable', `the connection to ${this.id} was closed`);
  }

  /**
   * Puts our own sending, rationing and reading in the places ccxt has for them. Several calls share one ccxt object;
   * what belongs to one of them is kept in its own {@link Call}, never read from the object's `last_…` fields.
   */
  private takeOver(): void {
    const { ccxt } = this;
    ccxt.throttle = (cost) => this.ration(Number(cost));
    ccxt.fetchImplementation = (
      url: string,
      init: { method: string; headers: Record<string, string>; body?: string },
    ) => this.send(url, init);
    const parseRows = ccxt.parseOHLCVs.bind(ccxt);
    ccxt.parseOHLCVs = (rows, market, ...rest) => {
      const call = calls.getStore();
      // ccxt leaves out rows before `since`, and takes the letters of an error page for rows: both are to be seen.
      const isList = Array.isArray(rows) && (rows.length === 0 || rows.some(isFilled));
      if (call !== undefined) call.raw = isList ? rows : [];
      if (call !== undefined) call.rows = isList ? rows.map((row: unknown) => ccxt.parseOHLCV(row, market)) : null;
      // Within a call its own rows are read; to parse them a second time for nobody would double the cost of a page.
      return isList && call === undefined ? parseRows(rows, market, ...rest) : [];
    };
  }

  private currentCall(): Call {
    const call = calls.getStore();
    if (call === undefined) throw new PipelineError('internal', `a request to ${this.id} outside of any call`);
    return call;
  }

  private ration(cost: number): Promise<void> {
    const { priority, signal } = this.currentCall();
    const weight = Math.max(1, Math.round(cost * (this.ccxt.rateLimit ?? SLOWEST_RATE_MS) * WEIGHT_PER_COST_MS));
    return this.options.budget.take(this.id, Math.min(weight, LARGEST_WEIGHT), priority, signal, MAX_WAIT_MS[priority]);
  }

  private async send(url: string, init: { method: string; headers: Record<string, string>; body?: string }) {
    const call = this.currentCall();
    const leave = await this.queue.enter(call.priority, call.signal);
    try {
      await this.passBan(call);
      const request = { url, method: init.method, headers: init.headers };
      call.answer = await sendRequest(
        init.body === undefined ? request : { ...request, body: init.body },
        this.timeouts,
        call.signal,
      );
      const { status, headers, body } = call.answer;
      const refusal = classifyAnswer(this.id, call.answer, this.exchangeClock.estimate());
      // In force before anyone hears of it, and before the next request is let out of the queue.
      if (refusal !== null) throw await this.withBan(refusal);
      return { status, statusText: '', headers: new Headers(headers), text: async () => body };
    } finally {
      leave();
    }
  }

  /** A ban may have come while a request stood in the queue. A weight of 0 asks for nothing but to be let past it. */
  private async passBan({ priority, signal }: Call): Promise<void> {
    const { budget } = this.options;
    if ((await budget.bannedUntil(this.id)) !== null) {
      await budget.take(this.id, 0, priority, signal, MAX_WAIT_MS[priority]);
    }
  }

  private async withBan(error: PipelineError): Promise<PipelineError> {
    const ban = banOf(error);
    if (ban === null) return error;
    const until = this.options.clock.now() + ban.pauseMs;
    await this.options.budget.ban(this.id, until, ban.code);
    const jitter = Math.round((this.options.random ?? Math.random)() * Math.min(5000, ban.pauseMs / 10));
    return new PipelineError(error.code, error.message, { retryAfterMs: ban.pauseMs + jitter, cause: error.cause });
  }

  /** Runs `work` as one call: its requests are sent with its priority and signal, its failure is classified. */
  private async call<T>(
    subject: string,
    { priority, signal }: { readonly priority: RequestPriority; readonly signal?: AbortSignal | undefined },
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const callOff = (): void => controller.abort(signal?.reason);
    const call: Call = { priority, signal: controller.signal, answer: null, rows: undefined, raw: [] };
    this.underWay.add(controller);
    signal?.addEventListener('abort', callOff);
    try {
      signal?.throwIfAborted();
      if (this.closed) throw this.closedError();
      return await calls.run(call, () => work(call));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof PipelineError) throw error;
      const refusal = classifyError(this.id, error, call.answer, subject);
      if (refusal.code === 'bad_symbol') this.marketList.doubt();
      throw await this.withBan(refusal);
    } finally {
      signal?.removeEventListener('abort', callOff);
      this.underWay.delete(controller);
    }
  }

  /** A call that several others wait for: it goes first, and none of them can call it off. */
  private shared<T>(subject: string, work: () => Promise<T>): Promise<T> {
    return this.call(subject, { priority: 'live' }, work);
  }

  private askTime(): Promise<EpochMs> {
    return this.call('its time', { priority: 'live' }, async (call) => {
      const time = await this.ccxt.fetchTime();
      if (typeof time !== 'number' || !Number.isFinite(time) || time <= 0)
        throw notCandles(this.id, call.answer, 'the time');
      return time;
    });
  }

  private async loadMarkets() {
    const markets = await this.ccxt.fetchMarkets();
    if (!Array.isArray(markets) || markets.length === 0) return [];
    this.ccxt.setMarkets(markets);
    return markets.map((market) => ({ symbol: market?.symbol, active: market?.active }));
  }

  private async loadVolumes(): Promise<ReadonlyMap<string, number>> {
    if (this.ccxt.has.fetchTickers !== true) return new Map();
    const volumes = new Map<string, number>();
    for (const { symbol, quoteVolume } of Object.values(await this.ccxt.fetchTickers())) {
      if (typeof symbol === 'string' && quoteVolume !== undefined) volumes.set(symbol, quoteVolume);
    }
    return volumes;
  }
}

function isFilled(row: unknown): boolean {
  return typeof row === 'object' && row !== null && Object.keys(row).length > 0;
}
