import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { from } from "arquero";
import { describe, expect, it } from "vitest";
import { costVerdicts } from "../../src/findings/costs.js";
import { checkCosts, costTables } from "../../src/findings/costs-checks.js";
import { contextFigure, costFigure } from "../../src/findings/costs-figure.js";
import { sourceQualityRows, sourceRows, summaryArithmeticRows } from "../../src/findings/costs-sources.js";
import { agreementRows, costRows, exceptionRows } from "../../src/findings/costs-tables.js";
import type { Row } from "../../src/findings/finding.js";
import { paperTable } from "../../src/findings/paper.node.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";

const checks = costTables.flatMap(({ table, file }) => checkCosts(table, paperTable(file)));
const sources = {
  summaryCosts: paperTable("summary_table1_costs"),
  summaryQuality: paperTable("summary_table2_quality"),
  summaryExperts: paperTable("summary_table3_moe"),
  main: paperTable("table09"),
  experts: paperTable("table04"),
};

const tables: [name: string, rows: Row[]][] = [
  ["costs-table09", costRows(checks.filter(({ table }) => table === 9))],
  ["costs-table10", costRows(checks.filter(({ table }) => table === 10))],
  ["costs-agreement", agreementRows(checks)],
  ["costs-exceptions", exceptionRows(checks)],
  ["costs-sources", sourceRows(sources)],
  ["costs-sources-arithmetic", summaryArithmeticRows(sources)],
  ["costs-sources-quality", sourceQualityRows(sources)],
  [
    "costs-verdicts",
    costVerdicts().map(({ claim, paper, outcome, evidence }) => ({ claim, paper, outcome, evidence })),
  ],
];

/** Write the files anew with `npx vitest run test/cost -u` after a change that is meant. */
describe("the tables of the costs finding", () => {
  it.each(tables)("are those of data/golden/%s.csv", async (name, rows) => {
    await expect(`${from(rows).toCSV()}\n`).toMatchFileSnapshot(`../../data/golden/${name}.csv`);
  });
});

describe("the figures of the costs finding", () => {
  it.each([
    ["costs", costFigure],
    ["costs-context", contextFigure],
  ])("are those of figures/%s.svg", (name, draw) => {
    const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
    expect(existsSync(file)).toBe(true);
    const drawn = standaloneSvg(figureDocument(), draw(figureDocument()).outerHTML, name);
    expect(compareMarkup(readFileSync(file, "utf8"), drawn)).toBeUndefined();
  });
});

describe("the sources of the costs finding", () => {
  const holds = (source: string) => sourceRows(sources).filter((row) => String(row.holds).includes(source));

  it("are confirmed in 12 of 13 figures of version 3 and in 2 of 21 of the summary", () => {
    const printed = sourceRows(sources).filter(({ version3 }) => version3 !== null);
    expect([holds("version 3").length, printed.length]).toEqual([12, 13]);
    expect([holds("summary").length, sourceRows(sources).length]).toEqual([2, 21]);
  });

  it("give the paper's tables by the first part of their name, and list them for a wrong one", () => {
    expect(paperTable("table09")).toEqual(paperTable("table09_1b_all"));
    expect(() => paperTable("table99")).toThrow("tables are summary_table1_costs, summary_table2_quality");
  });
});
