/** Documents of the operations page as their writers leave them, for a deployment with some trouble. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalDocument, isoTime } from '../../src/publish/canonical-json';
import { parseSymbol, type TimeframeId } from '../../src/domain/types';
import {
  OPS_DOCUMENTS,
  type AlertsDocument,
  type ModelsDocument,
  type OperationsDocument,
  type OpsDocumentName,
  type SlaDocument,
} from '../../src/web/ops-documents';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BTC = parseSymbol('BTC/USDT');
const DOGE = parseSymbol('DOGE/USDT');
const hour = '1h' as TimeframeId;
const head = (now: number) => ({ version: '1.0', generated_at: isoTime(Math.floor(now / 1000) * 1000) });
const ago = (now: number, ms: number) => isoTime(Math.floor((now - ms) / 1000) * 1000);

export function operationsExample(now: number): OperationsDocument {
  const schedule = (id: string, more: object = {}) => ({
    id,
    paused: false,
    note: `${id} of the deployment`,
    next_run_at: ago(now, -30 * MINUTE),
    last_run_at: ago(now, 30 * MINUTE),
    running: [],
    missed: 0,
    skipped: 1,
    ...more,
  });
  const holes = [
    {
      from: ago(now, 40 * DAY),
      to: ago(now, 40 * DAY - 5 * HOUR),
      slots: 6,
      cause: 'outage',
      asks: 2,
      last_asked_at: ago(now, DAY),
    },
    {
      from: ago(now, 900 * DAY),
      to: ago(now, 880 * DAY),
      slots: 481,
      cause: 'confirmed_empty',
      asks: 2,
      last_asked_at: ago(now, DAY),
    },
    {
      from: ago(now, 12 * HOUR),
      to: ago(now, 12 * HOUR),
      slots: 1,
      cause: 'suspect',
      asks: 1,
      last_asked_at: ago(now, HOUR),
    },
  ] as const;
  return {
    ...head(now),
    source: 'simulated',
    temporal_ui: 'http://127.0.0.1:8233',
    namespace: 'default',
    schedules: [
      schedule('cycle-1d'),
      schedule('cycle-1h', { running: ['cycle-1h'] }),
      schedule('cycle-1w', { paused: true, note: 'bad weekly candles at the exchange', next_run_at: null }),
    ],
    fills: [
      {
        symbol: DOGE,
        timeframe: hour,
        workflow_id: 'fill-1h-DOGE_USDT',
        status: 'running',
        stored: 31_000,
        reached: ago(now, 300 * DAY),
        progress: 0.62,
        seconds_left: 95,
      },
    ],
    runtime: [
      {
        timeframe: hour,
        cycles: 240,
        average_seconds: 1.84,
        p95_seconds: 3.2,
        target_seconds: 60,
        success_rate: 0.9917,
        overrun_rate: 0,
        missed_boundaries: 2,
        last: {
          workflow: { id: 'cycle-1h', run: 'a1b2' },
          started_at: ago(now, 31 * MINUTE),
          ended_at: ago(now, 30 * MINUTE),
          outcome: 'partial',
          trigger: 'schedule',
        },
      },
      {
        timeframe: '1M' as TimeframeId,
        cycles: 0,
        average_seconds: null,
        p95_seconds: null,
        target_seconds: 60,
        success_rate: null,
        overrun_rate: null,
        missed_boundaries: 0,
        last: null,
      },
    ],
    storage: {
      used_bytes: 36_400_000_000,
      budget_bytes: 50_000_000_000,
      level: 'warn',
      bytes_per_day: 41_000_000,
      days_left: 209.7,
      samples: 168,
      sampled_since: ago(now, 7 * DAY),
    },
    coverage: [
      {
        symbol: BTC,
        timeframe: hour,
        exchange_earliest: ago(now, 3000 * DAY),
        start: ago(now, 3000 * DAY),
        end: ago(now, HOUR),
        candles: 71_512,
        holes: [...holes],
        holes_total: 3,
      },
      {
        symbol: DOGE,
        timeframe: hour,
        exchange_earliest: ago(now, 2000 * DAY),
        start: ago(now, 760 * DAY),
        end: ago(now, HOUR),
        candles: 18_240,
        holes: [],
        holes_total: 0,
      },
    ],
    changes: [
      {
        at: ago(now, 40 * MINUTE),
        kind: 'status',
        pair: 'ETH/USDT 1h',
        sentence: 'fresh -> stale: data ended 66 min ago, more than 65 min',
      },
      { at: ago(now, 3 * HOUR), kind: 'cycle', pair: null, sentence: 'cycle of 1h partial: 1 of 5 pairs failed' },
    ],
  };
}

export function modelsExample(now: number): ModelsDocument {
  const version = 'range-volatility-9f2c41d7a0b3';
  const criterion = (
    name: string,
    value: number | null,
    threshold: string,
    passed: boolean,
    detail: string | null = null,
  ) => ({ name, value, threshold, passed, detail });
  return {
    ...head(now),
    timeframes: [
      {
        timeframe: hour,
        champion: {
          version,
          family: 'range-volatility',
          settings: { window: 500 },
          since: ago(now, 12 * DAY),
          trained_at: ago(now, 8 * HOUR),
        },
        shadow: {
          version: 'theta-77ab09ccd1e2',
          family: 'theta',
          settings: {},
          since: ago(now, 3 * DAY),
          trained_at: ago(now, 3 * DAY),
          origins: 71,
          origins_needed: 240,
        },
        last_decision: {
          at: ago(now, 2 * DAY),
          kind: 'promotion',
          outcome: 'blocked',
          model_version: 'ets-11',
          family: 'ets',
          basis: 'ledger',
          origins: 240,
          reason: 'not better than the champion by 1 %',
          criteria: [
            criterion('pinball_better', 0.0031, '>= 0.01', false, 'loss 0.00412 against 0.00413'),
            criterion('diebold_mariano_p', 0.31, '<= 0.05', false),
            criterion('coverage_80', 0.803, '0.72 to 0.88', true),
            criterion('worst_symbol', null, '<= 0.10', false, 'one symbol has no score'),
          ],
        },
        history: [
          {
            at: ago(now, 12 * DAY),
            action: 'promoted',
            version,
            family: 'range-volatility',
            by: 'gate',
            reason: 'better by 4.2 %',
          },
          {
            at: ago(now, 40 * DAY),
            action: 'first_champion',
            version: 'naive-00',
            family: 'naive-conformal',
            by: 'gate',
            reason: 'the first one',
          },
        ],
        training: {
          last_success_at: ago(now, 8 * HOUR),
          last_failure_at: null,
          last_seconds: 12.5,
          failed_symbols: [DOGE],
          workflow: { id: 'train-1h', run: null },
        },
        drift: [
          {
            name: 'coverage_80',
            value: 0.79,
            threshold: 'outside 0.70 to 0.90',
            alarming: false,
            observed_at: ago(now, HOUR),
          },
        ],
      },
    ],
  };
}

export function alertsExample(now: number): AlertsDocument {
  const alert = {
    key: 'hard_stale:SOL/USDT:1h',
    event: 'hard_stale',
    severity: 'critical' as const,
    pairs: [{ symbol: parseSymbol('SOL/USDT'), timeframe: hour }],
    detail: 'data ended 3 h ago, more than 130 min',
    since: ago(now, 50 * MINUTE),
    notified: 2,
    last_notified_at: ago(now, 20 * MINUTE),
    delivery: 'delivered' as const,
    runbook: 'stale-data.md',
    workflow: { id: 'alert-1', run: null },
  };
  return {
    ...head(now),
    monitored_at: ago(now, 40_000),
    mute: { until: ago(now, -HOUR), reason: 'maintenance of the exchange' },
    firing: [alert],
    past: [
      {
        ...alert,
        event: 'overrun',
        severity: 'warning',
        pairs: [],
        detail: 'cycle of 1h took 71 s',
        ended_at: ago(now, 5 * HOUR),
        runbook: null,
        workflow: null,
      },
    ],
    receivers: [
      { name: 'team channel', kind: 'discord', state: 'ok', pending: 0, last_success_at: ago(now, 20 * MINUTE) },
    ],
  };
}

export function slaExample(now: number): SlaDocument {
  const figures = {
    probes: 40_320,
    good_probes: 40_301,
    availability: 40_301 / 40_320,
    unhealthy_transitions: 8,
    undelivered_transitions: 0,
    alert_miss_rate: 0,
    recoveries: 7,
    mttr_stale_minutes: 12.4,
  };
  const quiet = {
    ...figures,
    probes: 1440,
    good_probes: 1440,
    availability: 1,
    unhealthy_transitions: 0,
    alert_miss_rate: null,
    recoveries: 0,
    mttr_stale_minutes: null,
  };
  return {
    ...head(now),
    objective: 0.999,
    window: { from: ago(now, 28 * DAY), to: ago(now, 0), ...figures },
    error_budget: { allowed_bad_probes: 40.32, bad_probes: 19, remaining: 1 - 19 / 40.32 },
    days: [1, 2, 3].map((days) => ({ day: ago(now, days * DAY).slice(0, 10), ...quiet })),
    review: {
      week_start: ago(now, 9 * DAY).slice(0, 10),
      sentences: ['Two pairs were hard stale for 12 minutes on Tuesday.', 'No alert was missed.'],
    },
  };
}

/** Writes the documents into the ops folder, each kept to its schema. */
export function writeOpsExamples(opsDir: string, now: number, without: readonly OpsDocumentName[] = []): void {
  const examples = { operations: operationsExample, models: modelsExample, alerts: alertsExample, sla: slaExample };
  for (const name of Object.keys(examples) as OpsDocumentName[]) {
    if (without.includes(name)) continue;
    const text = canonicalDocument<object>(OPS_DOCUMENTS[name], examples[name](now));
    writeFileSync(join(opsDir, `${name}.json`), text);
  }
}
