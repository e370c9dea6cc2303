/** A check on intervals from few seeds: three values can agree by chance, and their t interval is then far too narrow. */

import type { Verdict } from "./finding.js";
import { type Interval, studentQuantile } from "./stats.js";

/**
 * The same means with intervals from the spread of all of them together (root mean square of the standard deviations, degrees
 * of freedom added up). It supposes that the differences scatter alike, so give it comparisons of one kind; verdicts rest
 * on each comparison's own interval. Intervals of one seed stay as they are.
 */
export function pooledIntervals(intervals: readonly Interval[]): Interval[] {
  const several = intervals.filter(({ n }) => n > 1);
  const freedom = several.reduce((sum, { n }) => sum + n - 1, 0);
  const sd = Math.sqrt(several.reduce((sum, own) => sum + (own.n - 1) * own.sd ** 2, 0) / freedom);
  return intervals.map((own) => {
    if (own.n < 2) return own;
    const half = (studentQuantile(0.975, freedom) * sd) / Math.sqrt(own.n);
    return { ...own, sd, low: own.mean - half, high: own.mean + half };
  });
}

/**
 * The comparisons of verdicts, each once, with the interval of the spread of their group.
 * @param groupOf comparisons that scatter alike have the same, by their name; undefined for those that share too much to be pooled
 */
export function pooledParts(
  verdicts: readonly Pick<Verdict, "parts">[],
  groupOf: (name: string) => string | undefined,
): (Verdict["parts"][number] & { pooled: Interval | undefined })[] {
  const parts = [...new Map(verdicts.flatMap((verdict) => verdict.parts).map((part) => [part.name, part])).values()];
  return parts.map((part) => {
    if (groupOf(part.name) === undefined) return { ...part, pooled: undefined };
    const group = parts.filter(({ name }) => groupOf(name) === groupOf(part.name));
    return { ...part, pooled: pooledIntervals(group.map(({ interval }) => interval))[group.indexOf(part)] };
  });
}
