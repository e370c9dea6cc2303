/** Finding 09: what becomes of the architectures' order when the tokenizer goes. The question is not the paper's. */

import { bytesFigures } from "./bytes-figure.js";
import { paperTokensTable } from "./bytes-paper.js";
import { seedsOnBytes, settingsOf } from "./bytes-settings.js";
import { bytesStudies } from "./bytes-studies.js";
import { costTable, effectTable, leadTable, lossTable } from "./bytes-tables.js";
import { bytesVerdicts } from "./bytes-verdicts.js";
import { type Finding, filled } from "./finding.js";
import { learningRateRows } from "./learning-rates.js";
import { hybridSeedRows } from "./seed-noise.js";

export const bytes: Finding = {
  name: "bytes",
  title: "SSMs keep their lead and Transformers lose theirs when the tokenizer goes",
  notebook: "09-bytes",
  paperTables: [paperTokensTable],
  studies: bytesStudies,
  tables: (runs) => {
    const settings = settingsOf(runs);
    const seeds = seedsOnBytes(runs);
    return filled({
      bytes: lossTable(settings),
      "bytes-leads": leadTable(settings),
      "bytes-costs": costTable(settings),
      "bytes-learning-rates": learningRateRows(runs.get("bytes-learning-rates") ?? [], "nllPerByte"),
      "bytes-seeds": hybridSeedRows(seeds),
      "bytes-effects": effectTable(settings, seeds),
    });
  },
  figures: (runs, _paper, document) => bytesFigures(settingsOf(runs), document),
  verdicts: (runs, paper) => bytesVerdicts(settingsOf(runs), paper[paperTokensTable]),
};
