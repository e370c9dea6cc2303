import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { planStudy } from "../../src/findings/study.js";
import { packageStore } from "../../src/runs/store.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { expectGolden } from "./golden.js";

const paper = paperTablesOf(blockRatio);
const recorded = () => recordedRuns(blockRatio);

// `braid run notebooks/02-block-ratio.ipynb --in-place` draws the figures; UPDATE_GOLDEN=1 writes the tables.
describe("the recorded block-ratio runs", () => {
  test("give the stored tables", () => {
    for (const [name, rows] of Object.entries(blockRatio.tables(recorded(), paper))) expectGolden(name, rows);
  });

  test("give the stored verdicts", () => {
    const rows = blockRatio.verdicts(recorded(), paper).map(({ claim, outcome, evidence, change, paper: theirs }) => ({
      claim,
      outcome,
      evidence,
      change: change ?? null,
      paper: theirs,
    }));
    expectGolden("block-ratio-verdicts", rows);
  });

  test.each(["block-ratio", "block-ratio-pareto"])("give the stored figure %s", (name) => {
    const figure = blockRatio.figures(recorded(), paper, figureDocument())[name];
    const drawn = standaloneSvg(figureDocument(), figure.outerHTML, name);
    const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
    expect(compareMarkup(readFileSync(file, "utf8"), drawn)).toBeUndefined();
  });

  test("all use the learning rate that was best for each of the four architectures", () => {
    const rates = blockRatio.tables(recorded(), paper)["block-ratio-learning-rates"];
    const best = rates.filter((row) => row.best === "best").map(({ architecture, lr }) => `${architecture} at ${lr}`);
    const others = [...recorded()].flatMap(([study, runs]) => (study === "learning-rates" ? [] : runs));
    const used = new Set(others.map(({ spec }) => spec.optimizer.lr));
    expect(used.size).toBe(1);
    expect(best).toEqual(["transformer", "mamba", "inter", "intra"].map((name) => `${name} at ${[...used][0]}`));
  });

  test("are all that lies in the folders of its studies", () => {
    // A run that two studies plan lies in the folder of the one that was trained first.
    const elsewhere = new Set<string>();
    for (const [study, runs] of recorded()) {
      const own = runs.map(({ id }) => id).filter((id) => !elsewhere.has(id));
      for (const id of own) elsewhere.add(id);
      expect(readdirSync(join(packageStore, study)).sort(), study).toEqual(own.map((id) => `${id}.json`).sort());
    }
  });

  test("come from three seeds on a GPU, as long as planned", () => {
    for (const [study, runs] of recorded()) {
      const planned = planStudy(blockRatio.studies.find(({ name }) => name === study)!);
      expect(new Set(runs.map(({ spec }) => spec.seed)).size, study).toBe(study === "learning-rates" ? 1 : 3);
      expect(runs.map(({ result }) => result.tokens)).toEqual(planned.map(({ spec }) => spec.tokens));
      expect(runs.filter(({ provenance }) => provenance.software)).toEqual([]);
    }
    expect([...recorded().values()].map((runs) => runs.length)).toEqual([18, 18, 12, 12]);
  });
});
