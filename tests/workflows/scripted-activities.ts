/** Activities that answer by script and write down what they were asked, for tests of orchestration alone. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type {
  Answer,
  BackgroundActivities,
  CloseCycleInput,
  ComputeActivities,
  CycleActivities,
  CyclePlan,
  Failure,
  FetchResult,
  LiveFetch,
  FillActivities,
  GateResult,
  HousekeepingActivities,
  PairReconciliation,
  ReconciliationActivities,
  SymbolActivities,
  MonitorActivities,
  StageInput,
} from '../../activities/contract';
import { ERROR_TABLE } from '../../src/domain/errors';
import { parseTimeframe } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';
import type { MarketSymbol } from '../../src/domain/types';
import { modelActivities } from './scripted-models';
import type { ModelActivities } from './scripted-models';

export type ScriptedActivities = CycleActivities &
  ComputeActivities &
  BackgroundActivities &
  FillActivities &
  HousekeepingActivities &
  MonitorActivities &
  ReconciliationActivities &
  ModelActivities &
  SymbolActivities;

export interface Script {
  readonly activities: ScriptedActivities;
  /** `stage symbol` in order of execution, attempts included. */
  readonly calls: string[];
  readonly closed: CloseCycleInput[];
  readonly requested: string[];
  plan: Partial<CyclePlan>;
  /** What fetch gives for a symbol; default one new candle. */
  fetch: (symbol: MarketSymbol, input: StageInput) => FetchResult | Failure;
  gate: (symbol: MarketSymbol) => GateResult;
  /** Stages that fail for a symbol: `forecast BTC/USDT` -> failure. */
  failures: Map<string, Failure>;
  /** Awaited inside every stage: lets a test hold a cycle at a place. */
  hold: (stage: string, symbol: MarketSymbol) => Promise<void>;
}

export function failure(
  code: Failure['code'],
  retry: Failure['retry'] = ERROR_TABLE[code].retry,
  retryAfterMs: number | null = null,
): Failure {
  return { code, stage: 'ingest', retry, message: `scripted ${code}`, retryAfterMs };
}

export const newCandle: LiveFetch = {
  kind: 'candles',
  rows: [[3_600_000, 1, 2, 0.5, 1.5, 10]],
  fetchedAt: 1,
  fresh: 1,
};

function scriptedFailure(result: Failure): ApplicationFailure {
  return ApplicationFailure.create({
    type: result.code,
    message: result.message,
    details: [result],
    // As activities do: what has to wait for long goes back to the workflow.
    nonRetryable: result.retry === 'permanent' || (result.retryAfterMs ?? 0) > 5_000,
  });
}

function isFailure(value: object): value is Failure {
  return 'code' in value;
}

const RECONCILED: PairReconciliation = {
  timeframe: parseTimeframe('1h'),
  compared: 24,
  missing: 0,
  different: 0,
  critical: 0,
  notAtExchange: 0,
  failure: null,
};

