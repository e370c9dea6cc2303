/**
 * The residual bootstrap of fitted optima: losses are moved by what the fit leaves of others, and fitted again. Architectures are
 * moved together, because what a parabola leaves is mostly its own misfit, and bends the curves of all alike; and all budgets of a size
 * are, because their runs share their beginning, and their misfit too.
 */

import type { Rng } from "../data/rng.js";
import { lawLoss, type ScalingLaw } from "./scaling-law.js";
import { byBudget, findOptima, flopsPerToken, type IsoPoint, lawOptima, type Method } from "./scaling-optima.js";
import { fitParabolas, lossAt } from "./scaling-parabola.js";

/** Where a point stands: the same place in the grids of all architectures. */
const placeOf = ({ step, budget }: Pick<IsoPoint, "step" | "budget">) => `${step}, ${budget}`;

/**
 * What the fit leaves of the losses, by place, widened for its free parameters. Of the fit through three sizes nothing is left, so it
 * takes what is left of the parabolas through all; budgets with three sizes tell nothing, either way. Empty where there is no such point.
 * @param law the fit, where that is the method
 */
function noiseOf(points: readonly IsoPoint[], method: Method, law: ScalingLaw | undefined): Map<string, number> {
  if (law) {
    return widened(
      points.map((point) => [placeOf(point), point.loss - lawLoss(law, point.size, point.tokens)]),
      5,
    );
  }
  const groups = byBudget(points).map(([, own]) => own);
  const shared = method === "shared";
  const telling = shared ? groups : groups.filter((own) => new Set(own.map(({ size }) => size)).size > 3);
  const fits = fitParabolas(telling, shared);
  const rest = telling.flatMap((own, i) =>
    own.map((point): [string, number] => [placeOf(point), point.loss - lossAt(fits[i], point.size)]),
  );
  return widened(rest, shared ? 2 * telling.length + 1 : 3 * telling.length);
}

function widened(rest: readonly [place: string, residual: number][], parameters: number): Map<string, number> {
  const free = rest.length - parameters;
  return new Map(free > 0 ? rest.map(([place, value]) => [place, value * Math.sqrt(rest.length / free)]) : []);
}

/**
 * Optimal sizes of resampled losses: in a draw, each step of size is given another one, and the losses of every architecture there are
 * moved by that architecture's own residuals at the other step and the same budget, or at any of its places where it has none at that
 * one. Ratios of sizes from one draw so keep what the architectures' misfits have in common.
 * @param groups points of one architecture each
 * @returns for each group one map (budget to weights) a draw; none where it has no residuals to draw from
 */
export function resample(
  groups: readonly (readonly IsoPoint[])[],
  method: Method,
  draws: number,
  rng: Rng,
): Map<number, number>[][] {
  const laws = groups.map((points) => findOptima(points, method).law);
  const noises = groups.map((points, i) => noiseOf(points, method, laws[i]));
  const steps = [...new Set(groups.flatMap((points) => points.map(({ step }) => step)))];
  const drawn = Array.from(
    { length: draws },
    () => new Map(steps.map((step) => [step, steps[rng.below(steps.length)]])),
  );
  return groups.map((points, i) => {
    const own = [...noises[i].values()];
    if (own.length === 0) return [];
    const law = laws[i];
    // Only the losses move.
    const flops = flopsPerToken(points);
    return drawn.map((sourceOf) => {
      const residual = (point: IsoPoint) =>
        noises[i].get(placeOf({ step: sourceOf.get(point.step)!, budget: point.budget })) ?? own[rng.below(own.length)];
      const moved = points.map((point) => ({ ...point, loss: point.loss + residual(point) }));
      return (law ? lawOptima(moved, law, flops) : findOptima(moved, method)).sizes;
    });
  });
}
