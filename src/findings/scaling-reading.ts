/** What a reading of the losses gives: optimal sizes, tokens a weight, exponents, and where hybrids lie between their parents. */

import { Rng } from "../data/rng.js";
import { type FourArchitecture, fourArchitectures } from "./models.js";
import { resample } from "./scaling-bootstrap.js";
import { budgetsOf, findOptima, flopsPerToken, type Reading } from "./scaling-optima.js";
import { exponent } from "./scaling-parabola.js";
import type { Interval } from "./stats.js";

/** An estimate with its 95 % percentile interval; NaN bounds where there is none. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

interface FittedOptimum {
  model: FourArchitecture;
  budget: number;
  /** How many sizes were trained. */
  tried: number;
  /** Weights. */
  size: Estimate;
  tokensPerWeight: Estimate;
  /** Within the sizes tried; otherwise the optimum is extrapolated. */
  bracketed: boolean;
}

export const hybrids = ["inter", "intra"] as const;
export const parents = ["transformer", "mamba"] as const;

/** Ratio of two optimal sizes: the mean of ln(model / other) over the budgets. */
export interface SizeRatio {
  model: FourArchitecture;
  other: FourArchitecture;
  /** `n` counts the budgets. */
  interval: Interval;
}

export interface FittedReading {
  reading: Reading;
  optima: FittedOptimum[];
  /** b of N ~ C^b. */
  exponents: { model: FourArchitecture; estimate: Estimate }[];
  /** Budgets at which all four optima lie within the sizes tried; the ratios are means over these. */
  compared: number[];
  ratios: SizeRatio[];
}

/** Enough for fifty draws beyond either end of an interval, which so moves by a few hundredths of its width with the generator. */
const resamples = 2000;
/** Where more than this share of the resampled losses has no optimum, there is no interval. */
const lostAtMost = 0.025;

/** Fits every architecture of a reading. Deterministic: the bootstrap's generator is seeded by the reading's name. */
export function fitReading(reading: Reading): FittedReading {
  const present = fourArchitectures.filter((key) => reading.points.some(({ model }) => model === key));
  const groups = present.map((model) => reading.points.filter((point) => point.model === model));
  const draws = resample(groups, reading.method, resamples, new Rng(0, `scaling/${reading.name}`));
  const fits = present.map((model, i) => ({
    model,
    points: groups[i],
    found: findOptima(groups[i], reading.method),
    draws: draws[i],
    flops: flopsPerToken(groups[i]),
  }));
  const optima = fits.flatMap(({ model, points, found, draws, flops }) =>
    [...found.sizes].map(([budget, size]): FittedOptimum => {
      const drawn = draws.map((sizes) => sizes.get(budget)!);
      const perWeight = (weights: number) => budget / flops(weights) / weights;
      return {
        model,
        budget,
        tried: new Set(points.filter((point) => point.budget === budget).map((point) => point.size)).size,
        size: estimate(size, drawn),
        tokensPerWeight: estimate(perWeight(size), drawn.map(perWeight)),
        bracketed: found.bracketed.has(budget),
      };
    }),
  );
  const compared = budgetsOf(reading.points).filter((budget) =>
    fourArchitectures.every((key) => optima.some((one) => one.model === key && one.budget === budget && one.bracketed)),
  );
  const exponents = fits.map(({ model, found, draws }) => {
    const inside = (sizes: ReadonlyMap<number, number>) =>
      exponent([...sizes].filter(([budget]) => found.bracketed.has(budget)));
    return { model, estimate: estimate(inside(found.sizes), draws.map(inside)) };
  });
  const ratio = (model: FourArchitecture, other: FourArchitecture): SizeRatio => {
    const [a, b] = [model, other].map((key) => fits.find((fit) => fit.model === key)!);
    const mean = (over: ReadonlyMap<number, number>, under: ReadonlyMap<number, number>) =>
      compared.reduce((sum, budget) => sum + Math.log(over.get(budget)! / under.get(budget)!), 0) / compared.length;
    const { value, low, high } = estimate(
      mean(a.found.sizes, b.found.sizes),
      a.draws.slice(0, b.draws.length).map((sizes, i) => mean(sizes, b.draws[i])),
    );
    return { model, other, interval: { mean: value, sd: Number.NaN, low, high, n: compared.length } };
  };
  const ratios =
    compared.length === 0
      ? []
      : [...hybrids.flatMap((hybrid) => parents.map((parent) => ratio(hybrid, parent))), ratio("mamba", "transformer")];
  return { reading, optima, exponents, compared, ratios };
}

function estimate(value: number, draws: readonly number[]): Estimate {
  const usable = draws.filter(Number.isFinite).sort((a, b) => a - b);
  if (draws.length === 0 || usable.length < (1 - lostAtMost) * draws.length)
    return { value, low: Number.NaN, high: Number.NaN };
  const at = (share: number) =>
    usable[Math.min(usable.length - 1, Math.max(0, Math.round(share * (usable.length - 1))))];
  return { value, low: at(0.025), high: at(0.975) };
}
