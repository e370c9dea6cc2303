/** Validation losses by seed, and their paired differences: what every finding compares. */

import type { RunRecord } from "../runs/types.js";
import { type Interval, pairedDifference } from "./stats.js";

/** Validation losses in nats a token, by seed. */
export type Losses = ReadonlyMap<number, number>;

/**
 * The losses of the runs of one model.
 * @throws Error when two of them share a seed: then they are two settings, to be compared one at a time
 */
export function lossesOf(runs: readonly RunRecord[]): Losses {
  const losses = new Map<number, number>();
  for (const { id, finding, label, spec, result } of runs) {
    if (losses.has(spec.seed)) {
      throw new Error(`${finding}: two runs of ${label} share seed ${spec.seed} (one is ${id})`);
    }
    losses.set(spec.seed, result.validation.nllPerToken);
  }
  return losses;
}

/** Losses by the runs' label, in the order in which labels first occur. Throws as `lossesOf` does. */
export function lossesByLabel(runs: readonly RunRecord[]): Map<string, Losses> {
  const labels = [...new Set(runs.map(({ label }) => label))];
  return new Map(labels.map((label) => [label, lossesOf(runs.filter((run) => run.label === label))]));
}

/**
 * Loss of `a` less loss of `b` in nats a token, paired over the seeds that both have, with its 95 % interval. A model that was
 * trained with more seeds than the other is compared by those that pair.
 * @throws Error when they share no seed
 */
export function lossDifference(a: Losses, b: Losses): Interval {
  const common = (losses: Losses, other: Losses) => new Map([...losses].filter(([seed]) => other.has(seed)));
  if (common(a, b).size === 0) {
    throw new Error(`seeds ${[...a.keys()].join(", ")} and ${[...b.keys()].join(", ")} have none in common`);
  }
  return pairedDifference(common(a, b), common(b, a));
}
