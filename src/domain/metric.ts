/**
 * A number that could not be computed is said so, never written as NaN: JSON turns that into null, and `null < 0.5` is
 * true (PROOF P1).
 */
export type Metric =
  | { readonly status: 'available'; readonly value: number }
  | { readonly status: 'unavailable'; readonly reason: string };

/** The number as a metric; whatever is no finite number is unavailable for `reason`. */
export function metric(value: unknown, reason: string): Metric {
  return isFiniteNumber(value) ? { status: 'available', value } : { status: 'unavailable', reason };
}

export function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** The value, or null where documents write an unavailable number so. */
export function metricValue(of: Metric): number | null {
  return of.status === 'available' ? of.value : null;
}

/** Reads a metric that has travelled as JSON. Anything that is not an available finite number is unavailable. */
export function readMetric(json: unknown): Metric {
  if (typeof json !== 'object' || json === null) return { status: 'unavailable', reason: 'not a metric' };
  const { status, value, reason } = json as { status?: unknown; value?: unknown; reason?: unknown };
  if (status === 'available') return metric(value, 'not a finite number');
  return { status: 'unavailable', reason: typeof reason === 'string' ? reason : 'not a metric' };
}

/**
 * True when the challenger's loss is lower than the champion's by at least `margin` (a share, e.g. 0.01). Total over
 * anything JSON can hold: a missing, null, textual, negative or non-finite number on any side is never better (I32).
 */
export function isLowerLoss(challenger: unknown, champion: unknown, margin: unknown): boolean {
  if (!isFiniteNumber(challenger) || !isFiniteNumber(champion) || !isFiniteNumber(margin)) return false;
  if (challenger < 0 || champion <= 0 || margin < 0) return false;
  return challenger < champion && challenger <= champion * (1 - margin);
}
