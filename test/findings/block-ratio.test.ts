import { describe, expect, test } from "vitest";
import { BLOCK_RATIOS, blockRatioPattern, countParameters } from "../../src/config/index.js";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { blockRatioConfig, peakLearningRate, recordedData } from "../../src/findings/block-ratio-grid.js";
import type { GridData } from "../../src/findings/finding.js";
import { paperTable } from "../../src/findings/paper.node.js";
import { runId } from "../../src/runs/identity.js";
import { makeRecord } from "../../src/runs/record.js";
import type { RunRecord } from "../../src/runs/types.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

const paper = paperTable(blockRatio.paperTable);
const data: GridData = recordedData;

/** Runs of the grid with made-up losses: the paper's 350M differences, scaled, plus a shift a seed and some noise. */
function fakeRuns(scale = 1, noise = 0.0005): RunRecord[] {
  const offsets: Record<string, number> = {
    "1:0": 0,
    "0:1": -0.002,
    "1:1": -0.032,
    "1:3": -0.024,
    "1:5": -0.022,
    "1:12": -0.018,
  };
  return blockRatio.grid({ scale: "nano", data }).map((run) => {
    const wobble = Math.sin(97 * run.spec.seed + 13 * run.label.length + Number(run.label.at(-1)));
    const loss = 4 + 0.01 * run.spec.seed + scale * offsets[run.label] + noise * wobble;
    const params = countParameters(run.spec.config);
    return makeRecord(
      run,
      { ...fakeResult(loss), params: { total: params.total, nonEmbedding: params.nonEmbedding } },
      fakeProvenance,
    );
  });
}

describe("the grid of block-ratio", () => {
  test("has every ratio with five seeds, all ratios of a seed before the next seed", () => {
    const grid = blockRatio.grid({ scale: "nano", data });
    expect(grid.map(({ label, spec }) => `${label}/${spec.seed}`)).toEqual(
      [0, 1, 2, 3, 4].flatMap((seed) => BLOCK_RATIOS.map((ratio) => `${ratio}/${seed}`)),
    );
    expect(new Set(grid.map(({ spec }) => runId(spec))).size).toBe(30);
  });

  test("trains each on at least 16 million tokens of the same data in the same batches", () => {
    for (const { spec } of blockRatio.grid({ scale: "nano", data })) {
      expect(spec.tokens).toBeGreaterThanOrEqual(16e6);
      expect(spec.tokens % (spec.batch.sequences * spec.batch.length)).toBe(0);
      expect(spec.data).toEqual(data.identity);
      expect(spec.config.vocabSize).toBe(4096);
    }
  });

  test("matches all models within 2 % of their non-embedding parameters", () => {
    const counts = BLOCK_RATIOS.map((ratio) => countParameters(blockRatioConfig(ratio, "nano", 4096)).nonEmbedding);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.02);
  });

  test("keeps the paper's layers: 16 of attention alone, 13 of Mamba alone, hybrids as Table 16", () => {
    const counted = BLOCK_RATIOS.map((ratio) => {
      const { pattern } = blockRatioConfig(ratio, "nano", 4096);
      expect(pattern).toBe(blockRatioPattern("nano", ratio));
      return [ratio, pattern.replaceAll("M", "").length, pattern.replaceAll("T", "").length];
    });
    expect(counted).toEqual(
      paper
        .filter((row) => row.size === "1B")
        .map((row) => [row.ratio, row.n_attn ?? 0, row.n_ssm ?? 0])
        .sort(byRatio),
    );
  });

  test("can be narrowed to labels, seeds and tokens, and refuses labels that are no ratio", () => {
    const some = blockRatio.grid({ scale: "smoke", data, seeds: [4], labels: ["1:5", "1:0"], tokens: 512 });
    expect(some.map(({ label, spec }) => [label, spec.seed, spec.tokens])).toEqual([
      ["1:0", 4, 512],
      ["1:5", 4, 512],
    ]);
    expect(() => blockRatio.grid({ scale: "smoke", data, labels: ["2:1"] })).toThrow(
      '"2:1" is no ratio of block-ratio',
    );
  });

  test("takes other peak learning rates where they are given", () => {
    const grid = blockRatio.grid({ scale: "nano", data, seeds: [0], peakRates: { "1:5": 0.011 } });
    expect(grid.filter(({ spec }) => spec.optimizer.lr === 0.011).map(({ label }) => label)).toEqual(["1:5"]);
  });

  test("of the learning-rate check tries each ratio at each rate, under another finding", () => {
    const check = blockRatio.learningRateGrid({ scale: "nano", data, rates: [1e-3, 2e-3] });
    expect(check).toHaveLength(12);
    expect(new Set(check.map(({ finding }) => finding))).toEqual(new Set(["block-ratio-lr"]));
    expect(new Set(check.map(({ spec }) => spec.optimizer.lr))).toEqual(new Set([1e-3, 2e-3]));
  });
});

