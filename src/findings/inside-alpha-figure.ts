import * as Plot from "@observablehq/plot";
import type { ColumnTable } from "arquero";
import { plotDefaults, schemes } from "./theme.js";

/** Letters in a line of text. */
const perLine = 64;
const lineHeight = 22;

/** From attention's colour through grey to Mamba's, light enough for dark letters in either scheme of colours. */
const colours = ["#8189f2", "#a6acf5", "#c9cdf9", "#e9e9f3", "#f3ebe0", "#eed3a4", "#e5b769", "#da9c36"];

interface Cell {
  layer: number;
  token: number;
  alpha: number;
}

/** Where a token is written: a line, and from which letter to which. */
interface Place {
  line: number;
  x1: number;
  x2: number;
}

/**
 * α of each layer that has one, written over the text: the share of Mamba-2 in each token, mean over the heads.
 *
 * @param table from `alphas`
 * @param tokens texts of the tokens
 * @param document draws in it: a browser's, or jsdom's
 */
export function alphaFigure(
  table: ColumnTable,
  tokens: readonly string[],
  document: Document,
): SVGSVGElement | HTMLElement {
  const cells = meansOf(table);
  const layers = [...new Set(cells.map(({ layer }) => layer))];
  const places = placesOf(tokens);
  const lines = places[places.length - 1].line + 1;
  // Eight equal steps around one half: the smallest round ones that reach all values.
  const reach = Math.max(...cells.map(({ alpha }) => Math.abs(alpha - 0.5)));
  const step = [0.01, 0.02, 0.05, 0.1].find((size) => 4 * size >= reach) ?? 0.125;
  const bounds = [-3, -2, -1, 0, 1, 2, 3].map((steps) => Number((0.5 + steps * step).toFixed(3)));
  const name = (layer: number) => {
    const own = cells.filter((cell) => cell.layer === layer);
    return `layer ${layer}: mean α ${(own.reduce((sum, { alpha }) => sum + alpha, 0) / own.length).toFixed(2)}`;
  };
  const place = { fy: (cell: Cell) => name(cell.layer), y: ({ token }: Cell) => places[token].line };
  return Plot.plot({
    ...plotDefaults,
    document,
    height: layers.length * (lines * lineHeight + 34) + 24,
    marginTop: 22,
    marginLeft: 10,
    marginRight: 10,
    marginBottom: 8,
    title: "Mamba-2 or attention? α of each token",
    subtitle: "Mamba-2's factor in a hybrid layer; that of attention is 1 − α; means over heads",
    x: { domain: [0, perLine], axis: null },
    y: { type: "band", domain: Array.from({ length: lines }, (_, line) => line), axis: null, padding: 0.12 },
    fy: { domain: layers.map(name), axis: null, padding: 34 / (lines * lineHeight + 34) },
    color: {
      type: "threshold",
      domain: bounds,
      range: colours,
      legend: true,
      label: "α: attention ← → Mamba-2",
      tickFormat: ".3~f",
    },
    marks: [
      Plot.barX(cells, {
        ...place,
        x1: ({ token }: Cell) => places[token].x1,
        x2: ({ token }: Cell) => places[token].x2,
        fill: "alpha",
      }),
      Plot.text(cells, {
        ...place,
        x: ({ token }: Cell) => (places[token].x1 + places[token].x2) / 2,
        text: ({ token }: Cell) => tokens[token],
        fill: schemes.light.ink,
        fontSize: 12,
      }),
      Plot.text(layers, {
        fy: name,
        text: name,
        frameAnchor: "top-left",
        dy: -16,
        fontWeight: "bold",
        fill: "currentColor",
      }),
    ],
  });
}

function placesOf(tokens: readonly string[]): Place[] {
  let [line, x] = [0, 0];
  return tokens.map((token) => {
    const width = Math.min(perLine, Math.max(1, [...token].length));
    if (x + width > perLine) [line, x] = [line + 1, 0];
    x += width;
    return { line, x1: x - width, x2: x };
  });
}

function meansOf(table: ColumnTable): Cell[] {
  const sums = new Map<string, { layer: number; token: number; sum: number; heads: number }>();
  for (const row of table.objects({ limit: Number.POSITIVE_INFINITY }) as (Cell & { head: number })[]) {
    const name = `${row.layer} ${row.token}`;
    const found = sums.get(name) ?? { layer: row.layer, token: row.token, sum: 0, heads: 0 };
    sums.set(name, found);
    found.sum += row.alpha;
    found.heads++;
  }
  return [...sums.values()].map(({ layer, token, sum, heads }) => ({ layer, token, alpha: sum / heads }));
}
