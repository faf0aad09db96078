/** A wiring for tests: memory stores, small fakes of what lies outside, and what was printed. */
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryDataQuality } from '../../../src/adapters/memory/memory-data-quality';
import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryModelRegistry } from '../../../src/adapters/memory/memory-model-registry';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { MemoryPublication } from '../../../src/adapters/memory/memory-publication';
import type { StateStore } from '../../../src/adapters/sqlite/state-store';
import { runCli } from '../../../src/cli/cli';
import type { CliStores, CliWiring, Exporter, Running } from '../../../src/cli/wiring';
import { loadConfig } from '../../../src/config/config';
import type { ChosenSymbol } from '../../../src/domain/discovery';
import type { Event } from '../../../src/domain/event';
import { PipelineError } from '../../../src/domain/errors';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol, type Candle, type EpochMs, type Pair } from '../../../src/domain/types';
import { TemporalUnreachable, type Control, type ScheduleView } from '../../../src/ports/control';
import type { AlertOutbox } from '../../../src/ports/alert-outbox';
import type { Exchange } from '../../../src/ports/exchange';
import type { MonitorStore } from '../../../src/ports/monitor-store';
import type { Heartbeat, Notifier } from '../../../src/ports/notifier';
import type { PublicationRow } from '../../../src/ports/publication';
import type { RateBudget } from '../../../src/ports/rate-budget';
import type { StorageUsage } from '../../../src/ports/storage-gauge';

export const NOW = Date.parse('2024-05-01T14:30:00Z');

export function pairOf(symbol: string, timeframe: string): Pair {
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}

/** Candles of consecutive slots from `first`. */
export function candlesFrom(pair: Pair, first: EpochMs, count: number): Candle[] {
  return Array.from({ length: count }, (_, index) => ({
    openTime: shiftSlots(pair.timeframe, first, index),
    open: 100 + index,
    high: 102 + index,
    low: 99 + index,
    close: 101 + index,
    volume: 5,
  }));
}

/** A monitor that has never run. */
const NO_MONITOR = {
  monitor: { last: async () => null } as unknown as MonitorStore,
  outbox: { events: async () => [], lastMute: async () => null } as unknown as AlertOutbox,
};

/** What the fakes answer; a test changes what it is about. */
export class World {
  /** Nobody sits at a terminal. */
  ask: CliWiring['ask'] = null;
  readonly candles = new MemoryCandleStore();
  /** The store that is not configured: where `data copy --to influx` puts things. */
  readonly otherCandles = new MemoryCandleStore();
  readonly gapLedger = new MemoryGapLedger();
  readonly pairState = new MemoryPairState();
  readonly dataQuality = new MemoryDataQuality();
  forecastLedger = new MemoryForecastLedger();
  readonly models = new MemoryModelRegistry();
  publication = new MemoryPublication();
  schedules: ScheduleView[] = [];
  temporalAnswers = true;
  bannedUntil: EpochMs | null = null;
  chosen: ChosenSymbol[] = [];
  usage: StorageUsage = { usedBytes: 1e9, budgetBytes: 50e9 };
  environment: Record<string, string> = {};
  source = 'simulated';
  exporter: Partial<Exporter> = {};
  notifiers: Notifier[] = [];
  heartbeat: Heartbeat | null = null;
  /** Commits that no other has followed. */
  failedCommits: Event[] = [];
  /** Opened by the test that needs it. */
  state: Pick<StateStore, 'monitor' | 'outbox'> | null = null;
  overrides: Partial<CliWiring> = {};
  control: Partial<Control> = {};
  exchange: Partial<Exchange> = {};
  readonly asked: string[] = [];
  stdout = '';
  stderr = '';
  closed = 0;

  /** Runs a command line as a shell would split it. */
  async run(line: string): Promise<number> {
    [this.stdout, this.stderr] = ['', ''];
    return runCli(
      line.split(' ').filter((word) => word !== ''),
      this.wiring(),
    );
  }

  json(): unknown {
    return JSON.parse(this.stdout);
  }

