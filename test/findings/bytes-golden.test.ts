import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytes } from "../../src/findings/bytes.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(bytes, {
  tables: ["bytes", "bytes-leads", "bytes-costs", "bytes-learning-rates", "bytes-seeds", "bytes-effects"],
  figures: ["bytes", "bytes-lead"],
});

describe("the recorded runs of bytes", () => {
  const paper = paperTablesOf(bytes);
  const recorded = () => recordedRuns(bytes);

  test("are twelve a study and five of a seed's noise, made on a GPU", () => {
    for (const [study, runs] of recorded()) {
      expect(runs, study).toHaveLength(study === "bytes-seed-noise" ? 5 : 12);
      expect(new Set(runs.map(({ provenance }) => provenance.software))).toEqual(new Set([false]));
    }
  });

  test("scatter over seeds as the README says", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    for (const { model, sd } of bytes.tables(recorded(), paper)["bytes-seeds"])
      expect(readme).toContain(`${sd} nats a byte (${model})`);
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
