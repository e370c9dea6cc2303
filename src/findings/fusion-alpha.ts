/** The learned α of each hybrid layer (Appendix Q, Figure 8): Mamba-2's share in α · Mamba-2 + (1 − α) · attention. */

import type { RunRecord } from "../runs/types.js";
import { curvesFigure } from "./curves-figure.js";
import { type Row, rounded, type StudyRuns } from "./finding.js";
import { type Interval, interval95, mean } from "./stats.js";
import { architectureStyle } from "./theme.js";

/** Without the runs of fusion-alpha where they did not look at their α, as those of smoke scale do not. */
export function withAlphas(runs: StudyRuns): StudyRuns {
  return new Map(
    [...runs].filter(([study, own]) => study !== "fusion-alpha" || own.every(({ result }) => result.alphas)),
  );
}

/** α by layer, from 0 as in the paper's figure, of each run: its means over held-out passages, tokens and heads. */
function alphasBySeed(runs: readonly RunRecord[]): Map<number, number[]> {
  return new Map(
    runs.map(({ id, spec, result }) => {
      if (!result.alphas) throw new Error(`fusion-alpha: run ${id} has no α; its spec must ask for tasks`);
      return [spec.seed, [...result.alphas].sort((a, b) => a.layer - b.layer).map(({ alpha }) => alpha)];
    }),
  );
}

/** A number made of the α of a run, over seeds. */
export function alphaInterval(runs: readonly RunRecord[], of: (alphas: readonly number[]) => number): Interval {
  return interval95([...alphasBySeed(runs).values()].map(of));
}

/** One row a layer: mean α over seeds with the half-width of its 95 % interval. */
export function alphaRows(runs: readonly RunRecord[]): Row[] {
  return layerIntervals(runs).map(({ mean, high, n }, layer) => ({
    layer,
    seeds: n,
    alpha: rounded(mean, 4),
    alphaHalf: rounded(high - mean, 4),
    attention: rounded(1 - mean, 4),
  }));
}

/** "all 13 layers", "9 of 13 layers": where the mean α over seeds gives Mamba-2 more weight than attention. */
export function mambaLeads(runs: readonly RunRecord[]): string {
  const layers = layerIntervals(runs);
  const leading = layers.filter(({ mean }) => mean > 0.5).length;
  return `${leading === layers.length ? "all" : `${leading} of`} ${layers.length} layers`;
}

function layerIntervals(runs: readonly RunRecord[]): Interval[] {
  const [first = []] = alphasBySeed(runs).values();
  return first.map((_, layer) => alphaInterval(runs, (alphas) => alphas[layer]));
}

/** Mean α of the layers in the first, the second and the last third of the stack, by the layers' centres. */
export function thirds(alphas: readonly number[]): Record<"early" | "middle" | "late", number> {
  const part = (from: number, to: number) =>
    mean(alphas.filter((_, i) => (i + 0.5) / alphas.length >= from && (i + 0.5) / alphas.length < to));
  return { early: part(0, 1 / 3), middle: part(1 / 3, 2 / 3), late: part(2 / 3, 1) };
}

/** α against the layer. The paper draws its values without printing them: they cannot be shown beside. */
export function fusionAlphaFigure(runs: readonly RunRecord[], document: Document): SVGSVGElement | HTMLElement {
  const points = layerIntervals(runs).map(({ mean, low, high }, x) => ({ x, value: mean, low, high }));
  return curvesFigure([{ series: "ours", style: architectureStyle("intra"), points }], {
    title: "Mamba-2 or attention? The learned α of each layer",
    caption:
      "α weighs Mamba-2, 1 − α attention; above one half Mamba-2 has more weight. Mean over held-out passages, tokens and heads; mean over seeds with its 95 % interval. The paper (Appendix Q, 350M, 12 layers) prints no values: it finds Mamba-2 dominant in early layers, above all the first, and more weight on attention in layers 6 and 7.",
    x: {
      domain: [-0.4, points.length + 0.2],
      ticks: points.map(({ x }) => x),
      tickFormat: String,
      label: "layer (from 0, as in the paper's Figure 8)",
    },
    y: { label: "↑ α: Mamba-2's share", zero: 0.5 },
    named: "last",
    document,
  });
}
