import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { blockRatio } from "../../src/findings/block-ratio.js";
import type { Row } from "../../src/findings/finding.js";
import { paperTable } from "../../src/findings/paper.node.js";
import { recordedRuns } from "../../src/findings/recorded.node.js";
import { packageStore } from "../../src/runs/store.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { expectGolden, hasGolden } from "./golden.js";

const paper = paperTable(blockRatio.paperTable);
const recorded = (learningRates = false) => recordedRuns(blockRatio, { learningRates });

// `braid run notebooks/02-block-ratio.ipynb --in-place` draws the figure; UPDATE_GOLDEN=1 writes the tables.
// The goldens are checked in with the recorded runs; before that there is nothing to compare.
describe.skipIf(!hasGolden("block-ratio") && process.env.UPDATE_GOLDEN !== "1")("the recorded block-ratio runs", () => {
  test("give the stored table", () => {
    expectGolden("block-ratio", blockRatio.table(recorded(), paper));
  });

  test("give the stored verdicts", () => {
    const rows = blockRatio
      .verdicts(recorded(), paper)
      .map(({ claim, outcome, evidence, paper: theirs }): Row => ({ claim, outcome, evidence, paper: theirs }));
    expectGolden("block-ratio-verdicts", rows);
  });

  test("give the stored table of learning rates", () => {
    expectGolden("block-ratio-learning-rates", blockRatio.learningRateTable(recorded(true)));
  });

  test("give the stored figure", () => {
    const drawn = standaloneSvg(
      figureDocument(),
      blockRatio.figure(recorded(), paper, figureDocument()).outerHTML,
      "block-ratio",
    );
    const file = fileURLToPath(new URL("../../figures/block-ratio.svg", import.meta.url));
    expect(compareMarkup(readFileSync(file, "utf8"), drawn)).toBeUndefined();
  });

  test("all use the learning rate that was best in the check, on average over the ratios", () => {
    const tried = new Map<number, number[]>();
    for (const { lr, nllPerToken } of blockRatio.learningRateTable(recorded(true)) as {
      lr: number;
      nllPerToken: number;
    }[])
      tried.set(lr, [...(tried.get(lr) ?? []), nllPerToken]);
    const sums = [...tried].map(([lr, losses]) => ({ lr, sum: losses.reduce((a, b) => a + b), count: losses.length }));
    expect(new Set(sums.map(({ count }) => count)), "every rate was tried with every ratio").toEqual(new Set([6]));
    const [best] = sums.sort((a, b) => a.sum - b.sum);
    expect(new Set(recorded().map(({ spec }) => spec.optimizer.lr))).toEqual(new Set([best.lr]));
  });

  test("were repeated at its own best rate for every ratio whose best in the check is another", () => {
    const best = blockRatio.learningRateTable(recorded(true)).filter((row) => row.best === "best");
    const used = new Map(recorded().map(({ label, spec }) => [label, spec.optimizer.lr]));
    const other = best
      .filter(({ ratio, lr }) => used.get(String(ratio)) !== lr)
      .map(({ ratio, lr }) => `${ratio} at ${lr}`);
    const repeated = recordedRuns(blockRatio, { ownRates: true });
    expect(new Set(repeated.map(({ label, spec }) => `${label} at ${spec.optimizer.lr}`))).toEqual(new Set(other));
  });

  test("are all that lies in their folders", () => {
    for (const [folder, runs] of [
      ["block-ratio", recorded()],
      ["block-ratio-lr", recorded(true)],
      ["block-ratio-own-rate", recordedRuns(blockRatio, { ownRates: true })],
    ] as const) {
      expect(readdirSync(join(packageStore, folder)).sort()).toEqual(runs.map(({ id }) => `${id}.json`).sort());
    }
  });

  test("come from five seeds, at least 16 million tokens each, on a GPU", () => {
    for (const { result, provenance } of recorded()) {
      expect(result.tokens).toBeGreaterThanOrEqual(16e6);
      expect(provenance.software).toBe(false);
    }
    expect(recorded()).toHaveLength(30);
  });
});
