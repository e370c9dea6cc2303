import * as Plot from "@observablehq/plot";
import type { PaperSize } from "./paper-names.js";
import { type ArchitectureStyle, ink, plotDefaults, surface } from "./theme.js";

/** A difference that was measured by us and, where the paper has it, at its sizes. */
export interface Effect {
  name: string;
  ours?: Measured;
  paper: Partial<Record<PaperSize, Measured>>;
}

/** A mean difference, and the single ones behind it where there are several. */
export interface Measured {
  value: number;
  /** Ends of the 95 % interval; left out or infinite where there is none. */
  low?: number;
  high?: number;
  singles?: readonly number[];
}

/** Effects under a common heading, in the colour of an architecture. */
export interface EffectGroup {
  heading: string;
  style: ArchitectureStyle;
  effects: readonly Effect[];
}

interface EffectsOptions {
  title: string;
  caption: string;
  /** What is left of zero, such as "← better than the middle". */
  xLabel: string;
  document: Document;
}

const rowHeight = 46;
const marginLeft = 190;
/** Where in its row each series lies, as a part of the row's height. */
const offsets = { ours: -0.22, "1B": 0.06, "350M": 0.3 } as const;
const symbols = { "1B": "circle", "350M": "square" } as const;

interface Line extends Measured {
  y: number;
  series: keyof typeof offsets;
  style: ArchitectureStyle;
}

/** Differences of losses row by row: ours with 95 % intervals, the paper's two sizes beneath; small ticks are single pairs. */
export function effectsFigure(
  groups: readonly EffectGroup[],
  { title, caption, xLabel, document }: EffectsOptions,
): SVGSVGElement | HTMLElement {
  let at = 0;
  const headings: { y: number; text: string }[] = [];
  const names: { y: number; text: string }[] = [];
  const lines: Line[] = [];
  for (const { heading, style, effects } of groups) {
    headings.push({ y: at, text: heading });
    at += 0.75;
    for (const { name, ours, paper } of effects) {
      names.push({ y: at, text: name });
      for (const [series, measured] of Object.entries({ ours, ...paper }) as [Line["series"], Measured | undefined][]) {
        if (measured) lines.push({ ...measured, y: at + offsets[series], series, style });
      }
      at += 1;
    }
  }
  const own = lines.filter(({ series }) => series === "ours");
  const sure = own.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
  const theirs = lines.filter(({ series }) => series !== "ours");
  const singles = lines.flatMap((line) => (line.singles ?? []).map((value) => ({ ...line, value })));
  const height = Math.round(at * rowHeight + 92);
  return Plot.plot({
    ...plotDefaults,
    document,
    height,
    marginLeft,
    marginRight: 24,
    marginTop: 44,
    marginBottom: 48,
    title,
    caption,
    x: { label: xLabel, labelAnchor: "center", labelArrow: "none", grid: true, nice: true },
    y: { domain: [at - 0.4, -0.5], axis: null },
    marks: [
      Plot.ruleX([0], { stroke: ink, strokeOpacity: 0.5 }),
      Plot.text(headings, {
        y: "y",
        text: "text",
        frameAnchor: "left",
        dx: -marginLeft + 6,
        textAnchor: "start",
        fontWeight: "bold",
        fill: ink,
        stroke: surface,
        strokeWidth: 3,
      }),
      Plot.text(names, { y: "y", text: "text", frameAnchor: "left", dx: -10, textAnchor: "end", fill: ink }),
      Plot.ruleX(singles, {
        x: "value",
        y1: (line: Line) => line.y - 0.1,
        y2: (line: Line) => line.y + 0.1,
        stroke: (line: Line) => (line.series === "ours" ? line.style.colour : ink),
        strokeOpacity: 0.55,
      }),
      Plot.ruleY(sure, { y: "y", x1: "low", x2: "high", stroke: (l: Line) => l.style.colour, strokeWidth: 2.5 }),
      ...own.map((line) =>
        Plot.dot([line], {
          ...{ x: "value", y: "y", r: 5.5, symbol: line.style.symbol as "star" },
          ...{ fill: line.style.colour, stroke: surface },
        }),
      ),
      ...theirs.map((line) =>
        Plot.dot([line], {
          ...{ x: "value", y: "y", r: 3.5, symbol: symbols[line.series as PaperSize] },
          ...{ fill: surface, stroke: ink, strokeOpacity: 0.8 },
        }),
      ),
      ...key(groups.map(({ style }) => style)),
    ],
  });
}

/** What the symbols stand for, above the rows. */
function key(styles: readonly ArchitectureStyle[]): Plot.Markish[] {
  const place = { frameAnchor: "top-left", dy: -22 } as const;
  const text = (word: string, dx: number) =>
    Plot.text([word], { ...place, dx, textAnchor: "start", lineAnchor: "middle", fill: ink });
  const own = [...new Map(styles.map((style) => [style.key, style])).values()].map((style, i) =>
    Plot.dot([0], { ...place, dx: 6 + 14 * i, r: 5.5, symbol: style.symbol as "star", fill: style.colour }),
  );
  const after = 14 * own.length;
  const hollow = { ...place, r: 3.5, fill: surface, stroke: ink, strokeOpacity: 0.8 } as const;
  return [
    ...own,
    text("ours, 95 % interval", 4 + after),
    Plot.dot([0], { ...hollow, dx: 134 + after, symbol: symbols["1B"] }),
    text("paper 1B", 144 + after),
    Plot.dot([0], { ...hollow, dx: 214 + after, symbol: symbols["350M"] }),
    text("paper 350M", 224 + after),
  ];
}
