/** The families that forecast where nothing else was decided; docs/forecasts.md holds the evidence. */
import type { TimeframeId } from '../domain/types';
import type { FamilyName } from './family-names';

const GENERAL: FamilyName = 'range-volatility';
const BY_TIMEFRAME: Readonly<Record<string, FamilyName>> = { '1h': 'trend-volatility' };

export function defaultChampion(timeframe: TimeframeId): FamilyName {
  return BY_TIMEFRAME[timeframe] ?? GENERAL;
}

/** As the CHAMPION setting would write it. */
export const DEFAULT_CHAMPIONS = [
  GENERAL,
  ...Object.entries(BY_TIMEFRAME).map(([timeframe, family]) => `${timeframe}=${family}`),
].join(',');
