/** A page that the store refuses is halved until the row it refuses stands alone (P14): the others are stored. */
import { PipelineError } from '../../domain/errors';

export interface SetAside<T> {
  readonly written: readonly T[];
  readonly refused: readonly { readonly row: T; readonly reason: string }[];
  /** `store_refused`, when too many were: of what is neither written nor refused then, some may be stored all the same (P14). */
  readonly givenUp: PipelineError | null;
}

/** When more rows than this are refused, the fault is not the rows'. */
const MOST_REFUSED = 10;

/**
 * Sends `rows` and, when they are refused, finds the rows that are to blame: ceil(log2(n)) + 3 requests for one of them.
 * When more than ten are, it is given up.
 * @param send stores all it is given, or throws `store_refused`; sending a row twice must change nothing.
 * @throws PipelineError whatever else `send` throws.
 */
export async function writeSettingAside<T>(
  rows: readonly T[],
  send: (rows: readonly T[]) => Promise<void>,
): Promise<SetAside<T>> {
  const written: T[] = [];
  const refused: { row: T; reason: string }[] = [];
  const refusalOf = async (part: readonly T[]): Promise<PipelineError | null> => {
    try {
      await send(part);
      written.push(...part);
      return null;
    } catch (error) {
      if (error instanceof PipelineError && error.code === 'store_refused') return error;
      throw error;
    }
  };
  for (let pending = rows; pending.length > 0;) {
    let refusal = await refusalOf(pending);
    if (refusal === null) break;
    if (refused.length === MOST_REFUSED) return { written, refused, givenUp: refusal };
    let suspects = pending;
    const rest: T[][] = [];
    let alone = suspects.length === 1;
    while (suspects.length > 1) {
      const half = Math.ceil(suspects.length / 2);
      const [left, right] = [suspects.slice(0, half), suspects.slice(half)];
      const again = await refusalOf(left);
      if (again === null) suspects = right;
      else {
        refusal = again;
        suspects = left;
        rest.unshift(right);
      }
      alone = again !== null;
    }
    // What is left because its neighbours were taken has not been refused by itself yet.
    const own = alone ? refusal : await refusalOf(suspects);
    const [row] = suspects;
    if (own !== null && row !== undefined) refused.push({ row, reason: own.message });
    pending = rest.flat();
  }
  return { written, refused, givenUp: null };
}
