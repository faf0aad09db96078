/**
 * The documents beside the operators' manifest that the operations page reads: one zod schema each, the only description
 * of their shape. Whoever owns the facts writes the file (`canonicalDocument` and a durable write into the ops folder);
 * the ops server checks it against its schema and serves it as `/ops/{name}.json`. A document that is absent, or a field
 * that is null, is shown as "not yet measured": null never stands for zero. Readers drop fields they do not know.
 */
import { z } from 'zod';
import { isTimeframe } from '../domain/timeframe';
import { isSymbol } from '../domain/types';
import type { MarketSymbol, TimeframeId } from '../domain/types';

/** Version of every schema below; a newer minor version only adds fields. */
export const OPS_DOCUMENT_VERSION = '1.0';

const MOST_CHARACTERS = 2000;
const version = z.string().regex(/^1\.\d{1,4}$/);
/** ISO 8601 in UTC with `Z`. */
const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/)
  .refine((text) => Number.isFinite(Date.parse(text)), 'is not a time');
const timeframe = z
  .string()
  .max(4)
  .refine((text): text is TimeframeId => isTimeframe(text), 'is not a timeframe');
const symbol = z
  .string()
  .max(64)
  .refine((text): text is MarketSymbol => isSymbol(text), 'is not a symbol');
const count = z.int().nonnegative();
/** Longer ones (a reason that somebody typed, an error's message) are cut: no document fails for them. */
const text = z.string().overwrite((whole) => whole.slice(0, MOST_CHARACTERS));
const share = z.number().min(0).max(1);
const head = { version, generated_at: time };
/** A run that the Temporal Web UI can show. */
const workflow = z.object({ id: text, run: text.nullable() });

const criterion = z.object({
  /** Stable word, like `pinball_better` or `coverage_80`. */
  name: text,
  /** Null when it could not be computed, which never passes. */
  value: z.number().nullable(),
  /** In words, like `>= 0.01` or `0.72 to 0.88`. */
  threshold: text,
  passed: z.boolean(),
  detail: text.nullable(),
});

const decision = z.object({
  at: time,
  kind: z.enum(['promotion', 'first_champion', 'fallback_to_naive', 'rollback']),
  outcome: z.enum(['passed', 'blocked']),
  model_version: text,
  family: text,
  /** What the numbers rest on. */
  basis: z.enum(['ledger', 'backtest']).nullable(),
  /** Scored forecast origins. */
  origins: count.nullable(),
  reason: text,
  criteria: z.array(criterion),
});

const model = z.object({
  version: text,
  family: text,
  settings: z.record(z.string(), z.json()),
  /** Since when it has its role. */
  since: time,
  trained_at: time.nullable(),
});

/** `models.json`: which recipe forecasts each timeframe, which waits, and why it is so. */
export const modelsDocumentSchema = z.object({
  ...head,
  timeframes: z.array(
    z.object({
      timeframe,
      champion: model.nullable(),
      shadow: z.object({ ...model.shape, origins: count, origins_needed: count }).nullable(),
      last_decision: decision.nullable(),
      /** Changes of the champion, newest first. */
      history: z.array(
        z.object({
          at: time,
          action: z.enum(['promoted', 'first_champion', 'fallback_to_naive', 'rolled_back', 'fitted_again']),
          version: text,
          family: text,
          by: text,
          reason: text,
        }),
      ),
      training: z
        .object({
          last_success_at: time.nullable(),
          last_failure_at: time.nullable(),
          last_seconds: z.number().nonnegative().nullable(),
          failed_symbols: z.array(symbol),
          workflow: workflow.nullable(),
        })
        .nullable(),
      drift: z.array(
        z.object({
          name: text,
          value: z.number().nullable(),
          threshold: text,
          alarming: z.boolean(),
          observed_at: time,
        }),
      ),
    }),
  ),
});

const alert = z.object({
  /** Deduplication key. */
  key: text,
  /** Like `hard_stale`, `hard_stale_escalated`, `disk_level`, `overrun`. */
  event: text,
  severity: z.enum(['info', 'warning', 'critical']),
  /** The pairs it is about; empty when it is about the whole system. */
  pairs: z.array(z.object({ symbol, timeframe })),
  detail: text,
  since: time,
  /** Notifications sent for it. */
  notified: count,
  last_notified_at: time.nullable(),
  /** What became of the newest notification. */
  delivery: z.enum(['delivered', 'pending', 'undeliverable', 'logged', 'muted']),
  /** Section of docs/runbooks, like `stale-data.md`. */
  runbook: text.nullable(),
  workflow: workflow.nullable(),
});

/** `alerts.json`: what is wrong now and what was, as the monitor has judged it. */
export const alertsDocumentSchema = z.object({
  ...head,
  /** End of the monitor's last round; its age tells whether anyone is watching. */
  monitored_at: time.nullable(),
  mute: z.object({ until: time, reason: text }).nullable(),
  firing: z.array(alert),
  /** Newest end first. */
  past: z.array(z.object({ ...alert.shape, ended_at: time })),
  receivers: z.array(
    z.object({
      /** Never an address: it can hold a secret. */
      name: text,
      kind: z.enum(['discord', 'slack', 'webhook', 'heartbeat']),
      state: z.enum(['ok', 'failing', 'disabled']),
      pending: count,
      last_success_at: time.nullable(),
    }),
  ),
});

