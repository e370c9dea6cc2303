/** How much a seed alone moves a loss, and the effects that decide verdicts in units of it. */

import type { RunRecord } from "../runs/types.js";
import type { Model, Models } from "./block-ratio-models.js";
import { type BySeed, byLabelAndSeed } from "./by-seed.js";
import { type Row, rounded, type Verdict } from "./finding.js";
import { mean, sd } from "./stats.js";

/** With fewer seeds a standard deviation says little of itself: even of five its 95 % interval is 0.6 to 2.9 times it. */
const enoughSeeds = 5;

/** The hybrid that was trained with enough seeds: its noise stands for that of all hybrids. */
const hybrid = "inter 1:5";

const noisy = (models: Models): Model[] => models.ofKind("inter").filter(({ losses }) => losses.size >= enoughSeeds);

/** One row a model with enough seeds, nats a token. */
export const seedRows = (models: Models): Row[] =>
  noisy(models).map(({ name, losses }) => seedRow(name, losses, "nllPerToken"));

/** The standard deviation over seeds of the hybrid that has enough of them, nats a token; undefined where it has not. */
export function hybridNoise(models: Models): number | undefined {
  const known = noisy(models).find(({ name }) => name === hybrid);
  return known && sd([...known.losses.values()]);
}

/** The same of the inter-hybrid 1:5 in a study of it alone, on bytes; empty where it has no runs. */
export function hybridSeedRows(runs: readonly RunRecord[], unit: "nllPerToken" | "nllPerByte"): Row[] {
  const losses = byLabelAndSeed(runs, ({ result }) => result.validation[unit]);
  return [...losses.values()].map((own) => seedRow(hybrid, own, unit));
}

function seedRow(model: string, losses: BySeed, unit: string): Row {
  const own = [...losses.values()];
  return {
    model,
    seeds: own.length,
    [unit]: rounded(mean(own), 4),
    sd: rounded(sd(own), 4),
    lowest: rounded(Math.min(...own), 4),
    highest: rounded(Math.max(...own), 4),
  };
}

/**
 * One row a decided comparison, the smallest first: `noise` is the standard deviation over seeds of the noisier of its two models (at
 * equal FLOPs, of their runs of equal data), `inNoise` how many of them the effect is. `pairedSd`, that of the differences by seed,
 * is what its interval rests on. Empty unless both parents and the hybrid have enough seeds.
 */
export function effectRows(models: Models, verdicts: readonly Verdict[]): Row[] {
  const noises = new Map(noisy(models).map(({ name, losses }) => [name, sd([...losses.values()])]));
  if (!["Transformer", "Mamba", hybrid].every((name) => noises.has(name))) return [];
  const noiseOf = (comparison: string) => {
    const sides = comparison.replace(", equal FLOPs", "").split(" − ");
    return Math.max(...sides.map((name) => noises.get(name) ?? noises.get(hybrid)!));
  };
  const parts = new Map(verdicts.flatMap((verdict) => verdict.parts).map((part) => [part.name, part]));
  return [...parts.values()]
    .filter(({ outcome }) => outcome !== "unresolved")
    .map(({ name, outcome, interval }) => ({ name, outcome, interval, noise: noiseOf(name) }))
    .sort((a, b) => Math.abs(a.interval.mean) / a.noise - Math.abs(b.interval.mean) / b.noise)
    .map(({ name, outcome, interval, noise }) => ({
      comparison: name,
      difference: rounded(interval.mean, 4),
      noise: rounded(noise, 4),
      inNoise: rounded(Math.abs(interval.mean) / noise, 1),
      pairedSd: rounded(interval.sd, 4),
      seeds: interval.n,
      outcome,
    }));
}
