/** The table of every comparison that a finding's verdicts rest on. */

import { type Row, rounded, type Verdict } from "./finding.js";
import { pooledParts } from "./pooled.js";
import { belowZero } from "./stats.js";

/**
 * One row a comparison, with its own interval and with that of the spread of all alike (empty for those that have no group).
 * @param groupOf as in `pooledParts`
 */
export function comparisonRows(verdicts: readonly Verdict[], groupOf: (name: string) => string | undefined): Row[] {
  return pooledParts(verdicts, groupOf).map(({ name, outcome, interval, pooled, judge = belowZero }) => ({
    comparison: name,
    difference: rounded(interval.mean, 4),
    low: rounded(interval.low, 4),
    high: rounded(interval.high, 4),
    seeds: interval.n,
    outcome,
    pooledLow: pooled ? rounded(pooled.low, 4) : null,
    pooledHigh: pooled ? rounded(pooled.high, 4) : null,
    pooledOutcome: pooled ? judge(pooled) : null,
  }));
}

/**
 * "Of 26 comparisons 1 is decided. With the pooled spread these would be as well: …; and these no longer: ….": what the check of
 * `comparisonRows` would change.
 */
export function pooledInWords(rows: readonly Row[]): string {
  const decided = rows.filter(({ outcome }) => outcome !== "unresolved");
  const sides: Record<string, string> = { reproduced: "the paper's side", contradicted: "the other side" };
  const added = rows
    .filter(({ outcome }) => outcome === "unresolved")
    .flatMap(({ comparison, pooledOutcome }) => {
      const side = sides[String(pooledOutcome)];
      return side === undefined ? [] : [`${comparison} (${side})`];
    });
  const lost = decided.filter(({ pooledOutcome }) => pooledOutcome === "unresolved");
  const are = `${decided.length} ${decided.length === 1 ? "is" : "are"} decided`;
  const lists = [
    ...(added.length > 0 ? [`these would be as well: ${added.join(", ")}`] : []),
    ...(lost.length > 0 ? [`these no longer: ${lost.map(({ comparison }) => comparison).join(", ")}`] : []),
  ];
  return `Of ${rows.length} comparisons ${are}. With the pooled spread ${lists.length > 0 ? lists.join("; and ") : "they would be the same"}.`;
}