const slaFigures = {
  probes: count,
  good_probes: count,
  /** good / probes; null without a probe. */
  availability: share.nullable(),
  unhealthy_transitions: count,
  undelivered_transitions: count,
  /** undelivered / unhealthy; null without a transition. */
  alert_miss_rate: share.nullable(),
  recoveries: count,
  /** Mean minutes from hard stale to recovery; null without a recovery. */
  mttr_stale_minutes: z.number().nonnegative().nullable(),
};

/** `sla.json`: how well the promise to readers was kept. */
export const slaDocumentSchema = z.object({
  ...head,
  /** Promised share of good probes. */
  objective: share,
  window: z.object({ from: time, to: time, ...slaFigures }),
  /** Bad probes that the objective allows in the window, and how many there were; null before the first probe. */
  error_budget: z
    .object({
      allowed_bad_probes: z.number().nonnegative(),
      bad_probes: count,
      /** Below 0 when it is overspent. */
      remaining: z.number().max(1),
    })
    .nullable(),
  /** Newest first; `day` as YYYY-MM-DD, UTC. */
  days: z.array(z.object({ day: z.iso.date(), ...slaFigures })),
  review: z.object({ week_start: z.iso.date(), sentences: z.array(text) }).nullable(),
});

const schedule = z.object({
  id: text,
  paused: z.boolean(),
  /** Why it is paused, or its note. */
  note: text,
  next_run_at: time.nullable(),
  last_run_at: time.nullable(),
  running: z.array(text),
  missed: count,
  skipped: count,
});

const runtime = z.object({
  timeframe,
  /** Working cycles measured; idle ones are not counted. */
  cycles: count,
  average_seconds: z.number().nonnegative().nullable(),
  p95_seconds: z.number().nonnegative().nullable(),
  target_seconds: z.number().positive(),
  success_rate: share.nullable(),
  overrun_rate: share.nullable(),
  missed_boundaries: count,
  last: z
    .object({ workflow, started_at: time, ended_at: time.nullable(), outcome: text.nullable(), trigger: text })
    .nullable(),
});

const hole = z.object({
  from: time,
  to: time,
  slots: count,
  cause: z.enum(['unexplained', 'suspect', 'confirmed_empty', 'outage']),
  asks: count,
  last_asked_at: time.nullable(),
});

const coverage = z.object({
  symbol,
  timeframe,
  exchange_earliest: time.nullable(),
  start: time.nullable(),
  end: time.nullable(),
  candles: count,
  /** Newest first; the oldest are left out past a limit. */
  holes: z.array(hole),
  holes_total: count,
});

const fill = z.object({
  symbol,
  timeframe,
  workflow_id: text,
  status: z.enum(['running', 'completed', 'failed', 'cancelled']),
  stored: count,
  reached: time.nullable(),
  progress: share.nullable(),
  seconds_left: z.number().nonnegative().nullable(),
});

/** `operations.json`: what only the worker can see; written about once a minute. */
export const operationsDocumentSchema = z.object({
  ...head,
  source: text,
  /** Base of the links to runs; null when the address of the Web UI is not known. */
  temporal_ui: text.nullable(),
  namespace: text,
  /** Null when Temporal did not answer in time. */
  schedules: z.array(schedule).nullable(),
  fills: z.array(fill).nullable(),
  runtime: z.array(runtime),
  storage: z.object({
    used_bytes: count.nullable(),
    /** Null when it can not be told, which counts as full. */
    budget_bytes: z.number().positive().nullable(),
    level: z.enum(['ok', 'warn', 'critical', 'block']),
    /** Null until sizes have been measured for long enough. */
    bytes_per_day: z.number().nullable(),
    /** Until no new fill starts; null while that is not in sight. */
    days_left: z.number().nonnegative().nullable(),
    /** Measured sizes that growth is told from. */
    samples: count,
    sampled_since: time.nullable(),
  }),
  coverage: z.array(coverage),
  /** What changed in the last 24 h, newest first. */
  changes: z.array(
    z.object({
      at: time,
      kind: z.enum(['status', 'degraded', 'blocked', 'visibility', 'model', 'rollback', 'cycle']),
      pair: text.nullable(),
      sentence: text,
    }),
  ),
});

export type ModelsDocument = z.infer<typeof modelsDocumentSchema>;
export type AlertsDocument = z.infer<typeof alertsDocumentSchema>;
export type SlaDocument = z.infer<typeof slaDocumentSchema>;
export type OperationsDocument = z.infer<typeof operationsDocumentSchema>;

/** Served under `/ops/{name}.json` and read from `{name}.json` in the ops folder. */
export const OPS_DOCUMENTS = {
  models: modelsDocumentSchema,
  alerts: alertsDocumentSchema,
  sla: slaDocumentSchema,
  operations: operationsDocumentSchema,
} as const;

export type OpsDocumentName = keyof typeof OPS_DOCUMENTS;
