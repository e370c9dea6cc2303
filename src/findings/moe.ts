/** Finding 05: mixtures of experts in each architecture (paper, Table 4). */

import type { RunRecord } from "../runs/types.js";
import type { Finding, StudyRuns } from "./finding.js";
import { loadFigure, moeFigure } from "./moe-figure.js";
import { gains, type MoeSetting, moeTable, paperMoe } from "./moe-losses.js";
import { moeStudies } from "./moe-studies.js";
import { loadRows, moeRows } from "./moe-tables.js";
import { moeVerdicts } from "./moe-verdicts.js";
import { moeRepeats } from "./repeats.js";
import { ofStudy } from "./study-runs.js";

const studies = [...moeStudies, ...moeRepeats];
const settings: Readonly<Record<string, MoeSetting>> = {
  moe: { words: "", per: "token" },
  "moe-mini": { words: ", with 16M active weights", per: "token" },
  "moe-bytes": { words: ", on bytes", per: "byte" },
};

/** What is made of the runs of each study that has some. */
function ofEach<T>(
  runs: StudyRuns,
  make: (own: readonly RunRecord[], name: string) => Record<string, T>,
): Record<string, T> {
  return Object.assign({}, ...studies.map(({ name }) => ofStudy(runs, name, (own) => make(own, name))));
}

export const moe: Finding = {
  name: "moe",
  title: "Experts help every architecture alike",
  notebook: "05-moe",
  paperTables: [moeTable],
  studies,
  tables: (runs, paper) =>
    ofEach(runs, (own, name) => ({
      [name]: moeRows(own, paperMoe(paper[moeTable]), settings[name]),
      [`${name}-load`]: loadRows(own),
    })),
  figures: (runs, paper, document) =>
    ofEach(runs, (own, name) => {
      const ours = gains(own);
      const routed = own.some(({ result }) => result.routers);
      return {
        ...(ours.length > 0 && { [name]: moeFigure(ours, paperMoe(paper[moeTable]), document, settings[name]) }),
        ...(routed && { [`${name}-load`]: loadFigure(own, document, settings[name].words) }),
      };
    }),
  verdicts: (runs, paper) =>
    studies.flatMap(({ name }) => moeVerdicts(gains(runs.get(name) ?? []), paperMoe(paper[moeTable]), settings[name])),
};
