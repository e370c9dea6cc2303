/** Finding 04: how attention and Mamba-2 are put into one layer (paper, Tables 6 and 18 to 20, Appendix Q). */

import type { RunRecord } from "../runs/types.js";
import { type Finding, filled, type PaperTables, type Row, rounded } from "./finding.js";
import { alphaRows, fusionAlphaFigure, withAlphas } from "./fusion-alpha.js";
import { designsWith, fusionAxes, pairsOf, paperEffect, paperLoss } from "./fusion-axes.js";
import { fusionTables } from "./fusion-designs-params.js";
import { dimensionTable, fusionDimensionsFigure, paperDimensionTable } from "./fusion-dimensions.js";
import { fusionFigure } from "./fusion-figure.js";
import { bestDesign, designRuns, fusionStudies } from "./fusion-studies.js";
import { fusionVerdicts } from "./fusion-verdicts.js";
import { learningRateRows } from "./learning-rates.js";
import { contrast, lossesByLabel, versus } from "./losses.js";
import { type Repeated, repeatRows, repeatsOf, withRepeats } from "./repeat-rows.js";
import { fusionRepeats } from "./repeats.js";
import { differenceColumns, resultColumns } from "./result-columns.js";
import { mean } from "./stats.js";
import { labelsOf, ofRuns, ofStudy } from "./study-runs.js";

export const fusion: Finding = {
  name: "fusion",
  title: "Normalise, subtract or concatenate, project apart; wider attention is better",
  notebook: "04-fusion",
  paperTables: [fusionTables["1b"], fusionTables["350m"], paperDimensionTable],
  studies: [...fusionStudies, ...fusionRepeats],
  tables: (runs, paper) => ({
    ...ofRuns(designRuns(runs), (own) => ({
      fusion: designTable(own, paper),
      "fusion-axes": axisTable(own, paper),
      "fusion-pairs": pairTable(own, paper),
    })),
    ...ofStudy(runs, "fusion-dimensions", (own) => ({ "fusion-dimensions": dimensionTable(own, paper) })),
    ...ofStudy(withAlphas(runs), "fusion-alpha", (own) => ({ "fusion-alpha": alphaRows(own) })),
    ...filled({
      "fusion-repeats": repeatRows(runs, repeated),
      "fusion-learning-rates": learningRateRows(runs.get("fusion-learning-rates") ?? [], "nllPerToken"),
    }),
  }),
  figures: (runs, paper, document) => ({
    ...ofRuns(designRuns(runs), (own) => ({ fusion: fusionFigure(lossesByLabel(own), paper, document) })),
    ...ofStudy(runs, "fusion-dimensions", (own) => ({
      "fusion-dimensions": fusionDimensionsFigure(lossesByLabel(own), paper, document),
    })),
    ...ofStudy(withAlphas(runs), "fusion-alpha", (own) => ({ "fusion-alpha": fusionAlphaFigure(own, document) })),
  }),
  verdicts: (runs, paper) => withRepeats(fusionVerdicts(runs, paper), (part) => repeatsOf(runs, repeated, part)),
};

/** The best design against its neighbours: what larger models and models of bytes were trained for as well. */
const repeated: readonly Repeated[] = (
  [
    ["T/M Diff Sep Sep", "group norm − none"],
    ["T/M Group Diff Sep Joint", "separate output − joint"],
  ] as const
).map(([other, part]) => ({
  labels: [bestDesign, other],
  studies: ["fusion", "fusion-mini", "fusion-bytes"],
  part,
}));

/** One row a design, with its columns in Table 18; `vsBest` is the paired difference to the paper's best design. */
function designTable(runs: readonly RunRecord[], paper: PaperTables): Row[] {
  const losses = lossesByLabel(runs);
  return designsWith(labelsOf(runs)).map((design) => {
    const { row, label, norm, scalar, fusion, value, out } = design;
    const { spec, result } = runs.find((run) => run.label === label) as RunRecord;
    return {
      row,
      design: label,
      norm,
      scale: scalar,
      fusion,
      value,
      output: out,
      layers: spec.config.pattern.length,
      params: result.params.nonEmbedding,
      ...resultColumns(runs, label),
      ...differenceColumns("vsBest", versus(losses, label, bestDesign)),
      paper1B: paperLoss(paper, "1B", design),
      paper350M: paperLoss(paper, "350M", design),
    };
  });
}

/** One row an axis: the effect averaged over its pairs, ours with the half-width of its interval over seeds, and the paper's. */
function axisTable(runs: readonly RunRecord[], paper: PaperTables): Row[] {
  const losses = lossesByLabel(runs);
  return fusionAxes.flatMap((axis) => {
    const pairs = pairsOf(axis, labelsOf(runs));
    if (pairs.length === 0) return [];
    const [a, b] = (["a", "b"] as const).map((side) => pairs.map((pair) => pair[side].label));
    return [
      {
        axis: axis.name,
        pairs: pairs.length,
        ...differenceColumns("effect", contrast(losses, a, b)),
        paper1B: rounded(mean(pairs.map((pair) => paperEffect(paper, "1B", pair))), 4),
        paper350M: rounded(mean(pairs.map((pair) => paperEffect(paper, "350M", pair))), 4),
      },
    ];
  });
}

/** One row a pair; `same` marks pairs that are one model by its symmetry, and differ by noise alone. */
function pairTable(runs: readonly RunRecord[], paper: PaperTables): Row[] {
  const losses = lossesByLabel(runs);
  return fusionAxes.flatMap((axis) =>
    pairsOf(axis, labelsOf(runs)).map((pair) => ({
      axis: axis.name,
      a: pair.a.label,
      b: pair.b.label,
      same: pair.same ? "same" : "",
      ...differenceColumns("effect", versus(losses, pair.a.label, pair.b.label)),
      paper1B: rounded(paperEffect(paper, "1B", pair), 3),
      paper350M: rounded(paperEffect(paper, "350M", pair), 3),
    })),
  );
}
