import * as Plot from "@observablehq/plot";
import { apart, linear } from "./labels.js";
import { type ArchitectureStyle, ink, plotDefaults, surface } from "./theme.js";

/** Values over one quantity, each with its 95 % interval where there is one. */
interface Curve {
  /** Written beside the curve's `named` end. */
  series: string;
  /** Ours are drawn in their architecture's colour; the paper's thin and dashed. */
  style?: ArchitectureStyle;
  points: readonly { x: number; value: number; low?: number; high?: number }[];
}

interface CurvesOptions {
  title: string;
  caption: string;
  x: { domain: [number, number]; ticks: readonly number[]; tickFormat: (x: number) => string; label: string };
  y: { label: string /** Where a line is drawn across. */; zero: number };
  /** The end at which curves are named; leave room for the names in the domain of x. */
  named: "first" | "last";
  document: Document;
}

const height = 420;
/** Pixels between the names of neighbouring curves. */
const between = 15;

/** Our curve and the paper's over the same quantity, each named at one end, its names spread where they would overlap. */
export function curvesFigure(
  curves: readonly Curve[],
  { title, caption, x, y, named, document }: CurvesOptions,
): SVGSVGElement | HTMLElement {
  const values = curves.flatMap(({ points }) => points.flatMap((p) => [p.value, p.low ?? p.value, p.high ?? p.value]));
  const finite = [...values.filter(Number.isFinite), y.zero];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const margin = 0.06 * (high - low || 1);
  const domain: [number, number] = [low - margin, high + margin];
  const names = apart(
    curves.flatMap(({ series, style, points }) => {
      const end = named === "first" ? points[0] : points[points.length - 1];
      return end ? [{ series, style, x: end.x, value: end.value }] : [];
    }),
    domain,
    between / (height - 130),
    linear,
  );
  return Plot.plot({
    ...plotDefaults,
    document,
    height,
    marginLeft: 60,
    marginRight: 24,
    marginTop: 36,
    marginBottom: 44,
    title,
    caption,
    x: { ...x, ticks: [...x.ticks], labelAnchor: "center", labelArrow: "none" },
    y: { domain, label: y.label, labelArrow: "none", grid: true },
    marks: [
      Plot.ruleY([y.zero], { stroke: ink, strokeOpacity: 0.5 }),
      // Ours on top.
      ...[...curves].sort((a, b) => Number(Boolean(a.style)) - Number(Boolean(b.style))).flatMap(marksOf),
      ...names.map((name) =>
        Plot.text([name], {
          x: "x",
          y: "shown",
          text: "series",
          fill: name.style?.colour ?? ink,
          stroke: surface,
          strokeWidth: 4,
          textAnchor: named === "first" ? "end" : "start",
          dx: named === "first" ? -10 : 10,
        }),
      ),
    ],
  });
}

function marksOf({ points, style }: Curve): Plot.Markish[] {
  if (!style) {
    return [
      Plot.lineY(points, { x: "x", y: "value", stroke: ink, strokeOpacity: 0.55, strokeDasharray: "3,3" }),
      Plot.dot(points, { x: "x", y: "value", r: 3, fill: surface, stroke: ink, strokeOpacity: 0.7 }),
    ];
  }
  const known = points.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
  return [
    Plot.lineY(points, { x: "x", y: "value", stroke: style.colour, strokeWidth: 2 }),
    Plot.ruleX(known, { x: "x", y1: "low", y2: "high", stroke: style.colour, strokeWidth: 2, strokeOpacity: 0.6 }),
    Plot.dot(points, { x: "x", y: "value", r: 5, symbol: style.symbol as "star", fill: style.colour, stroke: surface }),
  ];
}
