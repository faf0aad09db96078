/** Every model family there is. */
import { PipelineError } from '../domain/errors';
import { drift } from './drift';
import { ets } from './ets';
import type { ModelFamily } from './model';
import { naive, naiveConformal } from './naive';
import { prophet } from './prophet';
import { rangeVolatility } from './range-volatility';
import { seasonalNaive } from './seasonal-naive';
import { theta } from './theta';
import { trendVolatility } from './trend-volatility';

/** The family all others are measured against. */
export const YARDSTICK_FAMILY = naiveConformal.name;

const FAMILIES: readonly ModelFamily[] = [
  rangeVolatility,
  trendVolatility,
  naive,
  naiveConformal,
  drift,
  seasonalNaive,
  theta,
  ets,
  prophet,
];
export const FAMILY_NAMES: readonly string[] = FAMILIES.map((family) => family.name);

/** @throws PipelineError `invalid_input` naming the families there are. */
export function familyNamed(name: string): ModelFamily {
  const family = FAMILIES.find((one) => one.name === name);
  if (family !== undefined) return family;
  throw new PipelineError('invalid_input', `"${name}" is not a model family: use one of ${FAMILY_NAMES.join(', ')}`);
}
