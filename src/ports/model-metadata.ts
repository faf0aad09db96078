/** What is kept of every model for ever. Readers tolerate fields they do not know: a newer minor version only adds. */
import { z } from 'zod';
import { isTimeframe } from '../domain/timeframe';
import { isSymbol } from '../domain/types';
import type { MarketSymbol, TimeframeId } from '../domain/types';

export const METADATA_VERSION = '1.0';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.number().int();
const symbol = z.string().refine((text): text is MarketSymbol => isSymbol(text), 'is not a symbol');
const timeframe = z.string().refine((text): text is TimeframeId => isTimeframe(text), 'is not a timeframe');
/** Null: it was not measured. Never NaN, which JSON would turn into null unseen (PROOF P1). */
const measured = z.number().nullable();

const fit = z.object({
  symbol,
  /** Model file; null where the recipe is fitted again in every cycle. */
  file_sha256: sha256.nullable(),
  snapshot_sha256: sha256,
  /** Open time of the first candle and close of the last one it was fitted on. */
  data_from: time,
  data_through: time,
  row_count: z.number().int().nonnegative(),
  /** Mean pinball loss over the last close, on the holdout; the naive recipe's beside it. */
  loss: measured,
  naive_loss: measured,
});

export const modelMetadataSchema = z.object({
  schema_version: z.string().regex(/^1\.\d{1,4}$/),
  model_version: z.string().min(1).max(64),
  timeframe,
  family: z.string().min(1).max(64),
  settings: z.record(z.string(), z.unknown()),
  /** Version of this program. */
  code_version: z.string(),
  /** Where it comes from: a training, the configuration before any training, or the automatic change to naive. */
  origin: z.enum(['training', 'configuration', 'naive']),
  /** Workflow run that made it; null for those of the configuration. */
  run_id: z.string().nullable(),
  trained_at: time,
  /** Champion at the time of training. */
  parent: z.string().nullable(),
  /** One fit a symbol; empty where every cycle fits. */
  fits: z.array(fit),
  /** File of the losses on the holdout; absent where nothing was evaluated. */
  holdout_sha256: sha256.optional(),
  /** Over all symbols of the walk-forward evaluation. */
  metrics: z.object({
    loss: measured,
    champion_loss: measured,
    naive_loss: measured,
    coverage80: measured,
    origins: z.number().int().nonnegative(),
    /** One forecast of every symbol. */
    inference_ms: measured.optional(),
  }),
});

export type ModelMetadata = z.output<typeof modelMetadataSchema>;
