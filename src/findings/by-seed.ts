/** A number of each run, by label and seed, and the differences between labels that pairing by seed allows. */

import type { RunRecord } from "../runs/types.js";
import { differencesOf, type Interval, interval95 } from "./stats.js";

/** A number by seed. */
export type BySeed = ReadonlyMap<number, number>;
/** The same by the runs' label, in the order of the runs. */
export type ByLabel = ReadonlyMap<string, BySeed>;

/** @throws Error when two runs of a label share a seed, for they are two settings, not one */
export function byLabelAndSeed(runs: readonly RunRecord[], value: (run: RunRecord) => number): ByLabel {
  const labels = new Map<string, Map<number, number>>();
  for (const run of runs) {
    const own = labels.get(run.label) ?? new Map<number, number>();
    if (own.has(run.spec.seed)) {
      throw new Error(
        `${run.finding}: two runs of ${run.label} share seed ${run.spec.seed}; compare one setting at a time`,
      );
    }
    labels.set(run.label, own.set(run.spec.seed, value(run)));
  }
  return labels;
}

/** The values of one label. @throws Error when it has no runs */
export function valuesOf(values: ByLabel, label: string): BySeed {
  const own = values.get(label);
  if (!own) throw new Error(`there are no runs of ${label}; there are some of ${[...values.keys()].join(", ")}`);
  return own;
}

/** `a` less `b`, by the seeds that both have. @throws Error when one has no runs, or as `commonSeeds` does */
export function differencesBySeed(values: ByLabel, a: string, b: string): BySeed {
  const [left, right] = [valuesOf(values, a), valuesOf(values, b)];
  try {
    return differencesOf(left, right);
  } catch (error) {
    throw new Error(`${a} against ${b}: ${(error as Error).message}`);
  }
}

/** `a` less `b`, the mean over seeds with its 95 % interval. @throws Error as `differencesBySeed` does */
export function differenceOf(values: ByLabel, a: string, b: string): Interval {
  return interval95([...differencesBySeed(values, a, b).values()]);
}
