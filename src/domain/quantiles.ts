/** Quantile levels of every forecast, in this order everywhere (FORECASTS, protocol). */
export const QUANTILE_LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975] as const;

/** The prices of one step at {@link QUANTILE_LEVELS}, ascending. */
export type QuantileRow = readonly [number, number, number, number, number, number, number];
/** One row a step, step 1 first. */
export type QuantileForecast = readonly QuantileRow[];
