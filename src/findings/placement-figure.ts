/** Figures of placement: loss against depth, and differences between the places of each ratio. */

import type { ByLabel } from "./by-seed.js";
import { curvesFigure } from "./curves-figure.js";
import { type Effect, type EffectGroup, effectsFigure, type Measured } from "./effects-figure.js";
import type { PaperTables } from "./finding.js";
import { contrast, versus } from "./losses.js";
import { hybridLayers } from "./models.js";
import { type PaperSize, paperSizes } from "./paper-names.js";
import { middleAt, middleLayer, type PlacementLosses } from "./placement-losses.js";
import {
  type InterPlace,
  middleOf,
  paperIntra,
  paperPlaced,
  paperSingles,
  paperWindowed,
  type Ratio,
} from "./placement-paper.js";
import { intraPlaces, places, ratios } from "./placement-studies.js";
import { architectureStyle } from "./theme.js";

/**
 * Loss against the depth of the one attention layer, less that of the middle layer of the same series. The paper's 350M models have
 * fewer layers: all stand at their relative depth.
 */
export function placementFigure(losses: ByLabel, paper: PaperTables, document: Document): SVGSVGElement | HTMLElement {
  const at = (depth: number, layers: number) => (depth - 1) / (layers - 1);
  const depths = Array.from({ length: hybridLayers }, (_, i) => i + 1);
  const ours = depths.flatMap((depth) => {
    const interval = contrast(losses, [`layer ${depth}`], [middleLayer]);
    if (!interval) return [];
    const point = { x: at(depth, hybridLayers), value: interval.mean };
    return [`layer ${depth}` === middleLayer ? point : { ...point, low: interval.low, high: interval.high }];
  });
  const theirs = paperSizes.map((size) => {
    const singles = paperSingles(paper, size);
    const middle = middleOf(singles).nll;
    return {
      series: `paper ${size}`,
      points: singles.map(({ depth, layers, nll }) => ({ x: at(depth, layers), value: nll - middle })),
    };
  });
  return curvesFigure([{ series: "ours", style: architectureStyle("inter"), points: ours }, ...theirs], {
    title: "Validation loss against the depth of the one attention layer",
    caption: `One attention layer, the others Mamba-2: ${hybridLayers} layers (ours, paper 1B) or 11 (paper 350M, at the same relative depth). Difference to the middle layer of the same size; lower is better. Ours: mean over seeds with its 95 % interval, paired by seed. Paper: Table 17, one run each.`,
    x: {
      domain: [-0.14, 1.02],
      ticks: depths.map((depth) => at(depth, hybridLayers)),
      tickFormat: (x) => String(Math.round(1 + x * (hybridLayers - 1))),
      label: `which of the ${hybridLayers} layers is attention`,
    },
    y: { label: "↑ loss − loss with attention in the middle (nats a token)", zero: 0 },
    named: "first",
    document,
  });
}

/** Places against the middle (inter-hybrids) and against those scattered (intra-hybrids), ratio by ratio. */
export function placesFigure(
  losses: PlacementLosses,
  paper: PaperTables,
  document: Document,
): SVGSVGElement | HTMLElement {
  const inter = againstMiddle(losses.ratios, (ratio, place) => {
    const at = (size: PaperSize): Measured => ({
      value: paperPlaced(paper, size, ratio, place) - paperPlaced(paper, size, ratio, "middle"),
    });
    return { "350M": at("350M"), "1B": at("1B") };
  });
  const windows = againstMiddle(losses.windows, (ratio, place) => ({
    "1B": { value: paperWindowed(paper, ratio, place) - paperWindowed(paper, ratio, "middle") },
  }));
  const most = Math.max(...[...losses.intra.values()].map(({ size }) => size));
  const intra = ratios.flatMap((ratio) =>
    intraPlaces.flatMap((place): Effect[] => {
      const ours = versus(losses.intra, `${ratio} ${place}`, `${ratio} scatter`);
      if (place === "scatter" || !ours) return [];
      const value = paperIntra(paper, ratio, place) - paperIntra(paper, ratio, "scatter");
      const name = `${ratio} ${place}${ours.n < most ? ` (${ours.n} seeds)` : ""}`;
      return [{ name, ours: measured(ours), paper: { "1B": { value } } }];
    }),
  );
  const all: (EffectGroup & { table: number })[] = [
    { table: 17, heading: "Inter-hybrid, against the middle", style: architectureStyle("inter"), effects: inter },
    { table: 21, heading: "Intra-hybrid, against scatter", style: architectureStyle("intra"), effects: intra },
    { table: 11, heading: "Sliding windows, against the middle", style: architectureStyle("swa"), effects: windows },
  ];
  const groups = all.filter(({ effects }) => effects.length > 0);
  const tables = groups.map(({ table }) => String(table)).sort();
  const named = `Table${tables.length > 1 ? "s" : ""} ${new Intl.ListFormat("en-GB").format(tables)}`;
  return effectsFigure(groups, {
    title: "Where attention stands: places compared",
    caption: `Difference of the validation loss; right of zero is worse than the middle (at 1:1: than every second layer from the second on) or than scattered layers. Ours: mean over seeds with its 95 % interval, paired by seed. Paper: ${named}, one run each.`,
    xLabel: "difference of the loss (nats a token); right of zero is worse",
    document,
  });
}

/** Places of attention against the middle of their ratio, with the paper's. */
function againstMiddle(losses: ByLabel, paper: (ratio: Ratio, place: InterPlace) => Effect["paper"]): Effect[] {
  return ratios.flatMap((ratio) =>
    places.flatMap((place): Effect[] => {
      const ours = place === "middle" ? undefined : versus(losses, `${ratio} ${place}`, middleAt(ratio));
      return ours ? [{ name: `${ratio} ${place}`, ours: measured(ours), paper: paper(ratio, place) }] : [];
    }),
  );
}

function measured({ mean, low, high }: { mean: number; low: number; high: number }): Measured {
  return { value: mean, low, high };
}
