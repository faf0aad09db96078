import type { z } from 'zod';

/** One configuration variable. */
export interface Variable {
  /** What its text must be and what it becomes. */
  readonly schema: z.ZodType<unknown, string>;
  /** The default as it would be written, or null when there is none; `defaultMeaning` then says what happens. */
  readonly default: string | null;
  readonly defaultMeaning?: string;
  readonly unit: string;
  readonly meaning: string;
  /** Never shown, in no message and no listing. */
  readonly secret?: boolean;
}
