import * as Plot from "@observablehq/plot";
import type { RatioDifference } from "./block-ratio-losses.js";
import type { PaperBlockRatio } from "./block-ratio-paper.js";
import { type ArchitectureStyle, architectureStyle, ink, plotDefaults, surface } from "./theme.js";

const plotHeight = 340;

interface Point {
  series: string;
  ratio: string;
  share: number;
  value: number;
}

/**
 * Loss against the share of attention layers, as the difference to the Transformer of the same series: ours with 95 %
 * intervals, the paper's two sizes beside it. The share is drawn on a square-root scale, or four of the six ratios would
 * stand on top of each other.
 */
export function blockRatioFigure(
  ours: readonly RatioDifference[],
  paper: readonly PaperBlockRatio[],
  document: Document,
): SVGSVGElement | HTMLElement {
  const style = architectureStyle("inter");
  const points: Point[] = ours.map(({ ratio, share, interval }) => ({
    series: "ours",
    ratio,
    share,
    value: interval.mean,
  }));
  const known = ours.filter(({ interval, ratio }) => ratio !== "1:0" && Number.isFinite(interval.low));
  const curves = paperCurves(paper);
  return Plot.plot({
    ...plotDefaults,
    document,
    height: plotHeight + 80,
    marginLeft: 60,
    marginRight: 24,
    marginTop: 36,
    marginBottom: 44,
    title: "Validation loss against the share of attention layers",
    caption:
      "Difference to the Transformer (1:0) of the same size; lower is better. Ours: mean over seeds with its 95 % interval, paired by seed. Paper: Table 16, one run each.",
    x: {
      type: "sqrt",
      domain: [0, 1],
      label: "attention : Mamba layers",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: points.map(({ share }) => share),
      tickFormat: (share: number) => points.find((point) => point.share === share)?.ratio ?? "",
    },
    y: { label: "↑ loss − loss of the Transformer (nats a token)", labelArrow: "none", grid: true, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: ink, strokeOpacity: 0.5 }),
      Plot.lineY(curves, {
        x: "share",
        y: "value",
        z: "series",
        stroke: ink,
        strokeOpacity: 0.55,
        strokeDasharray: "3,3",
      }),
      Plot.dot(curves, { x: "share", y: "value", r: 3, fill: surface, stroke: ink, strokeOpacity: 0.7 }),
      Plot.lineY(points, { x: "share", y: "value", stroke: style.colour, strokeWidth: 2 }),
      Plot.ruleX(known, {
        x: "share",
        y1: (d: RatioDifference) => d.interval.low,
        y2: (d: RatioDifference) => d.interval.high,
        stroke: ({ ratio }: RatioDifference) => styleOf(ratio).colour,
        strokeWidth: 2,
        strokeOpacity: 0.6,
      }),
      Plot.dot(points, {
        x: "share",
        y: "value",
        r: 5,
        symbol: ({ ratio }: Point) => styleOf(ratio).symbol,
        fill: ({ ratio }: Point) => styleOf(ratio).colour,
        stroke: surface,
      }),
      ...names(points, curves).map(({ point, ...place }) =>
        Plot.text([point], {
          ...place,
          x: "share",
          y: "value",
          text: "series",
          fill: point.series === "ours" ? style.colour : ink,
          stroke: surface,
          strokeWidth: 4,
        }),
      ),
    ],
  }) as SVGSVGElement | HTMLElement;
}

function paperCurves(paper: readonly PaperBlockRatio[]): Point[] {
  return paper
    .map(({ size, ratio, attention, mamba, nll }) => {
      const transformer = paper.find((row) => row.size === size && row.ratio === "1:0");
      const share = attention / (attention + mamba);
      return { series: `paper ${size}`, ratio, share, value: nll - (transformer?.nll ?? Number.NaN) };
    })
    .sort((a, b) => a.share - b.share);
}

/**
 * Each curve is named once, at its 1:1 point: the paper's two above and below, where no other curve runs; ours beside it,
 * clear of its interval.
 */
function names(points: readonly Point[], curves: readonly Point[]) {
  const even = (list: readonly Point[]) =>
    list.filter(({ ratio }) => ratio === "1:1").sort((a, b) => b.value - a.value);
  return [
    ...even(curves).map((point, index) => ({ point, dy: index === 0 ? -15 : 15, textAnchor: "middle" as const })),
    ...even(points).map((point) => ({ point, dx: 10, textAnchor: "start" as const })),
  ];
}

/** Hybrids and both parents keep the colours and symbols that they have in every figure. */
function styleOf(ratio: string): ArchitectureStyle {
  return architectureStyle(ratio === "1:0" ? "transformer" : ratio === "0:1" ? "mamba" : "inter");
}
