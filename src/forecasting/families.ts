/** Every model family there is. */
import { FAMILY_NAMES, isFamilyName } from '../config/family-names';
import type { FamilyName } from '../config/family-names';
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

const FAMILIES: Readonly<Record<FamilyName, ModelFamily>> = {
  'range-volatility': rangeVolatility,
  'trend-volatility': trendVolatility,
  naive,
  'naive-conformal': naiveConformal,
  drift,
  'seasonal-naive': seasonalNaive,
  theta,
  ets,
  prophet,
};

/** @throws PipelineError `invalid_input` naming the families there are. */
export function familyNamed(name: string): ModelFamily {
  if (isFamilyName(name)) return FAMILIES[name];
  throw new PipelineError('invalid_input', `"${name}" is not a model family: use one of ${FAMILY_NAMES.join(', ')}`);
}
