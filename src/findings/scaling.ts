/** Finding 06: compute-optimal sizes (paper, Tables 14 and 15). */

import type { RunRecord } from "../runs/types.js";
import {
  type Finding,
  filled,
  type PaperTables,
  type Row,
  type StudyRuns,
  scientific,
  type Verdict,
} from "./finding.js";
import { learningRateRows } from "./learning-rates.js";
import { betweenFigure } from "./scaling-between-figure.js";
import { scalingFigure } from "./scaling-figure.js";
import type { Reading } from "./scaling-optima.js";
import { paperPoints, paperReadings, scalingTables } from "./scaling-paper.js";
import { type FittedReading, fitReading } from "./scaling-reading.js";
import { exponentRows, fitRows, readingRows } from "./scaling-rows.js";
import { runReadings, runRows, scalingRuns } from "./scaling-runs.js";
import { scalingLabel, scalingStudies } from "./scaling-studies.js";
import { betweenVerdict } from "./scaling-verdicts.js";
import { architectureStyle } from "./theme.js";

const claim = "Compute-optimal sizes of hybrids lie between those of the Transformer and of Mamba";
const caption =
  "Geometric means over the budgets with their 95 % bootstrap intervals. The sentence holds where both hybrids lie between the Transformer's mark and the line of Mamba. Where a mark has no line, too many resampled losses had no optimum.";

/** "Transformer, width 192, 1.6e15", of the label "transformer d192 16e14". @throws Error when it is no label of scaling */
export function scalingName(label: string): string {
  const { model, dModel, budget } = scalingLabel(label);
  return `${architectureStyle(model).label}, width ${dModel}, ${scientific(budget)}`;
}

/** The rows of `learningRateRows`, with the width. */
const rateRows = (runs: readonly RunRecord[]): Row[] =>
  learningRateRows(runs, "nllPerToken", scalingName).map((row, i) => ({ dModel: runs[i].spec.config.dModel, ...row }));

export const scaling: Finding = {
  name: "scaling",
  title: "Compute-optimal sizes of hybrids lie between Transformer and Mamba",
  notebook: "06-scaling",
  paperTables: scalingTables,
  studies: scalingStudies,
  tables: (runs, paper) => {
    const [ours, theirs] = [ourFits(runs), paperFits(paper)];
    return {
      ...(ours.length > 0 && {
        scaling: runRows(scalingRuns(runs)),
        "scaling-fits": fitRows(ours),
        "scaling-readings": readingRows(ours),
        "scaling-exponents": exponentRows(ours),
      }),
      ...filled({
        "scaling-learning-rates": rateRows(runs.get("scaling-learning-rates") ?? []),
      }),
      "scaling-paper-fits": fitRows(theirs),
      "scaling-paper-readings": readingRows(theirs),
      "scaling-paper-exponents": exponentRows(theirs),
    };
  },
  figures: (runs, paper, document) => {
    const [ours, theirs] = [ourFits(runs), paperFits(paper)];
    const compared = ours.filter(({ ratios }) => ratios.length > 0);
    return {
      ...(ours.length > 0 && {
        scaling: scalingFigure(
          ours[0],
          {
            title: "Ours: iso-FLOP curves and compute-optimal sizes",
            subtitle: "Parabolas in ln N through all sizes; diamonds are their minima; 95 % bootstrap intervals",
            unit: [1e6, "million weights"],
          },
          document,
        ),
      }),
      ...(compared.length > 0 && {
        "scaling-between": betweenFigure(compared, { title: "Ours: optimal sizes under each fit", caption }, document),
      }),
      "scaling-paper": scalingFigure(
        // The second reading leaves out what is drawn as a cross.
        theirs[1],
        {
          title: "The paper's Tables 14 and 15: iso-FLOP curves and compute-optimal sizes",
          subtitle:
            "Parabolas in ln N; diamonds are their minima, the cross a loss that may be misprinted; 95 % bootstrap intervals",
          unit: [1e9, "billion weights"],
          leftOut: paperPoints(paper).filter(({ doubtful }) => doubtful),
        },
        document,
      ),
      "scaling-paper-between": betweenFigure(
        theirs,
        { title: "The paper's numbers: optimal sizes under each fit", caption },
        document,
      ),
    };
  },
  verdicts: (runs, paper) =>
    [
      betweenVerdict(paperFits(paper), {
        claim: `${claim} (the paper's own losses, fitted again).`,
        paper:
          "Tables 14 and 15 print the losses of 71 runs; the sentence rests on a quadratic fit of them, whose optima are not printed.",
        change:
          "A size between 1B and 3B at the two largest budgets, where three sizes determine the parabola, or a second seed.",
      }),
      betweenVerdict(ourFits(runs), {
        claim: `${claim} (our runs).`,
        paper: "Tables 14 and 15, 2e19 to 4e20 FLOPs; ours are a hundred thousand times smaller.",
        change: "More seeds and sizes around the optimum, and larger budgets on a corpus that is not read again.",
      }),
    ].filter((verdict): verdict is Verdict => verdict !== undefined),
};

// A reading takes up to three seconds of resampling, and tables, figures and verdicts ask for the same.
const known = new Map<string, FittedReading>();

function fitOnce(reading: Reading): FittedReading {
  const key = JSON.stringify(reading);
  const fitted = known.get(key) ?? fitReading(reading);
  known.set(key, fitted);
  return fitted;
}

/** Every reading of the paper's losses, fitted. */
export function paperFits(paper: PaperTables): FittedReading[] {
  return paperReadings(paper).map(fitOnce);
}

/** Every reading of our losses, fitted; empty without runs. */
export function ourFits(runs: StudyRuns): FittedReading[] {
  const own = scalingRuns(runs);
  return own.length === 0 ? [] : runReadings(own).map(fitOnce);
}
