import { describe, expect, test } from "vitest";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { scaling, scalingName } from "../../src/findings/scaling.js";
import { scalingLabel } from "../../src/findings/scaling-studies.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(scaling, {
  tables: [
    "scaling",
    "scaling-fits",
    "scaling-readings",
    "scaling-exponents",
    "scaling-learning-rates",
    "scaling-paper-fits",
    "scaling-paper-readings",
    "scaling-paper-exponents",
  ],
  figures: ["scaling", "scaling-between", "scaling-paper", "scaling-paper-between"],
});

describe("the recorded search of scaling's peak rates", () => {
  const runs = recordedRuns(scaling);
  const rows = scaling.tables(runs, paperTablesOf(scaling))["scaling-learning-rates"];

  test("has the fitted rate as the best of every Transformer, and for the others within 0.005 of the best, but for one", () => {
    const names = new Set<string>();
    for (const { label, spec } of runs.get("scaling")!) {
      const row = rows.find(({ model, lr }) => model === scalingName(label) && lr === spec.optimizer.lr);
      if (!row) continue;
      names.add(label);
      // The exception that notebook 06 names.
      if (label === "mamba d192 2e14") continue;
      const allowed = scalingLabel(label).model === "transformer" ? 0 : 0.005;
      expect(row.aboveBest, label).toBeLessThanOrEqual(allowed);
    }
    expect(names.size).toBe(24);
  });
});
