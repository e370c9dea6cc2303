import * as Plot from "@observablehq/plot";
import type { ColumnTable } from "arquero";
import { plotDefaults, surface } from "./theme.js";

export interface MapPanel {
  /** E.g. "layer 3, attention". */
  title: string;
  /** From `attentionMaps`, or `mambaAttention` with `normalise`. */
  maps: ColumnTable;
  /** 0-based. */
  layer: number;
}

/** Bounds between the six colours: most weights of a row are small, so the steps grow. */
const bounds = [0.02, 0.05, 0.1, 0.2, 0.4];
const columns = 2;
/** Pixels of a token whose text can still be read, and of a panel's side. */
const legible = 6.5;
const side = 302;

interface Panel {
  column: number;
  row: number;
}

/** Keys [x1, x2) of a query that have one colour: neighbours are drawn as one rectangle. */
interface Run extends Panel {
  query: number;
  x1: number;
  x2: number;
  weight: number;
}

/**
 * Maps of what each token takes from each earlier one, means over a layer's heads, two beside each other, all with one
 * scale of colours. Queries run down, keys to the right.
 *
 * @param tokens texts of the tokens, or their numbers; drawn at the axes where there is room for them
 * @param document draws in it: a browser's, or jsdom's
 * @throws Error when a panel's table has no such layer
 */
export function mapsFigure(
  panels: readonly MapPanel[],
  tokens: readonly string[],
  document: Document,
): SVGSVGElement | HTMLElement {
  const placed = panels.map((panel, i) => ({ ...panel, column: i % columns, row: Math.floor(i / columns) }));
  const rows = Math.ceil(panels.length / columns);
  const count = tokens.length;
  const runs = placed.flatMap((panel) => runsOf(panel, count));
  const text = (position: number) => tokens[Math.floor(position)].replace(/\s/g, "·");
  const texts = { ticks: tokens.map((_, i) => i + 0.5), tickFormat: text, tickSize: 0, tickPadding: 3, fontSize: 8 };
  const axis = side / count >= legible ? texts : { ticks: 6 };
  return Plot.plot({
    ...plotDefaults,
    document,
    height: rows * (side + 34) + 70,
    marginTop: 34,
    marginLeft: 44,
    marginRight: 12,
    marginBottom: 36,
    title: "What each token takes from each earlier one",
    subtitle: "Attention's softmax weights, and |M| of Mamba's implicit attention, rows scaled to 1; means over heads",
    x: { domain: [0, count] },
    y: { domain: [count, 0] },
    fx: { axis: null, padding: 0.08 },
    fy: { axis: null, padding: 0.1 },
    color: { type: "threshold", domain: bounds, scheme: "viridis", legend: true, label: "weight" },
    marks: [
      Plot.rect(runs, {
        fx: "column",
        fy: "row",
        x1: "x1",
        x2: "x2",
        y1: "query",
        y2: (run: Run) => run.query + 1,
        fill: "weight",
        render: onePathAColour,
      }),
      Plot.axisX({ ...axis, label: null }),
      Plot.axisY({ ...axis, label: null }),
      Plot.axisX({ ticks: [], label: "the token it is taken from →", labelArrow: "none" }),
      Plot.axisY({ ticks: [], label: "↓ the token that takes", labelArrow: "none" }),
      Plot.text(placed, {
        fx: "column",
        fy: "row",
        text: "title",
        frameAnchor: "top-right",
        dx: -4,
        dy: 4,
        fontSize: 12,
        fontWeight: "bold",
        stroke: surface,
        strokeWidth: 3,
        fill: "currentColor",
      }),
    ],
  });
}

/** Thousands of rectangles as a few paths: a fifth of the file. */
const onePathAColour: Plot.RenderFunction = (index, _scales, values, _dimensions, { document }) => {
  const { x1, x2, y1, y2, fill } = values as unknown as Record<"x1" | "x2" | "y1" | "y2", number[]> & {
    fill: string[];
  };
  const paths = new Map<string, string>();
  for (const i of index) {
    // Edges, not sizes: neighbours round to the same number and leave no gap.
    const [left, right, top, bottom] = [x1[i], x2[i], y1[i], y2[i]].map((edge) => Math.round(edge * 10) / 10);
    paths.set(fill[i], `${paths.get(fill[i]) ?? ""}M${left},${top}H${right}V${bottom}H${left}z`);
  }
  const create = (name: string) => document.createElementNS("http://www.w3.org/2000/svg", name) as SVGElement;
  const group = create("g");
  group.setAttribute("shape-rendering", "crispEdges");
  for (const [colour, d] of paths) {
    const path = create("path");
    path.setAttribute("fill", colour);
    path.setAttribute("d", d);
    group.append(path);
  }
  return group;
};

/** The mean map of a layer over its heads, as rectangles of one colour each. */
function runsOf({ maps, layer, title, column, row }: MapPanel & Panel, count: number): Run[] {
  const [layers, heads, queries, keys, weights] = ["layer", "head", "query", "key", "weight"].map(
    (name) => maps.array(name) as ArrayLike<number>,
  );
  const mean = new Float64Array(count * count);
  const seen = new Set<number>();
  for (let i = 0; i < weights.length; i++) {
    if (layers[i] !== layer) continue;
    seen.add(heads[i]);
    mean[queries[i] * count + keys[i]] += weights[i];
  }
  if (seen.size === 0) throw new Error(`${title}: the table has no layer ${layer}.`);
  const level = (weight: number) => bounds.filter((bound) => weight >= bound).length;
  const runs: Run[] = [];
  for (let query = 0; query < count; query++) {
    for (let key = 0; key <= query; key++) {
      const weight = mean[query * count + key] / seen.size;
      const last = runs.at(-1);
      // Zero: a token outside the window, which is not drawn.
      if (weight === 0) continue;
      const joins = last?.query === query && last.x2 === key && level(last.weight) === level(weight);
      if (joins) last.x2 = key + 1;
      else runs.push({ column, row, query, x1: key, x2: key + 1, weight });
    }
  }
  return runs;
}
