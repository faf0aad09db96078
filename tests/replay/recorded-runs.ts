/** The runs whose histories are kept: every workflow, on every path that an operator meets. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  championWorkflowId,
  cycleWorkflowId,
  fillWorkflowId,
  MODEL_REPORT,
  RECONCILE_DAILY,
  RETENTION,
  SYMBOLS_DAILY,
  shadowWorkflowId,
  alertWorkflowId,
  MONITOR,
  SLA_DAILY,
  TASK_QUEUE,
  trainingId,
} from '../../src/domain/names';
import { HOUR, parseTimeframe } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';
import type { TestTemporal } from '../temporal';
import { failure, script } from '../workflows/scripted-activities';
import type { Script } from '../workflows/scripted-activities';

export interface RecordedRun {
  readonly name: string;
  readonly workflowId: string;
  /** Runs it to its end on a real server. */
  run(temporal: TestTemporal): Promise<void>;
}

const tf = parseTimeframe('1h');
const CYCLE = cycleWorkflowId(tf);
const FILL = fillWorkflowId(parseSymbol('BTC/USDT'), tf);

async function execute(
  temporal: TestTemporal,
  state: Script,
  type: string,
  workflowId: string,
  input: object,
): Promise<void> {
  await temporal.withWorkers(state.activities, () =>
    temporal.client.workflow.execute(type, { workflowId, taskQueue: TASK_QUEUE, args: [input] }),
  );
}

const MESSAGE = 'hard_stale-20240101T000000.000Z';
const ALERT = alertWorkflowId(MESSAGE);

const VIRTUAL = { timeframe: '1h', asOf: 10 * HOUR + 5000 };

