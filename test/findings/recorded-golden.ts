import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Finding, Row } from "../../src/findings/finding.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { planStudy } from "../../src/findings/study.js";
import { runId } from "../../src/runs/identity.js";
import { packageStore } from "../../src/runs/store.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { expectGolden } from "./golden.js";

const filesOf = (study: string) => {
  const folder = join(packageStore, study);
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
};

/**
 * Tests that the recorded runs of a finding give the tables of data/golden and the figures of figures/, and that their folders hold
 * planned runs alone. UPDATE_GOLDEN=1 writes the tables; `braid run notebooks/<notebook>.ipynb --in-place` draws the figures.
 * What rests on pending studies is skipped by name, and fails as soon as one of their runs is in the store.
 */
export function testRecorded(finding: Finding): void {
  const pending = finding.studies.filter((study) => study.pending);
  const recorded = finding.studies.filter((study) => !study.pending);

  for (const { name } of pending) {
    test.skip(`the study ${name} is pending: none of its runs are recorded, so no table or figure of it is checked`);
    test(`the pending study ${name} has no runs in the store`, () => {
      expect(filesOf(name), `data/runs/${name} has runs: take "pending" from the study and write its goldens`).toEqual(
        [],
      );
    });
  }

  describe.skipIf(recorded.length === 0)(`the recorded runs of ${finding.name}`, () => {
    const paper = paperTablesOf(finding);
    const runs = () => recordedRuns(finding);

    test("give the stored tables", () => {
      for (const [name, rows] of Object.entries(finding.tables(runs(), paper))) expectGolden(name, rows);
    });

    test("give the stored verdicts", () => {
      const rows = finding
        .verdicts(runs(), paper)
        .map(({ claim, outcome, evidence, paper: theirs }): Row => ({ claim, outcome, evidence, paper: theirs }));
      expectGolden(`${finding.name}-verdicts`, rows);
    });

    test("give the stored figures", () => {
      for (const [name, figure] of Object.entries(finding.figures(runs(), paper, figureDocument()))) {
        const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
        const drawn = standaloneSvg(figureDocument(), figure.outerHTML, name);
        const stored = existsSync(file) ? readFileSync(file, "utf8") : "";
        expect(compareMarkup(stored, drawn), `figures/${name}.svg`).toBeUndefined();
      }
    });

    test.each(recorded.map((study) => [study.name, study] as const))(
      "of %s are all that lies in its folder",
      (name, study) => {
        const planned = new Set(planStudy(study).map(({ spec }) => `${runId(spec)}.json`));
        // Runs that another study plans too may lie in its folder; recordedRuns fails where one is nowhere.
        expect(filesOf(name).filter((file) => !planned.has(file))).toEqual([]);
      },
    );

    test("were made on a GPU", () => {
      for (const { id, provenance } of [...runs().values()].flat()) expect(provenance.software, id).toBe(false);
    });
  });
}
