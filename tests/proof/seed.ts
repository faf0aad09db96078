/** The moments at which proofs disturb: drawn from a seed that is printed, so that a failure can be had again. */
import { RandomDraws } from '../../src/market/random-draws';

export const PROOF_SEED = process.env.PROOF_SEED ?? '1';

/** Each call is the next draw, even in 0 <= x < 1; every name has its own. */
export function seededDraws(name: string): () => number {
  const draws = new RandomDraws(`${name} ${PROOF_SEED}`);
  let place = 0;
  return () => draws.uniform(place++);
}
