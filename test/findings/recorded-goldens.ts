import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Finding, Row } from "../../src/findings/finding.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { planStudy } from "../../src/findings/study.js";
import { runId } from "../../src/runs/identity.js";
import { packageStore, readStore } from "../../src/runs/store.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { expectGolden } from "./golden.js";

/** Names of the tables and figures that a finding's recorded runs give. */
interface Given {
  tables: string[];
  figures: string[];
}

/**
 * Tests that a finding's recorded runs give these tables and figures and its verdicts, all as they are stored, and that they alone
 * lie in its folders. `braid run … --in-place` draws the figures, UPDATE_GOLDEN=1 writes the tables.
 */
export function testRecorded(finding: Finding, given: Given): void {
  const paper = paperTablesOf(finding);
  const runs = recordedRuns(finding);

  describe(`the finding ${finding.name}, as recorded`, () => {
    const tables = finding.tables(runs, paper);
    const figures = finding.figures(runs, paper, figureDocument());
    test("has its tables and figures", () => {
      expect({ tables: Object.keys(tables), figures: Object.keys(figures) }).toEqual(given);
    });

    test.each(Object.entries(tables))("gives the stored table %s", (name, rows) => {
      expectGolden(name, rows);
    });

    const verdicts = finding.verdicts(runs, paper);
    const rows = verdicts.map(
      ({ claim, outcome, evidence, change, paper: theirs }): Row => ({
        claim,
        outcome,
        evidence,
        change: change ?? null,
        paper: theirs,
      }),
    );
    if (rows.length > 0) test("gives the stored verdicts", () => expectGolden(`${finding.name}-verdicts`, rows));

    test.each(Object.entries(figures))("gives the stored figure %s", (name, figure) => {
      const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
      const drawn = standaloneSvg(figureDocument(), figure.outerHTML, name);
      expect(compareMarkup(readFileSync(file, "utf8"), drawn), `figures/${name}.svg`).toBeUndefined();
    });

    test("rests on runs made on a GPU", () => {
      for (const { id, provenance } of [...runs.values()].flat()) expect(provenance.software, id).toBe(false);
    });

    const place = new Map(readStore(packageStore).map((run) => [run.id, run.finding]));
    // A run that another study trained first lies there; a study that is pending may have some of its runs.
    test.each(finding.studies.map((study) => [study.name, study] as const))(
      "has its runs and no others in the folder %s",
      (name, study) => {
        const folder = join(packageStore, name);
        const stored = existsSync(folder) ? readdirSync(folder).sort() : [];
        const planned = planStudy(study).map(({ spec }) => runId(spec));
        const own = planned.filter((id) => (place.get(id) ?? name) === name).map((id) => `${id}.json`);
        const expected = study.pending ? own.filter((file) => stored.includes(file)) : own;
        expect(stored, `the runs in ${folder}`).toEqual(expected.sort());
      },
    );
  });
}