export function script(symbols: readonly string[]): Script {
  const state: Script = {
    calls: [],
    closed: [],
    requested: [],
    plan: {},
    fetch: () => newCandle,
    gate: () => ({ verdict: 'pass', due: 'forecast', stored: 500 }),
    failures: new Map(),
    hold: async () => {},
    activities: {} as ScriptedActivities,
  };
  const each = async <T>(
    stage: string,
    input: StageInput,
    value: (symbol: MarketSymbol) => T | Failure,
  ): Promise<Answer<T>[]> => {
    const answers: Answer<T>[] = [];
    for (const symbol of input.symbols) {
      state.calls.push(`${stage} ${symbol}`);
      await state.hold(stage, symbol);
      const planned = state.failures.get(`${stage} ${symbol}`);
      const result = planned ?? value(symbol);
      if (typeof result === 'object' && result !== null && isFailure(result)) {
        if (input.symbols.length === 1) {
          throw scriptedFailure(result);
        }
        answers.push({ symbol, ok: false, failure: result });
      } else answers.push({ symbol, ok: true, value: result });
    }
    return answers;
  };
  Object.assign(state.activities, {
    ...modelActivities(async (name) => {
      state.calls.push(name);
      const planned = state.failures.get(name);
      if (planned !== undefined) throw scriptedFailure(planned);
    }),
    openCycle: async ({ timeframe }) => {
      state.calls.push('openCycle');
      return {
        source: 'scripted',
        timeframe: parseTimeframe(timeframe),
        symbols: symbols.map(parseSymbol),
        predicts: true,
        groupSize: 1,
        settleMs: 2000,
        lagWaitsMs: [50, 50],
        retryWaitsMs: [100],
        ...state.plan,
      };
    },
    fetch: (input) => each('fetch', input, (symbol) => state.fetch(symbol, input)),
    write: (input) => each('write', input, () => ({ inserted: 1, revised: 0 })),
    repair: (input) =>
      each('repair', input, () => ({ missing: 0, asked: 0, found: 0, undecided: 0, becameReady: false })),
    gate: (input) => each('gate', input, (symbol) => state.gate(symbol)),
    forecast: (input) => each('forecast', input, () => ({ family: 'naive', modelVersion: 'v1', milliseconds: 1 })),
    export: (input) =>
      each('export', input, () => ({ published: 'history_and_prediction', dataThrough: 1, bytes: 10 })),
    manifest: async () => {
      state.calls.push('manifest');
      return { generation: state.calls.filter((call) => call === 'manifest').length, entries: symbols.length };
    },
    closeCycle: async (input) => {
      // What the workflow asks for: Temporal repeats an attempt whose end a busy machine told it too late.
      if (activityInfo().attempt === 1) state.closed.push(input);
    },
    requestCycles: async ({ reason }) => {
      state.requested.push(reason);
    },
    fillPages: async ({ symbol, asOf }) => {
      state.calls.push(`fillPages ${symbol}`);
      return { stored: 1000, from: 0, reached: asOf, to: asOf, requests: 1, startedAt: 0 };
    },
    settleFill: async ({ symbol, timeframe }) => {
      state.calls.push(`settleFill ${symbol}`);
      return {
        repair: { missing: 0, asked: 0, found: 0, undecided: 0, becameReady: true },
        cycles: [timeframe],
      };
    },
    shadowForecast: async ({ symbols }) => {
      for (const symbol of symbols) {
        state.calls.push(`shadowForecast ${symbol}`);
        await state.hold('shadowForecast', symbol);
      }
      return { forecast: symbols, failed: [] };
    },
    applyRetention: async () => {
      state.calls.push('applyRetention');
      await state.hold('applyRetention', parseSymbol('BTC/USDT'));
      return {
        removed: { 'BTC/USDT 1m': 60 },
        storage: { level: 'ok', usedBytes: 1, budgetBytes: 2, changed: false },
      };
    },
    planReconciliation: async () => ({ source: 'scripted', symbols: symbols.map(parseSymbol) }),
    planSymbols: async () => {
      const [joining = parseSymbol('BTC/USDT'), ...probes] = symbols.map(parseSymbol);
      const chosen = [{ symbol: joining, since: 0, misses: 0, rank: 1 }];
      return { source: 'scripted', chosen, joining: [joining], leaving: [], probes };
    },
    checkSymbol: async ({ symbol }) => {
      state.calls.push(`checkSymbol ${symbol}`);
      const planned = state.failures.get(`checkSymbol ${symbol}`);
      if (planned !== undefined)
        throw ApplicationFailure.create({ message: planned.message, details: [planned], nonRetryable: true });
      return { symbol, reason: null };
    },
    settleSymbols: async ({ asOf, joining, checked }) => ({
      asOf,
      followed: symbols.length,
      joined: joining.filter((symbol) => checked.some((each) => each.symbol === symbol)),
      released: [],
      quarantined: [],
      left: [],
    }),
    reconcileSymbol: async ({ symbol }) => {
      state.calls.push(`reconcileSymbol ${symbol}`);
      const planned = state.failures.get(`reconcileSymbol ${symbol}`) ?? null;
      return [{ ...RECONCILED, different: planned === null ? 1 : 0, failure: planned }];
    },
    observe: async () => {
      state.calls.push('observe');
      return { pairs: 2, changed: ['BTC/USDT 1h'], events: 1, pending: ['hard_stale-20240101T000000.000Z'] };
    },
    recommit: async () => {
      state.calls.push('recommit');
      return { generation: 2, entries: 2 };
    },
    probe: async () => ({ probes: 3, good: 3 }),
    writeOpsDocuments: async () => {
      state.calls.push('writeOpsDocuments');
    },
    heartbeat: async () => {
      state.calls.push('heartbeat');
      return true;
    },
    waitingReceivers: async () => ['slack', 'webhook'],
    deliver: async ({ receiver }) => {
      state.calls.push(`deliver ${receiver}`);
      const planned = state.failures.get(`deliver ${receiver}`);
      if (planned !== undefined) throw ApplicationFailure.nonRetryable(planned.message, planned.code);
      return 'delivered';
    },
    giveUp: async ({ receiver }) => {
      state.calls.push(`giveUp ${receiver}`);
    },
    rollUpDay: async () => ({ day: '2024-01-01', availability: 1 }),
  } satisfies ScriptedActivities);
  return state;
}
