/** How much a seed alone moves a loss, and the effects that decide verdicts in units of it. */

import type { Model, Models } from "./block-ratio-models.js";
import type { BySeed } from "./by-seed.js";
import { type Row, rounded, type Verdict } from "./finding.js";
import { seedColumns } from "./result-columns.js";
import { sd } from "./stats.js";

/** With fewer seeds a standard deviation says little of itself: even of five its 95 % interval is 0.6 to 2.9 times it. */
const enoughSeeds = 5;

/** The hybrid that was trained with enough seeds: its noise stands for that of all hybrids. */
const hybrid = "inter 1:5";

const noisy = (models: Models): Model[] => models.ofKind("inter").filter(({ losses }) => losses.size >= enoughSeeds);

/** One row a model with enough seeds, nats a token. */
export const seedRows = (models: Models): Row[] =>
  noisy(models).map(({ name, losses }) => seedRow(name, losses, "nllPerToken"));

/** The same of the inter-hybrid 1:5 on bytes, by the losses a byte of its seeds. */
export const hybridSeedRows = (losses: BySeed): Row[] =>
  losses.size >= enoughSeeds ? [seedRow(hybrid, losses, "nllPerByte")] : [];

/**
 * The standard deviation over seeds, nats a token, of the noisier of two models; undefined where one of them has not enough seeds.
 * For hybrids that of the inter-hybrid 1:5 stands in.
 */
export function noiseOf(models: Models, names: readonly string[]): number | undefined {
  const noises = new Map(noisy(models).map(({ name, losses }) => [name, scatter(losses)]));
  const own = names.map((name) => noises.get(name) ?? (/^(inter|intra) /.test(name) ? noises.get(hybrid) : undefined));
  return own.every((noise) => noise !== undefined) ? Math.max(...own) : undefined;
}

/** @returns NaN for fewer than two seeds */
export const scatter = (losses: BySeed): number => sd([...losses.values()]);

/** A difference in units of a noise; null where that is not known. */
export const inNoise = (difference: number, noise: number | undefined): number | null =>
  noise === undefined ? null : rounded(Math.abs(difference) / noise, 1);

function seedRow(model: string, losses: BySeed, unit: Parameters<typeof seedColumns>[0]): Row {
  const own = [...losses.values()];
  return {
    model,
    ...seedColumns(unit, own),
    lowest: rounded(Math.min(...own), 4),
    highest: rounded(Math.max(...own), 4),
  };
}

/** The two models of a comparison. */
const sidesOf = (comparison: string): string[] => comparison.replace(", equal FLOPs", "").split(" − ");

/**
 * One row a decided comparison, the smallest first: `noise` is the standard deviation over seeds of the noisier of its two models (at
 * equal FLOPs, of their runs of equal data), `inNoise` how many of them the effect is. `pairedSd`, that of the differences by seed,
 * is what its interval rests on. Empty unless both parents and the hybrid have enough seeds.
 */
export function effectRows(models: Models, verdicts: readonly Verdict[]): Row[] {
  if (noiseOf(models, ["Transformer", "Mamba", hybrid]) === undefined) return [];
  const parts = new Map(verdicts.flatMap((verdict) => verdict.parts).map((part) => [part.name, part]));
  return [...parts.values()]
    .filter(({ outcome }) => outcome !== "unresolved")
    .map(({ name, outcome, interval }) => ({ name, outcome, interval, noise: noiseOf(models, sidesOf(name))! }))
    .sort((a, b) => Math.abs(a.interval.mean) / a.noise - Math.abs(b.interval.mean) / b.noise)
    .map(({ name, outcome, interval, noise }) => ({
      comparison: name,
      difference: rounded(interval.mean, 4),
      noise: rounded(noise, 4),
      inNoise: inNoise(interval.mean, noise),
      pairedSd: rounded(interval.sd, 4),
      seeds: interval.n,
      outcome,
    }));
}
