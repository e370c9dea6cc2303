import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { paperTablesOf, recordedRuns } from "../../src/findings/recorded.node.js";
import { planStudy } from "../../src/findings/study.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(blockRatio, {
  tables: [
    "block-ratio",
    "block-ratio-intra",
    "block-ratio-flops",
    "block-ratio-learning-rates",
    "block-ratio-learning-rates-mini",
    "block-ratio-sizes",
    "block-ratio-seeds",
    "block-ratio-seeds-mini",
    "block-ratio-effects",
    "block-ratio-comparisons",
  ],
  figures: ["block-ratio", "block-ratio-pareto"],
});

describe("the recorded block-ratio runs", () => {
  const paper = paperTablesOf(blockRatio);
  const recorded = () => recordedRuns(blockRatio);

  test("all use the learning rate that was best for each of the four architectures", () => {
    const rates = blockRatio.tables(recorded(), paper)["block-ratio-learning-rates"];
    const best = rates.filter((row) => row.best === "best").map(({ model, lr }) => `${model} at ${lr}`);
    // Mini has a rate of its own.
    const others = [...recorded()].flatMap(([study, runs]) => (/learning-rates|mini/.test(study) ? [] : runs));
    const used = new Set(others.map(({ spec }) => spec.optimizer.lr));
    expect(used.size).toBe(1);
    expect(best).toEqual(
      ["Transformer", "Mamba", "Inter-hybrid", "Intra-hybrid"].map((name) => `${name} at ${[...used][0]}`),
    );
  });

  test("come from the planned seeds on a GPU, as long as planned", () => {
    for (const [study, runs] of recorded()) {
      const planned = planStudy(blockRatio.studies.find(({ name }) => name === study)!);
      const seeds: Record<string, number> = {
        "learning-rates": 1,
        "learning-rates-mini": 1,
        "seed-noise": 5,
        "seed-noise-mini": 5,
      };
      expect(new Set(runs.map(({ spec }) => spec.seed)).size, study).toBe(seeds[study] ?? (/mini/.test(study) ? 2 : 3));
      expect(runs.map(({ result }) => result.tokens)).toEqual(planned.map(({ spec }) => spec.tokens));
      expect(runs.filter(({ provenance }) => provenance.software)).toEqual([]);
    }
    expect([...recorded().values()].map((runs) => runs.length)).toEqual([18, 18, 12, 3, 15, 12, 15, 8, 2, 12, 5]);
  });

  test("scatter over seeds as the README says", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const tables = blockRatio.tables(recorded(), paper);
    for (const { model, sd } of tables["block-ratio-seeds"]) expect(readme).toContain(`${sd} (${model})`);
    for (const { model, sd } of tables["block-ratio-seeds-mini"]) expect(readme).toContain(`${sd} (${model}) with 16M`);
    const effects = tables["block-ratio-effects"];
    const small = effects.filter(({ inNoise, outcome }) => Number(inNoise) <= 1.05 && outcome === "contradicted");
    expect(readme).toContain(`${small.map(({ comparison }) => comparison).join(", and ")}.`);
  });
});
