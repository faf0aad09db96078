/**
 * The published documents: one zod schema each, the only description of their shape. The JSON Schemas under
 * `docs/schemas` are made from these. Readers parse with them and drop fields they do not know; writers go through
 * `canonicalDocument`, which lets no field out that the schema does not name.
 */
import { z } from 'zod';
import { canonicalName } from './canonical-name';
import { PAIR_STATUSES } from '../domain/status';
import { isTimeframe } from '../domain/timeframe';
import { isSymbol, pairKey } from '../domain/types';
import type { MarketSymbol, TimeframeId } from '../domain/types';

/** Version of every schema below. Readers take any 1.x: a newer minor version only adds fields. */
export const SCHEMA_VERSION = '1.2';

const version = z.string().regex(/^1\.\d{1,4}$/);
/** ISO 8601 in UTC with `Z`; milliseconds only where they are not zero. */
const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/)
  .refine((text) => Number.isFinite(Date.parse(text)), 'is not a time');
const symbol = z
  .string()
  .max(64)
  .refine((text): text is MarketSymbol => isSymbol(text), 'is not a symbol');
const timeframe = z
  .string()
  .max(4)
  .refine((text): text is TimeframeId => isTimeframe(text), 'is not a timeframe');
const price = z.number().positive();
const source = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/);
const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What every document says about its age: `data_through` is the close of the last candle it rests on. */
const age = { updated_at: time, data_through: time, fresh_until: time, expires_at: time };
const head = { schema_version: version, source, symbol, timeframe, ...age };

export const historySchema = z.object({
  ...head,
  type: z.literal('history'),
  data: z
    .array(
      z.object({
        timestamp: time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: z.number().nonnegative(),
      }),
    )
    .min(1),
});

const interval = z.object({ lower: price, upper: price });

const forecastStep = z.object({
  /** Close of the candle that this step is for. */
  timestamp: time,
  /** The median. */
  price,
  /** The 80 % interval. */
  lower_bound: price,
  upper_bound: price,
  intervals: z.object({ '50': interval, '80': interval, '95': interval }),
});

const metric = z.number().nullable();
const share = z.number().min(0).max(1).nullable();

/** Track record from the ledger; a metric is null as long as nothing it could rest on has been scored. */
export const qualitySchema = z.object({
  mae: metric,
  smape: metric,
  mase: metric,
  directional_accuracy: share,
  coverage: z.object({ '50': share, '80': share, '95': share }),
  skill_vs_naive: metric,
  /** Scored steps: a forecast whose targets have all closed counts once for each of them. */
  sample_count: count,
  /** Closes from which the forecasts were made, for example `720 x 1h`. */
  evaluation_window: z.string().max(64),
  /** How much better than naive, and what the number of forecasts lets one say of it. Since 1.2; null: none has closed. */
  skill: z
    .object({
      /** 1 - pinball loss / that of naive. */
      estimate: z.number(),
      /** 95 % interval; null while there are too few forecasts. */
      lower: metric,
      upper: metric,
      /** Forecasts it rests on. */
      origins: count,
      sentence: z.string().max(400),
    })
    .nullable()
    .optional(),
});

/** What was forecast for closes that have come since: some steps ahead, newest targets last. */
export const pastSchema = z.array(
  z.object({
    /** Candles ahead of the close that the forecast rested on. */
    step: z.int().positive(),
    targets: z.array(
      z.object({
        /** Close of the candle that was forecast. */
        timestamp: time,
        /** The median. */
        price,
        /** The 80 % interval. */
        lower_bound: price,
        upper_bound: price,
        /** The close that came. */
        actual: price,
        /** Whether it lay within the interval, bounds included. */
        within: z.boolean(),
      }),
    ),
  }),
);

export const predictionSchema = z.object({
  ...head,
  type: z.literal('prediction'),
  model: z.object({ version: z.string().min(1).max(128), family: z.string().min(1).max(64) }),
  issued_at: time,
  forecast: z.array(forecastStep).min(1),
  quality: qualitySchema,
  /** Since 1.1. */
  past: pastSchema.optional(),
});

