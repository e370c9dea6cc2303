/** Finding 02: how many attention layers a hybrid needs (paper, Tables 2, 5, 9, 10 and 16). */

import { blockRatioFigure } from "./block-ratio-figure.js";
import { Models, miniSources } from "./block-ratio-models.js";
import { blockRatioPaperTables, paperModels } from "./block-ratio-paper.js";
import { blockRatioPareto } from "./block-ratio-pareto.js";
import { blockRatioStudies } from "./block-ratio-studies.js";
import { blockRatioTables } from "./block-ratio-tables.js";
import { blockRatioVerdicts } from "./block-ratio-verdicts.js";
import type { Finding } from "./finding.js";
import { type Again, withRepeats } from "./repeat-rows.js";
import { blockRatioRepeats } from "./repeats.js";

export const blockRatio: Finding = {
  name: "block-ratio",
  title: "Hybrids beat both parents; 1:1 is best, 1:5 the balance",
  notebook: "02-block-ratio",
  paperTables: blockRatioPaperTables,
  studies: [...blockRatioStudies, ...blockRatioRepeats],
  tables: (runs, paper) => blockRatioTables(new Models(runs), runs, paperModels(paper)),
  figures: (runs, paper, document) => {
    const [models, theirs] = [new Models(runs), paperModels(paper)];
    const drawn = {
      "block-ratio": blockRatioFigure(models, theirs, document),
      "block-ratio-pareto": blockRatioPareto(models, theirs, document),
    };
    return Object.fromEntries(Object.entries(drawn).flatMap(([name, figure]) => (figure ? [[name, figure]] : [])));
  },
  verdicts: (runs, paper) => {
    const larger = new Models(runs, miniSources);
    return withRepeats(blockRatioVerdicts(new Models(runs), paperModels(paper)), (part) => again(larger, part));
  },
};

/** A comparison of two models at equal data, "inter 1:5 − Mamba", with those of another size. */
function again(models: Models, name: string): Again[] {
  const [a, b] = name.split(" − ");
  const [model, interval] = [models.find(a), models.difference(a, b)];
  return model && interval ? [{ name, interval, runs: model.runs }] : [];
}