describe("the table of block-ratio", () => {
  test("gives losses, paired differences with their intervals and the paper's own", () => {
    const rows = blockRatio.table(fakeRuns(1, 0), paper);
    expect(rows.map(({ ratio }) => ratio)).toEqual([...BLOCK_RATIOS]);
    expect(rows.find(({ ratio }) => ratio === "1:5")).toEqual({
      ratio: "1:5",
      layers: 13,
      attention: 2,
      params: countParameters(blockRatioConfig("1:5", "nano", 4096)).nonEmbedding,
      lr: peakLearningRate,
      seeds: 5,
      nllPerToken: 3.998,
      sd: 0.0158,
      nllPerByte: 0.9995,
      vsTransformer: -0.022,
      vsTransformerHalf: 0,
      vsMamba: -0.02,
      vsMambaHalf: 0,
      paper350M: 2.86,
      paper350MVsTransformer: -0.022,
      paper350MVsMamba: -0.02,
      paper1B: 2.735,
      paper1BVsTransformer: -0.015,
      paper1BVsMamba: -0.023,
      flopsPerToken: expect.any(Number),
      cacheBytes8K: expect.any(Number),
    });
  });

  test("leaves the interval empty where one seed gives none", () => {
    const one = fakeRuns().filter(({ spec }) => spec.seed === 0);
    expect(blockRatio.table(one, paper)[1]).toMatchObject({ seeds: 1, sd: null, vsTransformerHalf: null });
  });

  test("refuses runs whose seeds do not pair, and two settings at once", () => {
    const runs = fakeRuns();
    expect(() => blockRatio.table(runs.slice(1), paper)).toThrow("block-ratio, 1:0 against 0:1: seed 0 is missing");
    expect(() => blockRatio.table([...runs, runs[0]], paper)).toThrow("two runs of 1:0 share a seed");
    expect(() =>
      blockRatio.table(
        runs.filter(({ label }) => label !== "0:1"),
        paper,
      ),
    ).toThrow("there are no runs of 0:1");
  });

  test("of learning rates marks each ratio's best", () => {
    const runs = blockRatio
      .learningRateGrid({ scale: "nano", data, rates: [1e-3, 3e-3], labels: ["1:5"] })
      .map((run) => makeRecord(run, fakeResult(run.spec.optimizer.lr === 1e-3 ? 4.2 : 4.1), fakeProvenance));
    expect(blockRatio.learningRateTable(runs)).toMatchObject([
      { ratio: "1:5", lr: 1e-3, nllPerToken: 4.2, aboveBest: 0.1, best: "" },
      { ratio: "1:5", lr: 3e-3, nllPerToken: 4.1, aboveBest: 0, best: "best" },
    ]);
  });
});

describe("the verdicts of block-ratio", () => {
  const outcomes = (runs: RunRecord[]) => blockRatio.verdicts(runs, paper).map(({ outcome }) => outcome);

  test("reproduce the paper from losses like the paper's", () => {
    expect(outcomes(fakeRuns())).toEqual(["reproduced", "reproduced", "reproduced"]);
    const [both] = blockRatio.verdicts(fakeRuns(), paper);
    expect(both.parts).toHaveLength(8);
    expect(both.evidence).toContain("8 of 8 comparisons hold.");
    expect(blockRatio.verdicts(fakeRuns(), paper)[2].paper).toContain(
      "1:5 is +0.010 at 350M and +0.010 at 1B against 1:1",
    );
    expect(both.paper).toContain("1:5 is −0.022 at 350M and −0.015 at 1B against the Transformer");
  });

  test("contradict it from losses with the opposite signs", () => {
    expect(outcomes(fakeRuns(-1))).toEqual(["contradicted", "contradicted", "reproduced"]);
  });

  test("leave it open when noise drowns the differences, or there is one seed", () => {
    expect(outcomes(fakeRuns(1, 0.05))).toEqual(["unresolved", "unresolved", "unresolved"]);
    expect(outcomes(fakeRuns().filter(({ spec }) => spec.seed === 0))).toEqual([
      "unresolved",
      "unresolved",
      "unresolved",
    ]);
  });

  test("say that 1:5 saves FLOPs and cache", () => {
    expect(blockRatio.verdicts(fakeRuns(), paper)[2].evidence).toMatch(
      /saves \d+ % of the training FLOPs and \d+ % of the cache/,
    );
  });
});

describe("the figure of block-ratio", () => {
  test("draws our ratios with intervals and names every curve", () => {
    const { outerHTML } = blockRatio.figure(fakeRuns(), paper, figureDocument());
    for (const name of ["ours", "paper 350M", "paper 1B"]) expect(outerHTML).toContain(`>${name}</text>`);
    for (const ratio of BLOCK_RATIOS) expect(outerHTML).toContain(`>${ratio}</text>`);
  });

  test("is the same markup from the same runs", () => {
    const draw = () => blockRatio.figure(fakeRuns(), paper, figureDocument()).outerHTML.replaceAll(/plot-\w+/g, "");
    expect(draw()).toBe(draw());
  });
});

function byRatio(a: (string | number | null)[], b: (string | number | null)[]): number {
  return BLOCK_RATIOS.indexOf(a[0] as "1:0") - BLOCK_RATIOS.indexOf(b[0] as "1:0");
}