  wiring(): CliWiring {
    return {
      output: { stdout: (text) => (this.stdout += text), stderr: (text) => (this.stderr += text) },
      clock: { now: () => NOW, monotonic: () => 0 },
      ask: this.ask,
      version: '1.2.3',
      stopping: AbortSignal.abort(),
      config: () => loadConfig(this.environment, null),
      stores: async () => this.stores(),
      candles: async (kind) => (kind === 'sqlite' ? this.candles : this.otherCandles),
      exchange: async () => this.exchange as Exchange,
      control: async () => this.fakeControl(),
      exporter: async () => this.exporter as Exporter,
      notifiers: async () => this.notifiers,
      heartbeat: async () => this.heartbeat,
      backtest: async () => async () => ({ rows: [], failures: [], skipped: [] }),
      startUp: async () => this.running('up'),
      startWorker: async () => this.running('worker'),
      startWeb: async (asOf) => this.running(asOf === null ? 'serve' : `serve as of ${asOf}`),
      startReplayWeb: async (asOf) => this.running(`replay as of ${asOf}`),
      replay: async () => {
        throw new Error('no replay');
      },
      startMarket: async (request) => this.running(`market ${request.host} ${request.port} ${request.seed}`),
      temporalBinary: async () => '/somewhere/temporal',
      close: async () => void this.closed++,
      ...this.overrides,
    };
  }

  private running(what: string): Running {
    const stop = async (): Promise<void> => void this.asked.push(`stop ${what}`);
    this.asked.push(what);
    return { facts: { page: 'http://127.0.0.1:1', web_ui: null }, ended: new Promise<void>(() => {}), stop };
  }

  private stores(): CliStores {
    const { candles, gapLedger, pairState, dataQuality, forecastLedger, models, publication } = this;
    const budget = { bannedUntil: async () => this.bannedUntil } as unknown as RateBudget;
    const storage = { measure: async () => this.usage };
    const symbolChoice = { chosen: async () => this.chosen, choose: async () => {} };
    const { monitor, outbox } = this.state ?? NO_MONITOR;
    const events = { failedCommits: async () => this.failedCommits };
    const stores = { candles, gapLedger, pairState, dataQuality, forecastLedger, models, publication, monitor, outbox };
    return { source: this.source, ...stores, events, budget, storage, symbolChoice };
  }

  private fakeControl(): Control {
    if (!this.temporalAnswers) throw new TemporalUnreachable('127.0.0.1:7233', new Error('refused'));
    const known = (verb: string) => async (id: string, reason?: string) => {
      if (!this.schedules.some((schedule) => schedule.id === id)) throw new PipelineError('invalid_input', `no ${id}`);
      this.asked.push([verb, id, reason].filter((part) => part !== undefined).join(' '));
    };
    return {
      schedules: async () => this.schedules,
      applySchedules: async () => [{ id: 'cycle-1h', change: 'created' }],
      pause: known('pause'),
      resume: known('resume'),
      trigger: known('trigger'),
      fills: async () => [],
      ...this.control,
    } as Control;
  }
}

export function scheduleView(changes: Partial<ScheduleView> = {}): ScheduleView {
  const next = Date.parse('2024-05-01T15:00:05Z');
  return {
    id: 'cycle-1h',
    paused: false,
    note: '',
    nextRuns: [next],
    lastRuns: [],
    running: [],
    missed: 0,
    skipped: 0,
    ...changes,
  };
}

/** A row of a pair that is fresh and served at NOW, unless changed. */
export function publicationRow(pair: Pair, changes: Partial<PublicationRow> = {}): PublicationRow {
  const dataThrough = Date.parse('2024-05-01T14:00:00Z');
  const reference = { sha256: 'a'.repeat(64), bytes: 10 };
  return {
    ...pair,
    visibility: 'visible',
    symbolState: 'ready',
    predicts: true,
    history: reference,
    prediction: reference,
    dataThrough,
    predictionDataThrough: dataThrough,
    updatedAt: dataThrough + 10_000,
    softMs: 65 * 60_000,
    hardMs: 130 * 60_000,
    degraded: false,
    exportBlock: null,
    gateReason: null,
    asOf: dataThrough + 5000,
    ops: {},
    ...changes,
  };
}
