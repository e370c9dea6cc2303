/** Finding 03: where in the stack attention stands (paper, Tables 11, 17 and 21). */

import type { RunRecord } from "../runs/types.js";
import { comparisonRows } from "./comparison-rows.js";
import { type Finding, filled, type PaperTables, type Row, rounded } from "./finding.js";
import { lossesByLabel, versus } from "./losses.js";
import { hybridLayers } from "./models.js";
import { type PaperSize, paperSizes } from "./paper-names.js";
import { placementFigure, placesFigure } from "./placement-figure.js";
import { middleAt, middleLayer, placementLosses } from "./placement-losses.js";
import {
  type InterPlace,
  type IntraPlace,
  middleOf,
  type PaperSingle,
  paperIntra,
  paperPlaced,
  paperPlacementTables,
  paperSingles,
  paperWindowed,
  type Ratio,
} from "./placement-paper.js";
import { placementStudies } from "./placement-studies.js";
import { placementVerdicts } from "./placement-verdicts.js";
import { type Repeated, repeatRows, repeatsOf, withRepeats } from "./repeat-rows.js";
import { placementRepeats } from "./repeats.js";
import { differenceColumns, resultColumns } from "./result-columns.js";
import { labelsOf, ofStudy } from "./study-runs.js";

export const placement: Finding = {
  name: "placement",
  title: "Never attention first; its best place is the middle",
  notebook: "03-placement",
  paperTables: paperPlacementTables,
  studies: [...placementStudies, ...placementRepeats],
  tables: (runs, paper) => ({
    ...ofStudy(runs, "placement", (own) => ({ placement: depthTable(own, paper) })),
    ...ofStudy(runs, "placement-ratios", (own) => ({ "placement-ratios": placesTable(own, interReference(paper)) })),
    ...ofStudy(runs, "placement-intra", (own) => ({ "placement-intra": placesTable(own, intraReference(paper)) })),
    ...ofStudy(runs, "placement-windows", (own) => ({ "placement-windows": placesTable(own, windowReference(paper)) })),
    ...filled({
      "placement-repeats": repeatRows(runs, repeated),
      "placement-comparisons": comparisonRows(placementVerdicts(placementLosses(runs), paper), kindOf),
    }),
  }),
  figures: (runs, paper, document) => ({
    ...ofStudy(runs, "placement", (own) => ({ placement: placementFigure(lossesByLabel(own), paper, document) })),
    ...(["placement-ratios", "placement-intra", "placement-windows"].some((study) => runs.has(study))
      ? { "placement-ratios": placesFigure(placementLosses(runs), paper, document) }
      : {}),
  }),
  verdicts: (runs, paper) =>
    withRepeats(placementVerdicts(placementLosses(runs), paper), (part) => repeatsOf(runs, repeated, part)),
};

/** What larger models and models of bytes were trained for as well. */
const repeated: readonly Repeated[] = [
  { labels: [middleLayer, "layer 1"], studies: ["placement", "placement-mini"] },
  {
    labels: ["1:5 middle", "1:5 front"],
    studies: ["placement-ratios", "placement-ratios-mini", "placement-ratios-bytes"],
  },
];

/** Comparisons of one kind, which scatter alike: of single layers, of means over several, of each kind of hybrid. */
const kindOf = (comparison: string) => /^layer |^layers |cluster|windows/.exec(comparison)?.[0] ?? "inter";

const patternOf = (runs: readonly RunRecord[], label: string) =>
  (runs.find((run) => run.label === label) as RunRecord).spec.config.pattern;

/**
 * One row a depth. `vsMiddle` is the paired difference to the middle layer, ± `vsMiddleHalf`, as the paper's beside it are to its
 * own; the paper's 350M models have 11 layers: each stands where its relative depth is nearest.
 */
function depthTable(runs: readonly RunRecord[], paper: PaperTables): Row[] {
  const losses = lossesByLabel(runs);
  const [small, large] = paperSizes.map((size) => paperSingles(paper, size));
  const nearestOf = ({ depth, layers }: PaperSingle) =>
    Math.round(1 + ((hybridLayers - 1) * (depth - 1)) / (layers - 1));
  return labelsOf(runs).map((label) => {
    const depth = Number(label.slice("layer ".length));
    const same = large.find((single) => single.depth === depth);
    const near = small.find((single) => nearestOf(single) === depth);
    return {
      layer: depth,
      ...resultColumns(runs, label),
      ...differenceColumns("vsMiddle", versus(losses, label, middleLayer)),
      paper1B: same?.nll ?? null,
      paper1BVsMiddle: same ? rounded(same.nll - middleOf(large).nll, 3) : null,
      paper350MLayer: near ? `${near.depth} of ${near.layers}` : "",
      paper350M: near?.nll ?? null,
      paper350MVsMiddle: near ? rounded(near.nll - middleOf(small).nll, 3) : null,
    };
  });
}

/** What the places of a ratio are compared with, and the paper's losses at the sizes that it prints. */
interface Reference {
  column: "vsMiddle" | "vsScatter";
  label: (ratio: Ratio) => string;
  theirs: Partial<Record<PaperSize, (label: string) => number>>;
}

const placedAt = (paper: PaperTables, size: PaperSize) => (label: string) =>
  paperPlaced(paper, size, ...(label.split(" ") as [Ratio, InterPlace]));

const interReference = (paper: PaperTables): Reference => ({
  column: "vsMiddle",
  label: middleAt,
  theirs: { "350M": placedAt(paper, "350M"), "1B": placedAt(paper, "1B") },
});

const intraReference = (paper: PaperTables): Reference => ({
  column: "vsScatter",
  label: (ratio) => `${ratio} scatter`,
  theirs: { "1B": (label) => paperIntra(paper, ...(label.split(" ") as [Ratio, IntraPlace])) },
});

const windowReference = (paper: PaperTables): Reference => ({
  column: "vsMiddle",
  label: middleAt,
  theirs: { "1B": (label) => paperWindowed(paper, ...(label.split(" ") as [Ratio, InterPlace])) },
});

/** One row a ratio and place, compared with the reference of its ratio; the paper's differences are to its own. */
function placesTable(runs: readonly RunRecord[], { column, label: reference, theirs }: Reference): Row[] {
  const losses = lossesByLabel(runs);
  const versusName = column === "vsMiddle" ? "VsMiddle" : "VsScatter";
  return labelsOf(runs).map((label) => {
    const [ratio, place] = label.split(" ") as [Ratio, string];
    const printed = Object.entries(theirs).map(([size, loss]) => ({
      [`paper${size}`]: loss(label),
      [`paper${size}${versusName}`]: rounded(loss(label) - loss(reference(ratio)), 3),
    }));
    return {
      ratio,
      place,
      pattern: patternOf(runs, label),
      ...resultColumns(runs, label),
      ...differenceColumns(column, versus(losses, label, reference(ratio))),
      ...Object.assign({}, ...printed),
    };
  });
}
