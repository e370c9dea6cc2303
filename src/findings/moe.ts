/** Finding 05: mixtures of experts in each architecture (paper, Table 4). */

import type { Finding, Row, StudyRuns } from "./finding.js";
import { loadFigure, moeFigure } from "./moe-figure.js";
import { gains, moeTable, paperMoe } from "./moe-losses.js";
import { moeStudies } from "./moe-studies.js";
import { loadRows, moeRows } from "./moe-tables.js";
import { moeVerdicts } from "./moe-verdicts.js";
import { moeRepeats } from "./repeats.js";

const studies = [...moeStudies, ...moeRepeats];
/** What the claims add for each study that repeats the main one. */
const settings: Readonly<Record<string, string>> = {
  "moe-mini": ", with 16M active weights",
  "moe-bytes": ", on bytes",
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
      tables[name] = moeRows(own, paperMoe(paper[moeTable]));
      tables[`${name}-load`] = loadRows(own);
    }
    return tables;
  },
  figures: (runs, paper, document) => {
    const figures: Record<string, SVGSVGElement | HTMLElement> = {};
    for (const { name, runs: own } of present(runs)) {
      const ours = gains(own);
      if (ours.length > 0) figures[name] = moeFigure(ours, paperMoe(paper[moeTable]), document, settings[name]);
      if (own.some(({ result }) => result.routers)) figures[`${name}-load`] = loadFigure(own, document, settings[name]);
    }
    return figures;
  },
  verdicts: (runs, paper) =>
    present(runs).flatMap(({ name, runs: own }) => moeVerdicts(gains(own), paperMoe(paper[moeTable]), settings[name])),
};