export const RECORDED_RUNS: readonly RecordedRun[] = [
  {
    name: 'cycle.published',
    workflowId: CYCLE,
    run: (temporal) => execute(temporal, script(['BTC/USDT', 'ETH/USDT']), 'cycle', CYCLE, VIRTUAL),
  },
  {
    name: 'cycle.degraded-and-failed',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT', 'ETH/USDT']);
      state.failures.set('forecast BTC/USDT', failure('forecast_invalid', 'permanent'));
      state.failures.set('fetch ETH/USDT', failure('bad_symbol', 'permanent'));
      return execute(temporal, state, 'cycle', CYCLE, VIRTUAL);
    },
  },
  {
    name: 'cycle.gate-closed',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT']);
      state.gate = () => ({ verdict: 'refused', reason: '10 of 240', stored: 10 });
      return execute(temporal, state, 'cycle', CYCLE, VIRTUAL);
    },
  },
  {
    name: 'cycle.lagging-then-later-pass',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT']);
      let asked = 0;
      state.fetch = () =>
        ++asked === 1 ? { kind: 'lagging' } : asked < 5 ? failure('exchange_timeout') : { kind: 'up_to_date' };
      return execute(temporal, state, 'cycle', CYCLE, { timeframe: '1h' });
    },
  },
  {
    name: 'cycle.groups',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT', 'ETH/USDT', 'XRP/USDT']);
      state.plan = { groupSize: 2 };
      return execute(temporal, state, 'cycle', CYCLE, VIRTUAL);
    },
  },
  {
    name: 'cycle.fill-inside',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT']);
      state.fetch = () => ({ kind: 'fill', reason: 'full_fill_earliest' });
      return execute(temporal, state, 'cycle', CYCLE, VIRTUAL);
    },
  },
  {
    name: 'cycle.went-round',
    workflowId: CYCLE,
    run: async (temporal) => {
      const state = script(['BTC/USDT']);
      state.hold = async (stage) => {
        if (stage === 'gate' && state.closed.length === 0) await delay(500);
      };
      await temporal.withWorkers(state.activities, async () => {
        const options = { workflowId: CYCLE, taskQueue: TASK_QUEUE, args: [{ timeframe: '1h' }] };
        const handle = await temporal.client.workflow.start('cycle', options);
        while (!state.calls.includes('gate BTC/USDT')) await delay(10);
        await handle.signal('again', 'for the record');
        await handle.result();
      });
    },
  },
  {
    name: 'cycle.with-shadow',
    workflowId: CYCLE,
    run: (temporal) => {
      const state = script(['BTC/USDT']);
      state.plan = { shadow: true };
      return execute(temporal, state, 'cycle', CYCLE, VIRTUAL);
    },
  },
  {
    name: 'shadow.done',
    workflowId: shadowWorkflowId(tf),
    run: (temporal) =>
      execute(temporal, script(['BTC/USDT']), 'shadow', shadowWorkflowId(tf), {
        source: 'scripted',
        timeframe: '1h',
        asOf: 10 * HOUR,
        symbols: ['BTC/USDT'],
      }),
  },
  {
    name: 'train.done',
    workflowId: trainingId(tf),
    run: (temporal) => execute(temporal, script([]), 'train', trainingId(tf), { timeframe: '1h', asOf: 10 * HOUR }),
  },
  {
    name: 'train.partial-after-retry',
    workflowId: trainingId(tf),
    run: (temporal) => {
      const state = script([]);
      state.failures.set('fitSymbol ETH/USDT', failure('insufficient_data', 'permanent'));
      state.failures.set('searchForRecipe', failure('training_failed', 'wait'));
      setTimeout(() => state.failures.delete('searchForRecipe'), 1_000);
      return execute(temporal, state, 'train', trainingId(tf), { timeframe: '1h' });
    },
  },
  {
    name: 'train.failed-for-good',
    workflowId: trainingId(tf),
    run: (temporal) => {
      const state = script([]);
      for (const symbol of ['BTC/USDT', 'ETH/USDT']) {
        state.failures.set(`snapshotCandles ${symbol}`, failure('store_corrupt', 'permanent'));
      }
      return execute(temporal, state, 'train', trainingId(tf), { timeframe: '1h', asOf: 10 * HOUR });
    },
  },
  {
    name: 'train.refused',
    workflowId: trainingId(tf),
    run: (temporal) =>
      execute(temporal, script([]), 'train', trainingId(tf), { timeframe: '1h', trigger: 'shock', observations: 1 }),
  },
  {
    name: 'changeChampion.done',
    workflowId: championWorkflowId(tf),
    run: (temporal) =>
      execute(temporal, script([]), 'changeChampion', championWorkflowId(tf), {
        timeframe: '1h',
        action: 'rollback',
        version: 'v2',
        by: 'operator',
        reason: 'for the record',
      }),
  },
  {
    name: 'reportModels.promoted',
    workflowId: MODEL_REPORT,
    run: (temporal) => execute(temporal, script([]), 'reportModels', MODEL_REPORT, { asOf: 10 * HOUR }),
  },
  {
    name: 'cycleTick.started',
    workflowId: 'cycle-1h-tick-record',
    run: (temporal) =>
      execute(temporal, script(['BTC/USDT']), 'cycleTick', 'cycle-1h-tick-record', { timeframe: '1h' }),
  },
  {
    name: 'fill.done',
    workflowId: FILL,
    run: (temporal) => execute(temporal, script([]), 'fill', FILL, { symbol: 'BTC/USDT', timeframe: '1h' }),
  },
  {
    name: 'retention.done',
    workflowId: RETENTION,
    run: (temporal) => execute(temporal, script([]), 'retention', RETENTION, {}),
  },
  {
    name: 'reconcile.repaired',
    workflowId: RECONCILE_DAILY,
    run: (temporal) => {
      const state = script(['BTC/USDT', 'ETH/USDT']);
      state.failures.set('reconcileSymbol ETH/USDT', failure('exchange_timeout'));
      return execute(temporal, state, 'reconcile', RECONCILE_DAILY, { days: 1 });
    },
  },
  {
    name: 'reconcile.virtual',
    workflowId: RECONCILE_DAILY,
    run: (temporal) =>
      execute(temporal, script(['BTC/USDT']), 'reconcile', RECONCILE_DAILY, { days: 1, asOf: VIRTUAL.asOf }),
  },
  {
    name: 'reviewSymbols.done',
    workflowId: SYMBOLS_DAILY,
    run: (temporal) => {
      const state = script(['BTC/USDT', 'ETH/USDT']);
      state.failures.set('checkSymbol ETH/USDT', failure('exchange_timeout', 'permanent'));
      return execute(temporal, state, 'reviewSymbols', SYMBOLS_DAILY, {});
    },
  },
  {
    name: 'monitor.told',
    workflowId: MONITOR,
    run: (temporal) => execute(temporal, script([]), 'monitor', MONITOR, {}),
  },
  {
    name: 'monitor.virtual',
    workflowId: MONITOR,
    run: (temporal) => execute(temporal, script([]), 'monitor', MONITOR, { asOf: 10 * HOUR }),
  },
  {
    name: 'deliverAlert.delivered',
    workflowId: ALERT,
    run: (temporal) => execute(temporal, script([]), 'deliverAlert', ALERT, { message: MESSAGE }),
  },
  {
    name: 'deliverAlert.gave-up',
    workflowId: ALERT,
    run: (temporal) => {
      const state = script([]);
      state.failures.set('deliver slack', failure('delivery_failed', 'permanent'));
      return execute(temporal, state, 'deliverAlert', ALERT, { message: MESSAGE });
    },
  },
  {
    name: 'slaDaily.done',
    workflowId: SLA_DAILY,
    run: (temporal) => execute(temporal, script([]), 'slaDaily', SLA_DAILY, {}),
  },
  {
    name: 'tick.ran',
    workflowId: 'retention-tick-record',
    run: (temporal) =>
      execute(temporal, script([]), 'tick', 'retention-tick-record', {
        type: 'retention',
        workflowId: RETENTION,
        input: {},
        kind: 'retention',
        summary: 'removes candles',
      }),
  },
];
