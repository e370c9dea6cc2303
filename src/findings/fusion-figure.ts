import type { ByLabel } from "./by-seed.js";
import { type Effect, type EffectGroup, effectsFigure, type Measured } from "./effects-figure.js";
import type { PaperTables } from "./finding.js";
import { type FusionAxis, fusionAxes, pairsOf, paperEffect } from "./fusion-axes.js";
import { contrast } from "./losses.js";
import type { PaperSize } from "./paper-names.js";
import { mean } from "./stats.js";
import { architectureStyle } from "./theme.js";

const headings: Readonly<Record<FusionAxis["column"], string>> = {
  norm: "Norm of each branch",
  scalar: "Learned scale of each branch",
  fusion: "Fusion",
  value: "Value",
  out: "Output projection",
};

/** The effect of each axis, averaged over the pairs of designs that differ in it alone. */
export function fusionFigure(losses: ByLabel, paper: PaperTables, document: Document): SVGSVGElement | HTMLElement {
  const labels = [...losses.keys()];
  const effectOf = (axis: FusionAxis): Effect[] => {
    const pairs = pairsOf(axis, labels);
    const ours = contrast(
      losses,
      pairs.map(({ a }) => a.label),
      pairs.map(({ b }) => b.label),
    );
    if (pairs.length === 0 || !ours) return [];
    const several = (singles: number[]) => (singles.length > 1 ? { singles } : {});
    const theirs = (size: PaperSize): Measured => {
      const singles = pairs.map((pair) => paperEffect(paper, size, pair));
      return { value: mean(singles), ...several(singles) };
    };
    const singles = pairs.map(({ a, b }) => contrast(losses, [a.label], [b.label])?.mean ?? Number.NaN);
    const own = { value: ours.mean, low: ours.low, high: ours.high, ...several(singles) };
    const name = `${axis.name} (${pairs.length})`;
    return [{ name, ours: own, paper: { "1B": theirs("1B"), "350M": theirs("350M") } }];
  };
  const style = architectureStyle("intra");
  const groups = Object.entries(headings).map(([column, heading]): EffectGroup => {
    const effects = fusionAxes.filter((axis) => axis.column === column).flatMap(effectOf);
    return { heading, style, effects };
  });
  return effectsFigure(
    groups.filter(({ effects }) => effects.length > 0),
    {
      title: "What each choice does to the loss, all else equal",
      caption:
        "All-hybrid models of equal weights; each effect is the mean over pairs of designs that differ in one axis alone (their number in brackets; small ticks are the pairs). Ours: 95 % interval over seeds. Paper: Tables 18 (1B) and 19 (350M), one run a design.",
      xLabel: "difference of the loss (nats a token); left of zero the first choice is better",
      document,
    },
  );
}
