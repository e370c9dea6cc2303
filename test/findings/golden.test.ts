import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromCSV } from "arquero";
import { describe, expect, test } from "vitest";
import type { Row } from "../../src/findings/finding.js";
import { expectGolden } from "./golden.js";

// With UPDATE_GOLDEN=1 nothing is compared, and these would write what they made up.
describe.skipIf(process.env.UPDATE_GOLDEN === "1")("a golden table", () => {
  const file = fileURLToPath(new URL("../../data/golden/smoke-training.csv", import.meta.url));
  const rows = fromCSV(readFileSync(file, "utf8").trimEnd()).objects() as Row[];

  test("agrees with itself", () => {
    expect(() => expectGolden("smoke-training", rows)).not.toThrow();
  });

  test("differs by file, row and column", () => {
    const changed = [rows[0], { ...rows[1], trainLoss: 1 }];
    expect(() => expectGolden("smoke-training", changed)).toThrow(
      /^data\/golden\/smoke-training\.csv, row 2 \(1:1, 1\), column trainLoss: stored [\d.]+, computed 1$/,
    );
    expect(() => expectGolden("smoke-training", changed, 0.1)).toThrow("column trainLoss");
    expect(() =>
      expectGolden("smoke-training", [{ ...rows[0], trainLoss: Number(rows[0].trainLoss) + 0.05 }, rows[1]], 0.1),
    ).not.toThrow();
  });

  test("differs by a missing row and a missing file", () => {
    expect(() => expectGolden("smoke-training", rows.slice(1))).toThrow("2 rows are stored, 1 are computed");
    expect(() => expectGolden("nothing", rows)).toThrow("data/golden/nothing.csv does not exist");
  });
});
