import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { bytes } from "../../src/findings/bytes.js";
import type { Row, StudyRuns } from "../../src/findings/finding.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { packageStore } from "../../src/runs/store.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { expectGolden } from "./golden.js";

const paper = paperTablesOf(bytes);
let read: StudyRuns | undefined;
/** Read in a test, so that a missing or changed run fails there, by name. */
const recorded = () => {
  read ??= recordedRuns(bytes);
  return read;
};

// `braid run notebooks/09-bytes.ipynb --in-place` draws the figures; UPDATE_GOLDEN=1 writes the tables.
describe("the recorded runs of bytes", () => {
  test.each(["bytes", "bytes-leads", "bytes-costs", "bytes-learning-rates"])("give the stored table %s", (name) => {
    expectGolden(name, bytes.tables(recorded(), paper)[name]);
  });

  test("give the stored verdicts", () => {
    const rows = bytes
      .verdicts(recorded(), paper)
      .map(({ claim, outcome, evidence, paper: theirs }): Row => ({ claim, outcome, evidence, paper: theirs }));
    expectGolden("bytes-verdicts", rows);
  });

  test.each(["bytes", "bytes-lead"])("give the stored figure %s", (name) => {
    const drawn = bytes.figures(recorded(), paper, figureDocument())[name];
    const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
    const svg = standaloneSvg(figureDocument(), drawn.outerHTML, name);
    expect(compareMarkup(readFileSync(file, "utf8"), svg), `figures/${name}.svg`).toBeUndefined();
  });

  test("are all that lies in their folders; those of equal FLOPs are kept with other studies", () => {
    for (const [study, runs] of recorded()) {
      const folder = join(packageStore, study);
      const files = runs.map(({ id }) => `${id}.json`).sort();
      expect(existsSync(folder) ? readdirSync(folder).sort() : [], `data/runs/${study}`).toEqual(
        study === "bytes-bpe-flops" ? [] : files,
      );
    }
  });

  test("are twelve a study, made on a GPU", () => {
    for (const [study, runs] of recorded()) {
      expect(runs, study).toHaveLength(12);
      expect(new Set(runs.map(({ provenance }) => provenance.software))).toEqual(new Set([false]));
    }
  });

  test("use the rate that was best for every architecture on bytes", () => {
    const rates = bytes.tables(recorded(), paper)["bytes-learning-rates"];
    const best = new Set(rates.filter((row) => row.best === "best").map(({ lr }) => lr));
    expect(
      new Set(
        recorded()
          .get("bytes")
          ?.map(({ spec }) => spec.optimizer.lr),
      ),
    ).toEqual(best);
  });
});
