/** Losses of a study's runs, by label and seed, and their paired differences. */

import type { RunRecord } from "../runs/types.js";
import { type Interval, mean, pairedDifference } from "./stats.js";

/** Validation losses in nats a token, by label and then by seed. */
export type Losses = ReadonlyMap<string, ReadonlyMap<number, number>>;

/**
 * Collects losses in the order of the runs.
 * @throws Error when two runs of a label share a seed: then settings are mixed that must be compared apart
 */
export function lossesByLabel(runs: readonly RunRecord[]): Losses {
  const losses = new Map<string, Map<number, number>>();
  for (const { finding, label, spec, result } of runs) {
    const bySeed = losses.get(label) ?? new Map<number, number>();
    losses.set(label, bySeed);
    if (bySeed.has(spec.seed)) {
      throw new Error(`${finding}: two runs of ${label} share seed ${spec.seed}; compare one setting at a time`);
    }
    bySeed.set(spec.seed, result.validation.nllPerToken);
  }
  return losses;
}

/**
 * Mean loss of the labels in `a` less that of the labels in `b`, paired by seed: of each seed one difference, so that the interval
 * is over seeds however many labels there are. Undefined where a label has no runs.
 * @throws Error naming the labels and the seed when one has runs of a seed that another lacks
 */
export function contrast(losses: Losses, a: readonly string[], b: readonly string[]): Interval | undefined {
  if ([...a, ...b].some((label) => !losses.has(label))) return undefined;
  try {
    return pairedDifference(meanBySeed(losses, a), meanBySeed(losses, b));
  } catch (error) {
    throw new Error(`${a.join(", ")} against ${b.join(", ")}: ${(error as Error).message}`);
  }
}

/** The difference to a model that others are compared with; undefined for itself, and where either has no runs. */
export function versus(losses: Losses, label: string, reference: string): Interval | undefined {
  return label === reference ? undefined : contrast(losses, [label], [reference]);
}

function meanBySeed(losses: Losses, labels: readonly string[]): Map<number, number> {
  const all = labels.map((label) => losses.get(label) as ReadonlyMap<number, number>);
  const seeds = [...new Set(all.flatMap((bySeed) => [...bySeed.keys()]))];
  const lossOf = (bySeed: ReadonlyMap<number, number>, seed: number, i: number) => {
    const loss = bySeed.get(seed);
    if (loss === undefined) throw new Error(`seed ${seed} is missing from the runs of ${labels[i]}`);
    return loss;
  };
  return new Map(seeds.map((seed) => [seed, mean(all.map((bySeed, i) => lossOf(bySeed, seed, i)))]));
}
