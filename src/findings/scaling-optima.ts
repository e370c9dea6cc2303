/** Compute-optimal sizes of an architecture at each budget, by one way of fitting. */

import type { FourArchitecture } from "./models.js";
import { fitLaw, type LawPoint, lawOptimum, type ScalingLaw } from "./scaling-law.js";
import { aroundBest, fitParabolas, isBracketed, optimalSize } from "./scaling-parabola.js";

/** A trained model: its architecture, size, tokens, loss, and the training FLOPs that it was meant to cost. */
export interface IsoPoint extends LawPoint {
  model: FourArchitecture;
  budget: number;
  /** The step of size (and the seed) by name, the same for all architectures: "d64, seed 0", "350M". */
  step: string;
}

/**
 * all: a parabola through all sizes of a budget. three: through the three around the best. shared: all sizes, one curvature for
 * all budgets of an architecture. law: L = E + A / N^α + B / D^β through all points of an architecture.
 */
export type Method = "all" | "three" | "shared" | "law";

/** A reasonable way to read a set of losses. */
export interface Reading {
  name: string;
  /** What is done and why, in a sentence. */
  about: string;
  method: Method;
  points: readonly IsoPoint[];
}

/** Optimal sizes (weights) by budget; NaN where the fit has none. `bracketed` names the budgets where it is within the sizes tried. */
interface Optima {
  sizes: Map<number, number>;
  bracketed: ReadonlySet<number>;
  law?: ScalingLaw;
}

export const budgetsOf = (points: readonly IsoPoint[]) =>
  [...new Set(points.map(({ budget }) => budget))].sort((a, b) => a - b);

/** The points of one architecture, by budget; budgets with fewer than three sizes cannot be fitted and are left out. */
export function byBudget(points: readonly IsoPoint[]): [budget: number, points: IsoPoint[]][] {
  return budgetsOf(points)
    .map((budget): [number, IsoPoint[]] => [budget, points.filter((point) => point.budget === budget)])
    .filter(([, own]) => new Set(own.map(({ size }) => size)).size >= 3);
}

/** @param points of one architecture */
export function findOptima(points: readonly IsoPoint[], method: Method): Optima {
  if (method === "law") return lawOptima(points);
  const groups = byBudget(points).map(
    ([budget, own]) => [budget, method === "three" ? aroundBest(own, 3) : own] as const,
  );
  const fits = fitParabolas(
    groups.map(([, own]) => own),
    method === "shared",
  );
  return {
    sizes: new Map(groups.map(([budget], i) => [budget, optimalSize(fits[i])])),
    bracketed: new Set(groups.filter(([, own], i) => isBracketed(fits[i], own)).map(([budget]) => budget)),
  };
}

/**
 * The minima of the law at each budget.
 * @param points of one architecture
 * @param near as in `fitLaw`
 */
export function lawOptima(points: readonly IsoPoint[], near?: ScalingLaw, flops = flopsPerToken(points)): Optima {
  const law = fitLaw(points, near);
  const sizes = points.map(({ size }) => size);
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  const optimum = (budget: number) => lawOptimum(law, (size) => budget / flops(size), [smallest / 10, largest * 10]);
  const found = new Map(budgetsOf(points).map((budget) => [budget, optimum(budget)]));
  const inside = [...found].filter(([, size]) => size >= smallest && size <= largest).map(([budget]) => budget);
  return { sizes: found, bracketed: new Set(inside), law };
}

/** Training FLOPs a token for any size of an architecture: between its sizes, and beyond them, straight lines in logarithms. */
export function flopsPerToken(points: readonly IsoPoint[]): (size: number) => number {
  const known = [...new Set(points.map(({ size }) => size))]
    .sort((a, b) => a - b)
    .map((size) => {
      const own = points.filter((point) => point.size === size);
      const mean = own.reduce((sum, { budget, tokens }) => sum + Math.log(budget / tokens), 0) / own.length;
      return [Math.log(size), mean] as const;
    });
  return (size) => {
    const x = Math.log(size);
    const above = known.findIndex(([at]) => at >= x);
    const i = Math.min(Math.max(above === -1 ? known.length - 1 : above, 1), known.length - 1);
    const [[x0, y0], [x1, y1]] = [known[i - 1], known[i]];
    return Math.exp(y0 + ((x - x0) / (x1 - x0)) * (y1 - y0));
  };
}
