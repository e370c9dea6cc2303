import * as Plot from "@observablehq/plot";
import type { ColumnTable } from "arquero";
import { architectureOf, architectureStyle, ink, plotDefaults, surface } from "./theme.js";

export interface FieldLine {
  /** What the line is called at its end. */
  label: string;
  /** Of the model: gives the line's colour. */
  pattern: string;
  /** From `receptiveField`. */
  field: ColumnTable;
  /** Drawn dashed and thinner. */
  untrained?: boolean;
}

interface Point {
  label: string;
  distance: number;
  share: number;
}

/** Lines have gaps where the share is smaller. */
const least = 1e-7;

/**
 * Effective receptive fields: by distance, the gradient of a hidden state with respect to earlier embedded tokens, as a share
 * of the sum over all distances; of distances that every position looked at has.
 *
 * @param document draws in it: a browser's, or jsdom's
 */
export function receptiveFieldFigure(lines: readonly FieldLine[], document: Document): SVGSVGElement | HTMLElement {
  const drawn = lines.map((line) => ({ ...line, points: pointsOf(line) }));
  const farthest = Math.max(...drawn.flatMap(({ points }) => points.map(({ distance }) => distance)));
  const colourOf = (pattern: string) => architectureStyle(architectureOf(pattern)).colour;
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 400,
    marginLeft: 60,
    marginRight: 150,
    marginTop: 30,
    marginBottom: 42,
    title: "How far back a model looks",
    subtitle: "Effective receptive field: gradient of the last hidden state by the embedded token so far back",
    x: { domain: [0, farthest], label: "distance (tokens) →", labelArrow: "none" },
    y: { type: "log", label: "↑ share of the gradient", labelArrow: "none", grid: true, tickFormat: ".0e" },
    marks: [
      ...drawn.map(({ points, pattern, untrained }) =>
        Plot.lineY(points, {
          x: "distance",
          y: "share",
          stroke: colourOf(pattern),
          strokeWidth: untrained ? 1.2 : 2.4,
          strokeDasharray: untrained ? "4,3" : undefined,
        }),
      ),
      ...labels(drawn.map(({ points }) => points)).map(({ point, shown }, i) =>
        Plot.text([point], {
          x: "distance",
          y: shown,
          text: "label",
          textAnchor: "start",
          dx: 6,
          fill: colourOf(drawn[i].pattern),
          stroke: surface,
          strokeWidth: 3,
        }),
      ),
      Plot.ruleX([0], { stroke: ink, strokeOpacity: 0.4 }),
    ],
  });
}

function pointsOf({ label, field }: FieldLine): Point[] {
  const rows = field.objects({ limit: Number.POSITIVE_INFINITY }) as {
    distance: number;
    share: number;
    positions: number;
  }[];
  const most = Math.max(...rows.map(({ positions }) => positions));
  return rows
    .filter(({ positions }) => positions === most)
    .map(({ distance, share }) => ({ label, distance, share: share < least ? Number.NaN : share }));
}

const lastOf = (points: readonly Point[]) => points.filter(({ share }) => share > 0).at(-1)!;

/** Where each line's label goes: beside its last point, moved down where an earlier label would touch it. */
function labels(lines: readonly Point[][]): { point: Point; shown: number }[] {
  const values = lines.flatMap((points) => points.map(({ share }) => share)).filter((share) => share > 0);
  const gap = (Math.max(...values) / Math.min(...values)) ** (15 / 328);
  const ends = lines.map((points, i) => ({ i, point: lastOf(points), shown: 0 }));
  const placed = ends.sort((a, b) => b.point.share - a.point.share);
  for (const [i, end] of placed.entries()) {
    const above = placed[i - 1];
    const near = above && Math.abs(above.point.distance - end.point.distance) < 20;
    end.shown = near ? Math.min(end.point.share, above.shown / gap) : end.point.share;
  }
  return placed.sort((a, b) => a.i - b.i);
}
