import * as Plot from "@observablehq/plot";
import { type Budget, cacheBytes, flopsPerToken, type Model, type Models } from "./block-ratio-models.js";
import { type PaperModel, paperCurve, paperFlopsPerToken, paperGap, paperModel } from "./block-ratio-paper.js";
import { type Architecture, architectureStyle, ink, plotDefaults, stackedFigure, surface } from "./theme.js";

interface Point {
  architecture: Architecture;
  label: string;
  /** In units of the panel's axis: relative to a parent's. */
  cost: number;
  value: number;
  low: number;
  high: number;
}

interface Axis {
  label: string;
  type: "sqrt" | "log";
  domain: [number, number];
  ticks: number[];
  tickFormat: (cost: number) => string;
  /** Intra-hybrids whose label stands on the left below, or on the right; the others' on the right below. */
  left: readonly string[];
  right: readonly string[];
}

/** Most models cost little more than Mamba: on these scales they stand apart. */
const axes: Readonly<Record<"flops" | "cache", Axis>> = {
  flops: {
    label: "training FLOPs a token beyond Mamba's, % (square-root scale)",
    type: "sqrt",
    domain: [-0.8, 25],
    ticks: [0, 1, 2, 5, 10, 15, 20],
    tickFormat: String,
    left: ["1:1"],
    right: [],
  },
  cache: {
    label: "decoding cache at 8K tokens, % of the Transformer's (logarithmic scale)",
    type: "log",
    domain: [1.1, 110],
    ticks: [2, 5, 10, 20, 50, 100],
    tickFormat: String,
    left: ["1:12", "1:1", "1:0"],
    right: ["1:5", "1:3"],
  },
};

/** What a model costs, ours or the paper's, and on which axis; the losses are those of the budget. */
interface Side {
  budget: Budget;
  axis: Axis;
  ours: (model: Model) => number;
  theirs: (model: PaperModel) => number;
}

/**
 * Quality against cost: the loss less Mamba's against training FLOPs a token, and against the decoding cache at 8K, each
 * relative to a parent, so that ours (filled) and the paper's 1B models (open, a curve a kind) share an axis. The stepped line is
 * the Pareto front of ours: no model that costs less has a lower loss. Below, where Mamba was trained so too, the same at the
 * Transformer's training FLOPs, where the cache is what is left of the costs.
 *
 * @returns `undefined` where a parent or every hybrid is missing
 */
export function blockRatioPareto(
  models: Models,
  paper: readonly PaperModel[],
  document: Document,
): HTMLElement | undefined {
  const [transformer, mamba] = [models.find("Transformer"), models.find("Mamba")];
  if (!transformer || !mamba || comparedAt(models, "data").length < 3) return undefined;
  const [paperTransformer, paperMamba] = ["Transformer", "Mamba"].map((name) => paperModel(paper, "1B", name));
  const beyond = (a: number, b: number) => 100 * (a / b - 1);
  const cache: Omit<Side, "budget"> = {
    axis: axes.cache,
    ours: (model) => (100 * cacheBytes(model)) / cacheBytes(transformer),
    theirs: (model) => (100 * model.cacheMib) / paperTransformer.cacheMib,
  };
  const flops: Omit<Side, "budget"> = {
    axis: axes.flops,
    ours: (model) => beyond(flopsPerToken(model), flopsPerToken(mamba)),
    theirs: (model) => beyond(paperFlopsPerToken(model), paperFlopsPerToken(paperMamba)),
  };
  const sides: Side[] = [
    { ...flops, budget: "data" },
    { ...cache, budget: "data" },
    ...(models.find("Mamba", "FLOPs") ? [{ ...cache, budget: "FLOPs" } as const] : []),
  ];
  const title = "Quality against cost";
  const caption =
    "Filled: ours, means over seeds with 95 % intervals, paired by seed; FLOPs at the training length. Stepped line: the Pareto front of our means. Open: the paper's 1B models (Table 9), one run each, from Mamba along the curve 1:12, 1:5, 1:3, 1:1 and 1:0; FLOPs at 8K by the formulas.";
  return stackedFigure(
    document,
    { title, caption },
    sides.map((side) => panelOf(models, paper, side, document)),
  );
}

const comparedAt = (models: Models, budget: Budget) => [
  ...new Set([...models.ofKind("inter", budget), ...models.ofKind("intra", budget)]),
];

