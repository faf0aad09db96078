/** The names a recipe or CHAMPION can give a model family; src/forecasting/families.ts has a family for each. */
export const FAMILY_NAMES = [
  'range-volatility',
  'trend-volatility',
  'naive',
  'naive-conformal',
  'drift',
  'seasonal-naive',
  'theta',
  'ets',
  'prophet',
] as const;
export type FamilyName = (typeof FAMILY_NAMES)[number];

export function isFamilyName(text: string): text is FamilyName {
  return FAMILY_NAMES.some((name) => name === text);
}
