/** What would change a verdict: how many seeds an open comparison needs at the spread that was seen. */

import type { Part } from "./claims.js";
import { type Interval, studentQuantile } from "./stats.js";

/** More seeds than anyone will train for one comparison. */
const many = 100;

/**
 * The number of seeds with which a 95 % interval of this mean and standard deviation would end at `bound` (0, or a margin):
 * a plan, not a test, for both will move with more seeds. Infinite for one seed, or beyond a hundred.
 */
export function seedsToSettle({ mean, sd }: Interval, bound = 0): number {
  for (let n = 2; n <= many; n++) {
    if ((studentQuantile(0.975, n - 1) * sd) / Math.sqrt(n) < Math.abs(mean - bound)) return n;
  }
  return Number.POSITIVE_INFINITY;
}

/** A sentence for the comparisons that are open; `undefined` when none is. */
export function seedsInWords(parts: readonly Part[], bound = 0): string | undefined {
  const open = parts.filter(({ outcome }) => outcome === "unresolved");
  if (open.length === 0) return undefined;
  if (open.some(({ interval }) => interval.n < 2)) return "More seeds: one gives no interval.";
  const told = open.map(({ name, interval }) => {
    const seeds = seedsToSettle(interval, bound);
    return `${name} ${Number.isFinite(seeds) ? `about ${seeds}` : `more than ${many}`}`;
  });
  return `More seeds: at the spread seen, the open comparisons would need ${told.join(", ")}.`;
}
