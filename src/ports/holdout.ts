/** Losses of recipes on the holdout of a training, one observation an origin, pooled over the symbols. */
import { z } from 'zod';

export const holdoutSchema = z.object({
  schema_version: z.string().regex(/^1\.\d{1,4}$/),
  recipes: z.array(
    z.object({
      /** Version of the recipe. */
      version: z.string(),
      inference_ms: z.number(),
      /** Hash of the forecasts that the means are over; not in files of 1.0. */
      targets: z.string().optional(),
      coverage80: z.number(),
      origins: z.array(
        z.object({
          origin: z.number().int(),
          loss: z.number(),
          error: z.number(),
          naive_loss: z.number(),
        }),
      ),
      symbols: z.array(z.object({ symbol: z.string(), loss: z.number(), naive_loss: z.number() })),
    }),
  ),
});

export type Holdout = z.output<typeof holdoutSchema>;
export type RecipeHoldout = Holdout['recipes'][number];
