import * as Plot from "@observablehq/plot";
import type { FittedReading } from "./scaling-reading.js";
import { ratioOf } from "./scaling-verdicts.js";
import { architectureColor, architectureStyle, architectureSymbol, ink, plotDefaults, surface } from "./theme.js";

const shown = [
  { key: "transformer", dy: -10 },
  { key: "inter", dy: 0 },
  { key: "intra", dy: 10 },
] as const;
const widest: [number, number] = [0.4, 2.2];

/**
 * Optimal sizes against Mamba's under every reading, geometric means over the budgets, with 95 % intervals: the claim holds where
 * both hybrids lie between the Transformer's mark and the line of Mamba.
 */
export function betweenFigure(
  fits: readonly FittedReading[],
  words: { title: string; caption: string },
  document: Document,
): SVGSVGElement | HTMLElement {
  const rows = fits.filter(({ ratios }) => ratios.length > 0);
  const styles = shown.map(({ key }) => key);
  const marks = shown.flatMap(({ key, dy }) => {
    const points = rows.map(({ reading, ratios }) => {
      // What is stored for the Transformer is Mamba's ratio to it.
      const swapped = key === "transformer";
      const { mean, low, high } = ratioOf(ratios, swapped ? "mamba" : key, swapped ? "transformer" : "mamba").interval;
      const [from, to] = swapped ? [-high, -low] : [low, high];
      const clamp = (log: number) => Math.min(widest[1], Math.max(widest[0], Math.exp(log)));
      const model = architectureStyle(key).label;
      return {
        reading: reading.name,
        model,
        ratio: Math.exp(swapped ? -mean : mean),
        low: clamp(from),
        high: clamp(to),
      };
    });
    const known = points.filter(({ low }) => Number.isFinite(low));
    return [
      Plot.ruleY(known, {
        y: "reading",
        x1: "low",
        x2: "high",
        dy,
        stroke: "model",
        strokeWidth: 2,
        strokeOpacity: 0.7,
      }),
      Plot.dot(points, { y: "reading", x: "ratio", dy, fill: "model", symbol: "model", r: 5, stroke: surface }),
    ];
  });
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 90 + 46 * rows.length,
    marginLeft: 116,
    marginRight: 20,
    marginTop: 24,
    marginBottom: 42,
    title: words.title,
    caption: words.caption,
    x: {
      type: "log",
      domain: widest,
      ticks: [0.5, 0.7, 1, 1.4, 2],
      tickFormat: String,
      grid: true,
      label: "compute-optimal size, as a multiple of Mamba's →",
    },
    y: { type: "band", domain: rows.map(({ reading }) => reading.name), label: null, padding: 0.2 },
    color: architectureColor(styles),
    symbol: { ...architectureSymbol(styles), legend: true },
    marks: [
      Plot.ruleX([1], { stroke: architectureStyle("mamba").colour, strokeWidth: 1.5 }),
      Plot.text(["Mamba"], {
        x: 1,
        frameAnchor: "top",
        dy: -14,
        fill: architectureStyle("mamba").colour,
        stroke: surface,
        strokeWidth: 3,
      }),
      Plot.axisY({ tickSize: 0, fill: ink }),
      ...marks,
    ],
  });
}
