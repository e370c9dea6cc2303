/** Losses of a study's runs by label and seed, and their paired differences, of single models and of groups. */

import type { RunRecord } from "../runs/types.js";
import { type ByLabel, type BySeed, byLabelAndSeed, valuesOf } from "./by-seed.js";
import { type Interval, mean, pairedDifference } from "./stats.js";

/** Validation losses in nats a token, by label and seed. Throws when two runs of a label share a seed. */
export const lossesByLabel = (runs: readonly RunRecord[]): ByLabel =>
  byLabelAndSeed(runs, ({ result }) => result.validation.nllPerToken);

/**
 * Mean loss of the labels in `a` less that of the labels in `b`, paired by seed: of each seed one difference, so that the interval
 * is over seeds however many labels there are. Undefined where a label has no runs, or no label is given.
 * @throws Error naming the labels and the seed when one has runs of a seed that another lacks
 */
export function contrast(losses: ByLabel, a: readonly string[], b: readonly string[]): Interval | undefined {
  if (a.length === 0 || b.length === 0 || [...a, ...b].some((label) => !losses.has(label))) return undefined;
  try {
    return pairedDifference(meanBySeed(losses, a), meanBySeed(losses, b));
  } catch (error) {
    throw new Error(`${a.join(", ")} against ${b.join(", ")}: ${(error as Error).message}`);
  }
}

/** The difference to a model that others are compared with; undefined for itself, and where either has no runs. */
export function versus(losses: ByLabel, label: string, reference: string): Interval | undefined {
  return label === reference ? undefined : contrast(losses, [label], [reference]);
}

function meanBySeed(losses: ByLabel, labels: readonly string[]): BySeed {
  const all = labels.map((label) => valuesOf(losses, label));
  const seeds = [...new Set(all.flatMap((bySeed) => [...bySeed.keys()]))];
  const lossOf = (bySeed: BySeed, seed: number, i: number) => {
    const loss = bySeed.get(seed);
    if (loss === undefined) throw new Error(`seed ${seed} is missing from the runs of ${labels[i]}`);
    return loss;
  };
  return new Map(seeds.map((seed) => [seed, mean(all.map((bySeed, i) => lossOf(bySeed, seed, i)))]));
}
