/** Student's t distribution: what a mean of few observations is judged by. */

/**
 * P(T > t) with `degrees` of freedom, accurate to about 1e-12.
 * @throws RangeError unless the degrees of freedom are positive and t is a number.
 */
export function studentTail(t: number, degrees: number): number {
  if (!(degrees > 0) || Number.isNaN(t)) throw new RangeError(`no t distribution of ${t} with ${degrees} degrees`);
  const both = regularisedBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
  return t >= 0 ? both / 2 : 1 - both / 2;
}

/** I_x(a, b), by the continued fraction of the incomplete beta function (Lentz's method). */
function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on one side of the mean only; the other side is its mirror.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

const TINY = 1e-300;
const TERMS = 1_000;

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** Lanczos (g = 7, nine terms), for positive arguments. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

function logGamma(z: number): number {
  if (z < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * z)) - logGamma(1 - z);
  const x = z - 1;
  const base = x + 7.5;
  let sum: number = LANCZOS[0];
  for (const [k, term] of LANCZOS.entries()) if (k > 0) sum += term / (x + k);
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(base) - base + Math.log(sum);
}
