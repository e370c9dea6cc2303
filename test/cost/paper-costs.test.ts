import { describe, expect, it } from "vitest";
import { checkCosts, costTables } from "../../src/findings/costs-checks.js";
import { costExceptions, misprints } from "../../src/findings/costs-exceptions.js";
import { paperTable } from "../../src/findings/paper.node.js";

const checks = costTables.flatMap(({ table, file }) => checkCosts(table, paperTable(file)));

describe.each(costTables)("Table $table", ({ table }) => {
  const ofTable = checks.filter((check) => check.table === table);
  const excused = new Set(
    costExceptions
      .filter((exception) => exception.table === table)
      .flatMap(({ rows, figure }) => rows.map((row) => `${row} ${figure}`)),
  );

  it("comes out as printed, but for the figures that are listed with a reason", () => {
    const differing = ofTable.filter(({ agrees }) => !agrees).map(({ row, figure }) => `${row} ${figure}`);
    expect(new Set(differing)).toEqual(excused);
  });

  it("prints something that comes out, within the printed digits", () => {
    const agreeing = ofTable.filter(({ agrees }) => agrees);
    expect(agreeing.length).toBeGreaterThan(ofTable.length / 2);
    for (const { figure, printed, computed } of agreeing) {
      const slack = { "train FLOPs": 0.05e20, cache: 0.5, params: 0.005, "total params": 0.005, tokens: 1, steps: 1 };
      expect(Math.abs(computed - printed)).toBeLessThanOrEqual(slack[figure] * (1 + 1e-9));
    }
  });
});

describe("all tables together", () => {
  it("print 572 costs, of which 477 come out", () => {
    expect(checks.length).toBe(572);
    expect(checks.filter(({ agrees }) => agrees).length).toBe(477);
    expect(checks.filter(({ reason }) => reason === "no reason known")).toEqual([]);
  });

  it("give the equal-FLOPs tokens of all sliding-window, Mamba and inter-layer rows of Tables 9 and 10", () => {
    const tokens = checks.filter(
      ({ figure, model, table }) => figure === "tokens" && model !== "Intra-H" && table < 11,
    );
    expect(tokens.map(({ computed }) => Math.round(computed))).toEqual([
      66, 70, 71, 73, 74, 73, 68, 73, 73, 73, 78, 82, 72, 80, 81, 81,
    ]);
    expect(tokens.every(({ agrees }) => agrees)).toBe(true);
  });

  it("reproduce the block counts that are misprinted only when they are corrected", () => {
    for (const { table, rows } of misprints) {
      const { file } = costTables.find((entry) => entry.table === table)!;
      const printed = paperTable(file);
      // Corrections go by place, so that a copy at the end of the table keeps its misprint.
      const copied = checkCosts(table, [...printed, printed[rows[0] - 1]]);
      expect(copied.filter(({ row, agrees }) => row > printed.length && !agrees).length).toBeGreaterThan(1);
    }
  });
});