/** `objects/{sha256}.json` holds the bytes; its own times, since a prediction can be older than its history. */
const fileReference = z.object({
  name: z.string().max(160),
  bytes: z.int().positive(),
  sha256,
  data_through: time,
  fresh_until: time,
  expires_at: time,
});

const entryFields = {
  key: z.string(),
  symbol,
  timeframe,
  status: z.enum(PAIR_STATUSES),
  degraded: z.boolean(),
  serve_allowed: z.boolean(),
  reason: z.string().nullable(),
  updated_at: time,
  data_through: time.nullable(),
  fresh_until: time.nullable(),
  expires_at: time.nullable(),
  files: z.object({ history: fileReference.nullable(), prediction: fileReference.nullable() }),
};

interface NamedEntry {
  readonly key: string;
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  readonly files: {
    readonly history: { readonly name: string } | null;
    readonly prediction: { readonly name: string } | null;
  };
}

/** A name is looked up, never joined to a path; so one that is not the canonical name of its entry is refused (S01). */
function isNamedCanonically(entry: NamedEntry): boolean {
  const { history, prediction } = entry.files;
  return (
    entry.key === pairKey(entry) &&
    (history === null || history.name === canonicalName('history', entry)) &&
    (prediction === null || prediction.name === canonicalName('prediction', entry))
  );
}

const named = 'key or file name is not the canonical one';
const publicEntry = z.object({ ...entryFields, visibility: z.literal('visible') }).refine(isNamedCanonically, named);

const opsEntry = z
  .object({
    ...entryFields,
    visibility: z.enum(['visible', 'hidden_backfilling']),
    symbol_state: z.string(),
    age_minutes: z.number().nullable(),
    threshold_minutes: z.object({ soft: z.number(), hard: z.number() }),
    as_of: time,
    export_block: z.string().nullable(),
    gate_reason: z.string().nullable(),
    /** Coverage, last success and failure of each stage, model and `shadow_version`, disk level, workflow and run. */
    operations: z.record(z.string(), z.json()),
  })
  .refine(isNamedCanonically, named);

const counts = z.record(z.string(), count);
const summary = z.object({ total: count, status: counts, visibility: counts, symbol_state: counts, degraded: count });

const manifestFields = {
  version,
  generation: z.int().positive(),
  generated_at: time,
  /** Past this the publisher is late: nothing in the manifest may be called fresh. */
  expires_at: time,
  source,
  /** The older generation whose content was put back, or null. */
  rollback_of: z.int().positive().nullable(),
  summary,
};

function keysAreUnique(manifest: { readonly entries: readonly { readonly key: string }[] }): boolean {
  return new Set(manifest.entries.map((entry) => entry.key)).size === manifest.entries.length;
}

export const manifestSchema = z
  .object({ ...manifestFields, entries: z.array(publicEntry) })
  .refine(keysAreUnique, 'a pair appears twice');

export const opsManifestSchema = z
  .object({ ...manifestFields, entries: z.array(opsEntry), rollback_reason: z.string().nullable() })
  .refine(keysAreUnique, 'a pair appears twice');

export type HistoryDocument = z.infer<typeof historySchema>;
export type PredictionDocument = z.infer<typeof predictionSchema>;
export type Quality = z.infer<typeof qualitySchema>;
export type PastForecasts = z.infer<typeof pastSchema>;
export type FileReference = z.infer<typeof fileReference>;
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestEntry = z.infer<typeof publicEntry>;
export type OpsManifest = z.infer<typeof opsManifestSchema>;
export type OpsEntry = z.infer<typeof opsEntry>;
export type Summary = z.infer<typeof summary>;

/** A record of nothing scored yet. */
export function unscoredQuality(evaluationWindow: string): Quality {
  return {
    mae: null,
    smape: null,
    mase: null,
    directional_accuracy: null,
    coverage: { '50': null, '80': null, '95': null },
    skill_vs_naive: null,
    sample_count: 0,
    evaluation_window: evaluationWindow,
  };
}
