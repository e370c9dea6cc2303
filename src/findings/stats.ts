/** The little statistics that verdicts need: means, Student's t, paired differences with their 95 % interval. */

/** A mean with its 95 % confidence interval, from `n` values. */
export interface Interval {
  mean: number;
  /** Sample standard deviation of the values (n - 1 in the denominator); NaN for one value. */
  sd: number;
  low: number;
  high: number;
  n: number;
}

export type Outcome = "reproduced" | "contradicted" | "unresolved";

/** Throws on an empty list. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error("the mean of no values is not defined");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation, n - 1 in the denominator; NaN for a single value. */
export function sd(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** The mean of the values with its 95 % t interval. A single value has an infinite one. */
export function interval95(values: readonly number[]): Interval {
  return around(mean(values), sd(values), values.length, 1);
}

/**
 * The interval as it must be for `comparisons` such intervals to hold together with 95 % (Bonferroni). Bounds from resampling, which
 * have no standard deviation, come out as NaN.
 */
export function widened({ mean, sd, n }: Interval, comparisons: number): Interval {
  return around(mean, sd, n, comparisons);
}

function around(mean: number, sd: number, n: number, comparisons: number): Interval {
  const half = n < 2 ? Number.POSITIVE_INFINITY : (studentQuantile(1 - 0.025 / comparisons, n - 1) * sd) / Math.sqrt(n);
  return { mean, sd, low: mean - half, high: mean + half, n };
}

/**
 * The seeds that all sides have, in the order of the first: a run that diverged leaves its model one short of the others, and a
 * store that lacks any other run is refused before anything is compared.
 * Throws when sides differ and share fewer than two, for what one seed tells is no comparison of those models.
 */
export function commonSeeds(...sides: readonly ReadonlyMap<number, unknown>[]): number[] {
  const common = [...sides[0].keys()].filter((seed) => sides.every((side) => side.has(seed)));
  if (common.length < 2 && sides.some(({ size }) => size > common.length)) {
    const listed = new Set(sides.map((side) => [...side.keys()].join(", ")));
    throw new Error(`of seeds ${[...listed].join(" and ")} fewer than two pair`);
  }
  return common;
}

/** a - b by the seeds that both have. Throws as `commonSeeds` does. */
export function differencesOf(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Map<number, number> {
  return new Map(commonSeeds(a, b).map((seed) => [seed, (a.get(seed) as number) - (b.get(seed) as number)]));
}

/**
 * The mean of a - b over the seeds that both have (the same seed is the same data order), with its 95 % t interval.
 * Pairing removes the noise that both share. Throws as `commonSeeds` does.
 */
export function pairedDifference(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Interval {
  return interval95([...differencesOf(a, b).values()]);
}

/** Whether an interval supports "the difference is below zero": it excludes zero on that side, on the other, or neither. */
export function belowZero({ low, high }: Interval): Outcome {
  if (high < 0) return "reproduced";
  return low > 0 ? "contradicted" : "unresolved";
}

/**
 * Whether an interval supports "worse by no more than `margin`" (a difference of losses, so larger is worse): it lies
 * below the margin, above it, or neither. Being better than the other counts as no worse.
 */
export function withinMargin({ low, high }: Interval, margin: number): Outcome {
  if (high < margin) return "reproduced";
  return low > margin ? "contradicted" : "unresolved";
}

/**
 * The outcome of a claim that needs all its parts: reproduced when every part is, contradicted when any part is.
 * Needing all parts keeps the 5 % error of "reproduced" without a correction for their number; "contradicted" has no
 * such protection, so the parts are always printed with it, and `restsOn` (claims.ts) says which would stay.
 */
export function allOf(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("contradicted")) return "contradicted";
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === "reproduced") ? "reproduced" : "unresolved";
}

/** Lanczos' approximation (g = 7, 9 terms) of the logarithm of the gamma function, for x > 0; about 15 digits. */
function logGamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const t = x + 6.5;
  const series = terms.slice(1).reduce((sum, term, i) => sum + term / (x + i), terms[0]);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}

/** The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, evaluated after Lentz). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast for x below the mean; above it the symmetric function does.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / Math.max(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let step = 1;
    for (const term of [even, odd]) {
      d = 1 / (1 + term * d || tiny);
      c = 1 + term / c || tiny;
      step = c * d;
      fraction *= step;
    }
    if (Math.abs(step - 1) < 1e-15) break;
  }
  return (front * fraction) / a;
}

/** P(T <= t) for Student's t with `df` degrees of freedom. */
export function studentCdf(t: number, df: number): number {
  const tail = incompleteBeta(df / (df + t * t), df / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** The t with P(T <= t) = p, for 0 < p < 1, by bisection to the last digit. Throws outside that range. */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new Error(`a quantile needs a probability between 0 and 1, got ${p}`);
  if (!(df > 0)) throw new Error(`Student's t needs a positive number of degrees of freedom, got ${df}`);
  if (p < 0.5) return -studentQuantile(1 - p, df);
  let low = 0;
  let high = 1;
  while (studentCdf(high, df) < p) high *= 2;
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return high;
}
