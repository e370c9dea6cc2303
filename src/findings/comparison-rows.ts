/** The table of every comparison that a finding's verdicts rest on. */

import { type Row, rounded, type Verdict } from "./finding.js";
import { pooledParts } from "./pooled.js";

/**
 * One row a comparison, with its own interval and with that of the spread of all alike.
 * @param groupOf as in `pooledParts`
 */
export function comparisonRows(verdicts: readonly Verdict[], groupOf: (name: string) => unknown): Row[] {
  return pooledParts(verdicts, groupOf).map(({ name, outcome, interval, pooled }) => ({
    comparison: name,
    difference: rounded(interval.mean, 4),
    low: rounded(interval.low, 4),
    high: rounded(interval.high, 4),
    seeds: interval.n,
    outcome,
    pooledLow: rounded(pooled.low, 4),
    pooledHigh: rounded(pooled.high, 4),
  }));
}
