/** Finding 05: mixtures of experts in each architecture (paper, Table 4). */

import type { Finding, Row, StudyRuns } from "./finding.js";
import { loadFigure, moeFigure } from "./moe-figure.js";
import { gains, type MoeSetting, moeTable, paperMoe } from "./moe-losses.js";
import { moeStudies } from "./moe-studies.js";
import { loadRows, moeRows } from "./moe-tables.js";
import { moeVerdicts } from "./moe-verdicts.js";
import { moeRepeats } from "./repeats.js";

const studies = [...moeStudies, ...moeRepeats];
const settings: Readonly<Record<string, MoeSetting>> = {
  moe: { words: "", per: "token" },
  "moe-mini": { words: ", with 16M active weights", per: "token" },
  "moe-bytes": { words: ", on bytes", per: "byte" },
};

const present = (runs: StudyRuns) =>
  studies.flatMap(({ name }) => {
    const own = runs.get(name) ?? [];
    return own.length > 0 ? [{ name, runs: own }] : [];
  });

export const moe: Finding = {
  name: "moe",
  title: "Experts help every architecture alike",
  notebook: "05-moe",
  paperTables: [moeTable],
  studies,
  tables: (runs, paper) => {
    const tables: Record<string, Row[]> = {};
    for (const { name, runs: own } of present(runs)) {
      tables[name] = moeRows(own, paperMoe(paper[moeTable]), settings[name]);
      tables[`${name}-load`] = loadRows(own);
    }
    return tables;
  },
  figures: (runs, paper, document) => {
    const figures: Record<string, SVGSVGElement | HTMLElement> = {};
    for (const { name, runs: own } of present(runs)) {
      const ours = gains(own);
      if (ours.length > 0) figures[name] = moeFigure(ours, paperMoe(paper[moeTable]), document, settings[name]);
      if (own.some(({ result }) => result.routers))
        figures[`${name}-load`] = loadFigure(own, document, settings[name].words);
    }
    return figures;
  },
  verdicts: (runs, paper) =>
    present(runs).flatMap(({ name, runs: own }) => moeVerdicts(gains(own), paperMoe(paper[moeTable]), settings[name])),
};
