/** Validation losses by seed, and their paired differences, of single models and of groups: what findings compare. */

import type { RunRecord } from "../runs/types.js";
import { type ByLabel, type BySeed, byLabelAndSeed, valuesOf } from "./by-seed.js";
import { commonSeeds, type Interval, mean, pairedDifference } from "./stats.js";

const nllPerToken = ({ result }: RunRecord) => result.validation.nllPerToken;

/** In nats a token, by label and seed. Throws when two runs of a label share a seed. */
export const lossesByLabel = (runs: readonly RunRecord[]): ByLabel => byLabelAndSeed(runs, nllPerToken);

/** Of the runs of one model, in nats a token. Throws when two of them share a seed, for they are two settings. */
export function lossesOf(runs: readonly RunRecord[]): BySeed {
  const model = runs.map((run) => ({ ...run, label: runs[0].label }));
  return lossesByLabel(model).get(model[0]?.label) ?? new Map();
}

/**
 * Mean loss of the labels in `a` less that of the labels in `b`, paired by seed: of each seed one difference, so that the interval
 * is over seeds however many labels there are. A seed that one of the labels lacks is left out of all. Undefined where a label has
 * no runs, or no label is given.
 * @throws Error naming the labels, as `commonSeeds` does
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
  return new Map(commonSeeds(...all).map((seed) => [seed, mean(all.map((own) => own.get(seed) as number))]));
}
