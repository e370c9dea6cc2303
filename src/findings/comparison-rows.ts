/** The table of every comparison that a finding's verdicts rest on. */

import { type Row, rounded, type Verdict } from "./finding.js";
import { pooledParts } from "./pooled.js";

/**
 * One row a comparison, with its own interval and with that of the spread of all alike (empty for those that have no group).
 * @param groupOf as in `pooledParts`
 */
export function comparisonRows(verdicts: readonly Verdict[], groupOf: (name: string) => string | undefined): Row[] {
  return pooledParts(verdicts, groupOf).map(({ name, outcome, interval, pooled }) => ({
    comparison: name,
    difference: rounded(interval.mean, 4),
    low: rounded(interval.low, 4),
    high: rounded(interval.high, 4),
    seeds: interval.n,
    outcome,
    pooledLow: pooled ? rounded(pooled.low, 4) : null,
    pooledHigh: pooled ? rounded(pooled.high, 4) : null,
  }));
}

/**
 * "Of 26 comparisons 1 is decided. With the pooled spread these would be as well: …; and these no longer: ….": what the check of
 * `comparisonRows` would change.
 */
export function pooledInWords(rows: readonly Row[]): string {
  const side = (low: Row[string], high: Row[string]) =>
    low === null || high === null ? undefined : Number(high) < 0 ? "the paper's" : Number(low) > 0 ? "the other" : "";
  const decided = rows.filter(({ outcome }) => outcome !== "unresolved");
  const added = rows.flatMap(({ comparison, outcome, pooledLow, pooledHigh }) => {
    const pooled = side(pooledLow, pooledHigh);
    return outcome === "unresolved" && pooled ? [`${comparison} (${pooled} side)`] : [];
  });
  const lost = decided.filter(({ pooledLow, pooledHigh }) => side(pooledLow, pooledHigh) === "");
  const are = `${decided.length} ${decided.length === 1 ? "is" : "are"} decided`;
  const lists = [
    ...(added.length > 0 ? [`these would be as well: ${added.join(", ")}`] : []),
    ...(lost.length > 0 ? [`these no longer: ${lost.map(({ comparison }) => comparison).join(", ")}`] : []),
  ];
  return `Of ${rows.length} comparisons ${are}. With the pooled spread ${lists.length > 0 ? lists.join("; and ") : "they would be the same"}.`;
}
