import * as Plot from "@observablehq/plot";
import { expensiveShare, type Kind, type Model, type Models } from "./block-ratio-models.js";
import { type PaperModel, paperCurve } from "./block-ratio-paper.js";
import type { BlockRatio } from "./block-ratio-studies.js";
import { paperSizes } from "./paper-names.js";
import { type Architecture, architectureStyle, ink, plotDefaults, stackedFigure, surface } from "./theme.js";

interface Point {
  architecture: Architecture;
  ratio: BlockRatio;
  share: number;
  value: number;
  low: number;
  high: number;
}

const kinds = ["inter", "intra"] as const satisfies readonly Kind[];
const margins = { marginLeft: 60, marginRight: 118, marginTop: 32 };
/** Pixels by which the two kinds step aside, or their intervals at one ratio would lie on each other. */
const aside: Readonly<Record<Kind, number>> = { inter: -6, intra: 6 };

/**
 * Loss against the share of layers with attention, as the difference to Mamba: ours with 95 % intervals above, the paper's two
 * sizes below. Mamba is the reference because its loss depends least on the seed; differences to the Transformer would all
 * carry the Transformer's scatter. The share is on a square-root scale, or four of the six ratios would stand on one another.
 *
 * @returns `undefined` where Mamba or every hybrid is missing
 */
export function blockRatioFigure(
  models: Models,
  paper: readonly PaperModel[],
  document: Document,
): HTMLElement | undefined {
  const curves = kinds.flatMap((kind) => {
    const points = models.ofKind(kind).flatMap((model) => pointOf(models, model) ?? []);
    return points.some(({ architecture }) => architecture === kind) ? [{ kind, points: points.reverse() }] : [];
  });
  if (!curves.some(({ points }) => points.some(({ architecture }) => architecture === "mamba"))) return undefined;
  const title = "Validation loss against the share of layers with attention";
  const caption =
    "Inter-hybrids have attention layers, intra-hybrids layers with attention beside Mamba-2. Ours: means over seeds with 95 % intervals, paired by seed. Paper: Tables 9 and 10, one run each. The vertical scales differ.";
  return stackedFigure(document, { title, caption }, [ours(curves, document), theirs(paper, document)]);
}

function pointOf(models: Models, model: Model): Point | undefined {
  const interval = models.difference(model.name, "Mamba");
  if (!interval) return undefined;
  const { mean: value, low, high } = interval;
  return { architecture: model.architecture, ratio: model.ratio, share: expensiveShare(model), value, low, high };
}

function ours(curves: readonly { kind: Kind; points: readonly Point[] }[], document: Document) {
  const own = curves.map(({ kind, points }) => ({
    kind,
    line: points,
    // The parents belong to both curves and are drawn once, on their own place.
    hybrids: points.filter(({ architecture }) => architecture === kind),
  }));
  const parents = curves[0].points.filter(({ architecture }) => architecture !== curves[0].kind);
  return Plot.plot({
    ...plotDefaults,
    ...margins,
    document,
    height: 320,
    marginBottom: 40,
    x: axis(curves.find(({ kind }) => kind === "inter")?.points ?? curves[0].points),
    y: { label: "↑ ours: loss − loss of Mamba (nats a token)", labelArrow: "none", grid: true, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: ink, strokeOpacity: 0.5 }),
      ...own.flatMap(({ kind, line, hybrids }) => [
        Plot.lineY(line, { x: "share", y: "value", stroke: colour(kind), strokeWidth: 2, dx: aside[kind] }),
        ...dots(hybrids, aside[kind]),
        ...names([line.at(-1)!], kind === "intra" ? "Intra-hybrids" : "Transformer", {
          dx: 10 + Math.max(0, aside[kind]),
          // Clear of the intra-hybrid's interval beside it.
          dy: kind === "intra" ? 0 : -14,
        }),
      ]),
      ...dots(parents, 0),
      ...names(
        parents.filter(({ architecture }) => architecture === "mamba"),
        "Mamba",
        { dx: 9, dy: -14 },
      ),
      ...names(
        own.flatMap(({ kind, line }) => (kind === "inter" ? line.filter(({ ratio }) => ratio === "1:1") : [])),
        "Inter-hybrids",
        { dx: 0, dy: 38 },
      ),
    ],
  });
}

/** Points with their intervals, where there is one. */
function dots(points: readonly Point[], dx: number) {
  return [
    Plot.ruleX(
      points.filter(({ low, high }) => Number.isFinite(low) && high > low),
      {
        x: "share",
        y1: "low",
        y2: "high",
        stroke: ({ architecture }: Point) => colour(architecture),
        strokeWidth: 2,
        strokeOpacity: 0.6,
        dx,
      },
    ),
    Plot.dot(points, {
      x: "share",
      y: "value",
      r: 5,
      symbol: ({ architecture }: Point) => architectureStyle(architecture).symbol,
      fill: ({ architecture }: Point) => colour(architecture),
      stroke: surface,
      dx,
    }),
  ];
}

function theirs(paper: readonly PaperModel[], document: Document) {
  const curves = paperSizes.flatMap((size) =>
    kinds.map((kind) => {
      const rows = paperCurve(paper, size, kind);
      const [mamba] = rows;
      const points = rows.map(({ ratio, expensive, mamba: others, nll, name }): Point => {
        const architecture = name === "Mamba" ? "mamba" : name === "Transformer" ? "transformer" : kind;
        const value = nll - mamba.nll;
        return { architecture, ratio, share: expensive / (expensive + others), value, low: value, high: value };
      });
      return { kind, size, points };
    }),
  );
  const of1B = curves.find(({ kind, size }) => kind === "inter" && size === "1B")!.points;
  return Plot.plot({
    ...plotDefaults,
    ...margins,
    document,
    height: 270,
    marginBottom: 44,
    x: { ...axis(of1B), label: "layers with attention : Mamba-2 layers" },
    y: { label: "↑ the paper: loss − loss of its Mamba (nats a token)", labelArrow: "none", grid: true, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: ink, strokeOpacity: 0.5 }),
      ...curves.flatMap(({ kind, size, points }) => [
        Plot.lineY(points, {
          x: "share",
          y: "value",
          stroke: colour(kind),
          strokeWidth: 1.5,
          ...(size === "350M" && { strokeDasharray: "4,3" }),
        }),
        Plot.dot(points, {
          x: "share",
          y: "value",
          r: 4,
          symbol: ({ architecture }: Point) => architectureStyle(architecture).symbol,
          fill: surface,
          stroke: ({ architecture }: Point) => colour(architecture),
          strokeWidth: 1.5,
        }),
        ...names([points.at(-1)!], `${kind === "inter" ? "Transformer" : "Intra-hybrids"}, ${size}`),
      ]),
    ],
  });
}

function axis(points: readonly Point[]) {
  return {
    type: "sqrt" as const,
    domain: [0, 1],
    label: null,
    labelAnchor: "center" as const,
    labelArrow: "none" as const,
    ticks: points.map(({ share }) => share),
    tickFormat: (share: number) => points.find((point) => point.share === share)?.ratio ?? "",
  };
}

/** Text beside points, in their colour; right of them unless it is moved. */
function names(points: readonly Point[], text: string, { dx = 10, dy = 0 } = {}) {
  return points.map((point) =>
    Plot.text([point], {
      x: "share",
      y: "value",
      text: () => text,
      textAnchor: "start",
      dx,
      dy,
      fill: colour(point.architecture),
      stroke: surface,
      strokeWidth: 4,
    }),
  );
}

function colour(architecture: Architecture): string {
  return architectureStyle(architecture).colour;
}
