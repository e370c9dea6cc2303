import * as Plot from "@observablehq/plot";
import { type Family, familyPattern, preset } from "../config/presets.js";
import { cost, PAPER_CONTEXT, PAPER_TOKENS } from "../cost/cost.js";
import { blocks } from "./costs-checks.js";
import { apart, logarithmic } from "./labels.js";
import {
  architectureColor,
  architectureOf,
  architectureStyle,
  architectureSymbol,
  plotDefaults,
  stackedFigure,
  surface,
} from "./theme.js";

/** The equal-data models of Table 9, by the counts of T, S, M and H blocks, and where their label goes. */
const models: readonly { pattern: string; label: "left" | "right" }[] = [
  { pattern: "T".repeat(16), label: "left" },
  ...hybrids("T", "S", [
    [8, 8],
    [4, 12],
    [3, 13],
  ]),
  { pattern: "M".repeat(13), label: "left" },
  ...hybrids("T", "M", [
    [7, 7],
    [3, 10],
    [2, 11],
    [1, 12],
  ]),
  ...hybrids("H", "M", [
    [13, 0],
    [7, 6],
    [3, 10],
    [2, 11],
    [1, 12],
  ]),
];

function hybrids(expensive: string, cheap: string, counts: [number, number][]) {
  const label: "left" | "right" = expensive === "T" && cheap === "M" ? "left" : "right";
  return counts.map(([many, few]) => ({ pattern: expensive.repeat(many) + cheap.repeat(few), label }));
}

/**
 * Decoding cache against training FLOPs of the 1B models of Table 9 at 8K, computed: the plane in which every point is a
 * choice of blocks.
 *
 * @param document draws in it: a browser's, or jsdom's
 */
export function costFigure(document: Document): SVGSVGElement | HTMLElement {
  const points = models.map(({ pattern, label }) => {
    const { trainFlops, cacheBytes } = cost(preset("1b", { pattern }), {
      context: PAPER_CONTEXT,
      tokens: PAPER_TOKENS,
    });
    const { label: architecture } = architectureStyle(architectureOf(pattern));
    return { architecture, label, blocks: blocks(pattern), flops: trainFlops / 1e20, cache: cacheBytes / 2 ** 20 };
  });
  const text = (side: "left" | "right") =>
    Plot.text(
      points.filter((point) => point.label === side),
      {
        x: "flops",
        y: "cache",
        text: "blocks",
        fill: "architecture",
        stroke: surface,
        strokeWidth: 3,
        textAnchor: side === "left" ? "end" : "start",
        dx: side === "left" ? -9 : 9,
      },
    );
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 420,
    marginLeft: 56,
    marginRight: 40,
    marginBottom: 44,
    title: "What blocks cost: decoding cache against training FLOPs",
    subtitle: "1B models, 8K context, 60 billion tokens; T attention, S sliding window, M Mamba, H intra-hybrid",
    x: { label: "training FLOPs (1e20) →", domain: [3.5, 4.6], grid: true },
    y: {
      label: "↑ decoding cache (MiB)",
      type: "log",
      domain: [11, 320],
      ticks: [16, 32, 64, 128, 256],
      tickFormat: String,
      grid: true,
    },
    color: architectureColor(),
    symbol: { ...architectureSymbol(), legend: true },
    marks: [
      Plot.dot(points, { x: "flops", y: "cache", fill: "architecture", stroke: surface, symbol: "architecture", r: 5 }),
      text("left"),
      text("right"),
    ],
  });
}

const families: readonly Family[] = ["llama", "swa", "mamba", "inter", "intra"];
const contexts = [10, 11, 12, 13, 14, 15, 16, 17].map((power) => 2 ** power);

/**
 * Training FLOPs a token and decoding cache against the context length, for the 1B models of the main results: two charts,
 * one above the other.
 *
 * @param document draws in it: a browser's, or jsdom's
 */
export function contextFigure(document: Document): HTMLElement {
  return stackedFigure(document, { title: "What length costs: 1B models, 1:5 for hybrids" }, [
    contextChart(
      document,
      "↑ training FLOPs a token (1e9)",
      [5, 40],
      [6, 8, 12, 16, 24, 32],
      ({ flopsPerToken }) => flopsPerToken / 1e9,
    ),
    contextChart(
      document,
      "↑ decoding cache (MiB)",
      [6, 7000],
      [10, 30, 100, 300, 1000, 3000],
      ({ cacheBytes }) => cacheBytes / 2 ** 20,
    ),
  ]);
}

function contextChart(
  document: Document,
  label: string,
  domain: [number, number],
  ticks: number[],
  value: (costs: { flopsPerToken: number; cacheBytes: number }) => number,
): SVGSVGElement | HTMLElement {
  const points = families.flatMap((family) => {
    const pattern = familyPattern("1b", family);
    const { key, label } = architectureStyle(architectureOf(pattern));
    return contexts.map((context) => {
      const costs = cost(preset("1b", { pattern }), { context, tokens: 1 });
      return { key, architecture: label, context: context / 1024, value: value(costs) };
    });
  });
  const ends = points.filter(({ context }) => context === contexts[contexts.length - 1] / 1024);
  const height = 270;
  return Plot.plot({
    ...plotDefaults,
    document,
    height,
    marginLeft: 56,
    marginRight: 112,
    marginTop: 28,
    marginBottom: 40,
    x: {
      label: "context (K tokens) →",
      type: "log",
      base: 2,
      ticks: contexts.map((context) => context / 1024),
      tickFormat: String,
    },
    y: { label, type: "log", domain, ticks, tickFormat: String, grid: true },
    color: architectureColor(),
    marks: [
      ...families.map((family) => {
        const { key, label, dash } = architectureStyle(architectureOf(familyPattern("1b", family)));
        const line = points.filter((point) => point.key === key);
        return Plot.line(line, {
          x: "context",
          y: "value",
          stroke: () => label,
          strokeDasharray: dash,
          strokeWidth: 2,
        });
      }),
      Plot.text(apart(ends, domain, 14 / (height - 68), logarithmic), {
        x: "context",
        y: "shown",
        text: "architecture",
        fill: "architecture",
        textAnchor: "start",
        dx: 8,
      }),
    ],
  });
}