function panelOf(models: Models, paper: readonly PaperModel[], { budget, axis, ...cost }: Side, document: Document) {
  const ours = comparedAt(models, budget).map((model): Point => {
    const { name, architecture } = model;
    const { mean: value, low, high } = models.difference(name, "Mamba", budget)!;
    return { architecture, label: labelOf(name), cost: cost.ours(model), value, low, high };
  });
  const theirs = (["inter", "intra"] as const).map((kind) =>
    paperCurve(paper, "1B", kind, budget).map((model): Point => {
      const value = paperGap(paper, "1B", [model.name, "Mamba"], budget);
      const architecture = model.name.split(" ")[0].toLowerCase() as Architecture;
      return { architecture, label: labelOf(model.name), cost: cost.theirs(model), value, low: value, high: value };
    }),
  );
  return panel(ours, theirs, axis, budget, document);
}

/** "1:5" of "intra 1:5"; the parents' whole names. */
const labelOf = (name: string) => name.split(" ").at(-1)!;

/** The points that none beats in both respects, by growing cost. */
export function paretoFront<T extends { cost: number; value: number }>(points: readonly T[]): T[] {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || a.value - b.value);
  return sorted.filter(({ value }, index) => sorted.slice(0, index).every((cheaper) => cheaper.value > value));
}

function panel(
  ours: readonly Point[],
  theirs: readonly Point[][],
  { left, right, ...axis }: Axis,
  budget: Budget,
  document: Document,
) {
  const intervals = ours.filter(({ low, high }) => Number.isFinite(low) && high > low);
  const keys = { x: "cost", y: "value" } as const;
  const style = ({ architecture }: Point) => architectureStyle(architecture);
  const text = (point: Point, words: string, where: object) =>
    Plot.text([point], {
      ...keys,
      text: () => words,
      fill: style(point).colour,
      stroke: surface,
      strokeWidth: 3,
      ...where,
    });
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 362,
    marginLeft: 60,
    marginRight: 72,
    marginTop: 32,
    marginBottom: 56,
    x: { ...axis, labelAnchor: "center", labelArrow: "none", labelOffset: 36, grid: true },
    y: { label: `↑ equal ${budget}: loss − loss of Mamba (nats a token)`, labelArrow: "none", grid: true, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: ink, strokeOpacity: 0.5 }),
      ...theirs.flatMap((curve) => [
        Plot.line(curve, { ...keys, stroke: style(curve[1]).colour, strokeWidth: 1, strokeDasharray: "3,3" }),
        Plot.dot(curve, {
          ...keys,
          r: 3.5,
          symbol: (point: Point) => style(point).symbol,
          fill: surface,
          stroke: (point: Point) => style(point).colour,
        }),
        text(curve.at(-1)!, `paper, ${curve[1].architecture}`, { dx: 9, textAnchor: "start" }),
      ]),
      Plot.line(paretoFront(ours), { ...keys, curve: "step-after", stroke: ink, strokeOpacity: 0.8 }),
      Plot.ruleX(intervals, {
        x: "cost",
        y1: "low",
        y2: "high",
        stroke: (point: Point) => style(point).colour,
        strokeWidth: 1.5,
        strokeOpacity: 0.5,
      }),
      Plot.dot(ours, {
        ...keys,
        r: 5,
        symbol: (point: Point) => style(point).symbol,
        fill: (point: Point) => style(point).colour,
        stroke: surface,
      }),
      ...ours.map((point) => text(point, point.label, placeOf(point, left, right))),
    ],
  });
}

/** Labels stand clear of one another: inter-hybrids' above their interval, intra-hybrids' to a side below, the parents' beside. */
function placeOf({ architecture, label, high, value }: Point, left: readonly string[], right: readonly string[]) {
  if (architecture === "transformer") return { y: value, dx: -10, textAnchor: "end" as const };
  if (architecture !== "intra") {
    const above = { y: Math.max(value, Number.isFinite(high) ? high : value), dy: -12 };
    // Ending at the point, it keeps off the interval of the intra-hybrid of the ratio, which costs a little more.
    return architecture === "inter" ? { ...above, dx: 3, textAnchor: "end" as const } : above;
  }
  if (left.includes(label)) return { y: value, dx: -6, dy: 11, textAnchor: "end" as const };
  return { y: value, dx: 8, dy: right.includes(label) ? 4 : 11, textAnchor: "start" as const };
}
