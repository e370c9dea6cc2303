/** Fusion, from made-up runs. Takes about 5 s. */
import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/config/index.js";
import type { Row, StudyRuns, Verdict } from "../../src/findings/finding.js";
import { fusion } from "../../src/findings/fusion.js";
import { thirds } from "../../src/findings/fusion-alpha.js";
import { fusionAxes, fusionAxis, pairsOf, paperEffect, paperLoss } from "../../src/findings/fusion-axes.js";
import { fusionDesigns } from "../../src/findings/fusion-designs.js";
import { paperDimensionTable } from "../../src/findings/fusion-dimensions.js";
import { fusionStudies } from "../../src/findings/fusion-studies.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import { planStudy, type Study } from "../../src/findings/study.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeStudyRuns, wobble } from "./fake-runs.js";

const paper = paperTablesOf(fusion);
const designs = fusionDesigns("smoke");
const labels = fusionStudies[0].variants.map(({ label }) => label);
const dimensions: Record<string, number> = { "2:1": -0.01, "1:1": 0, "1:2": 0.01, "1:10": 0.03 };

/** The paper's 1B losses, where subtracting helps too; `turn` -1 turns all differences round. */
const like = (turn: number) => (label: string, study: Study) => {
  if (study.name === "fusion-alpha") return 3.7;
  if (study.name === "fusion-dimensions") return 3.7 + turn * dimensions[label];
  const design = designs.find((known) => known.label === label)!;
  return 3.7 + turn * (paperLoss(paper, "1B", design) - 2.72 - (design.fusion === "Diff" ? 0.003 : 0));
};
const alphas = (turn: number, seed: number) =>
  Array.from({ length: 13 }, (_, layer) => ({
    layer,
    alpha:
      0.5 + turn * (0.02 + 0.05 * Math.cos((layer / 6) * Math.PI) + (layer === 0 ? 0.1 : 0)) + 0.002 * wobble(seed),
  }));
const others = fusion.studies.map(({ name }) => name).filter((name) => name !== "fusion-scalar");
const runsLike = (turn = 1, noise = 0.0003, studies: readonly string[] = others): StudyRuns =>
  fakeStudyRuns(fusion, {
    studies,
    loss: like(turn),
    noise,
    more: (_, seed, study) => (study.name === "fusion-alpha" ? { alphas: alphas(turn, seed) } : {}),
  });
const outcomes = (verdicts: Verdict[]) => verdicts.map(({ outcome }) => outcome);
const times = (outcome: string) => new Array(8).fill(outcome);

describe("the axes of fusion", () => {
  test("pair the designs of Table 18 that differ in one column alone", () => {
    expect(fusionAxes.map((axis) => [axis.name, pairsOf(axis, labels).length])).toEqual([
      ["group norm − none", 5],
      ["vector scale − none", 5],
      ["Diff-T's scalar − none", 0],
      ["subtract − add", 4],
      ["concatenate − add", 3],
      ["concatenate − subtract", 1],
      ["shared value − separate", 1],
      ["separate output − joint", 4],
    ]);
    const columns = ["norm", "scalar", "fusion", "value", "out"] as const;
    for (const axis of fusionAxes) {
      for (const { a, b } of pairsOf(axis, labels)) {
        expect(columns.filter((column) => a[column] !== b[column])).toEqual([axis.column]);
      }
    }
    expect(() => fusionAxis("nothing")).toThrow('no axis is called "nothing"');
  });

  test("use every design of the study", () => {
    const used = fusionAxes.flatMap((axis) => pairsOf(axis, labels).flatMap(({ a, b }) => [a.label, b.label]));
    expect(new Set(used)).toEqual(new Set(labels));
  });

  test("have the paper's effects of the same pairs", () => {
    const [hymba] = pairsOf(fusionAxis("group norm − none"), labels);
    expect([hymba.a.label, hymba.b.label]).toEqual(["Hymba", "T/M Scale Add Sep Joint"]);
    expect(paperEffect(paper, "1B", hymba)).toBeCloseTo(2.726 - 2.74, 10);
    expect(paperEffect(paper, "350M", hymba)).toBeCloseTo(2.861 - 2.872, 10);
  });

  test("mark pairs that are one model: subtracted or added with values or an output of attention's own", () => {
    const marked = fusionAxes.flatMap((axis) => pairsOf(axis, labels).filter(({ same }) => same));
    expect(marked.map(({ a }) => a.label)).toEqual([
      "T/M Diff Sep Sep",
      "T/M Group Diff Sep Sep",
      "T/M Group Scale Diff Sep Sep",
      "T/M Group Diff Sep Joint",
    ]);
  });

  test("match all models within 2 % of their weights", () => {
    const planned = fusionStudies.flatMap((study) => planStudy(study, { seeds: [0] }));
    const counts = planned.map(({ spec }) => countParameters(spec.config).nonEmbedding);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.02);
  });
});

describe("the tables of fusion", () => {
  test("give designs, axes and pairs beside the paper's", () => {
    const tables = fusion.tables(runsLike(1, 0), paper);
    expect(Object.keys(tables)).toEqual([
      ...["fusion", "fusion-axes", "fusion-pairs", "fusion-dimensions", "fusion-alpha", "fusion-repeats"],
      "fusion-learning-rates",
    ]);
    expect(tables["fusion-learning-rates"].map(({ model, lr }) => `${model} at ${lr}`)).toEqual(
      ["T/M Diff Sep Sep", "T/M Group Diff Sep Sep"].flatMap((model) =>
        [0.003, 0.006, 0.012].map((rate) => `${model} at ${rate}`),
      ),
    );
    expect(tables["fusion-repeats"]).toHaveLength(2 * 3);
    expect(tables.fusion).toHaveLength(15);
    expect(tables.fusion[0]).toMatchObject({
      ...{ row: 11, design: "Hymba", layers: 14, seeds: 3, vsBest: 0.017, paper1B: 2.726, paper350M: 2.861 },
    });
    expect(tables["fusion-axes"][0]).toEqual({
      ...{ axis: "group norm − none", pairs: 5, effect: -0.009, effectHalf: 0, paper1B: -0.009, paper350M: -0.0076 },
    });
    expect(tables["fusion-pairs"]).toHaveLength(23);
    expect(tables["fusion-dimensions"][0]).toMatchObject({
      ...{ ratio: "2:1", queries: 112, mamba: 128, vsEven: -0.01, paper350MVsEven: 0.029, paper1BVsEven: -0.004 },
    });
    expect(tables["fusion-alpha"]).toHaveLength(13);
  });

  test("take in the designs with Diff-T's scalar where they are trained", () => {
    const all = runsLike(1, 0.0003, [...others, "fusion-scalar"]);
    const tables = fusion.tables(all, paper);
    expect(tables.fusion).toHaveLength(20);
    expect(tables["fusion-axes"].map(({ axis, pairs }) => `${axis} ${pairs}`)).toEqual([
      ...["group norm − none 7", "vector scale − none 5", "Diff-T's scalar − none 2", "subtract − add 4"],
      ...["concatenate − add 3", "concatenate − subtract 1", "shared value − separate 3", "separate output − joint 5"],
    ]);
    const norm = (runs: StudyRuns) => fusion.verdicts(runs, paper)[0];
    expect(norm(all).evidence).toContain("mean over 7 pairs: −0.007 [");
    expect(norm(all).paper).toBe(
      "Tables 18 and 19, group norm − none, mean over 7 pairs: −0.007 at 350M and −0.007 at 1B.",
    );
    expect(norm(runsLike()).paper).toBe(
      "Tables 18 and 19, group norm − none, mean over 5 pairs: −0.008 at 350M and −0.009 at 1B; " +
        "over the 7 printed, of which 2 are not trained here, −0.007 at 350M and −0.007 at 1B.",
    );
  });

  test("average over pairs seed by seed, so that intervals count seeds", () => {
    const axis = fusion.tables(runsLike(1, 0.004), paper)["fusion-axes"][0];
    const runs = runsLike(1, 0.004).get("fusion")!;
    const lossOf = (label: string, seed: number) =>
      runs.find((run) => run.label === label && run.spec.seed === seed)!.result.validation.nllPerToken;
    const bySeed = [0, 1, 2].map((seed) => {
      const effects = pairsOf(fusionAxes[0], labels).map(({ a, b }) => lossOf(a.label, seed) - lossOf(b.label, seed));
      return effects.reduce((sum, effect) => sum + effect, 0) / effects.length;
    });
    const mean = bySeed.reduce((sum, effect) => sum + effect, 0) / 3;
    const sd = Math.sqrt(bySeed.reduce((sum, effect) => sum + (effect - mean) ** 2, 0) / 2);
    expect(axis.effect).toBeCloseTo(mean, 4);
    expect(axis.effectHalf).toBeCloseTo((4.3027 * sd) / Math.sqrt(3), 4);
  });

  test("say nothing of α where runs did not look at it", () => {
    const runs = fakeStudyRuns(fusion, { loss: () => 3.7, studies: ["fusion-alpha"] });
    expect(fusion.tables(runs, paper)).toEqual({});
    expect(fusion.figures(runs, paper, figureDocument())).toEqual({});
    expect(fusion.verdicts(runs, paper)).toEqual([]);
  });
});

describe("the verdicts of fusion", () => {
  test("reproduce the paper from losses like the paper's, and contradict it from the opposite", () => {
    const verdicts = fusion.verdicts(runsLike(), paper);
    expect(outcomes(verdicts)).toEqual(times("reproduced"));
    expect(verdicts[2].paper).toContain("subtract − add 0.000 at 350M and 0.000 at 1B");
    expect(verdicts[2].evidence).toContain("All 4 pairs of subtract and add are one model");
    const again =
      /mean over 4 pairs: .*\. With 1\d\.\dM weights T\/M Group Diff Sep Sep − T\/M Group Diff Sep Joint is −.*\. On bytes /;
    expect(verdicts[3].evidence).toMatch(again);
    expect(verdicts[4].paper).toContain("at 350M 2:1 − 1:1 +0.029");
    expect(outcomes(fusion.verdicts(runsLike(-1), paper))).toEqual(times("contradicted"));
  });

  test("say which steps of Table 20 the paper's own models do not bear out", () => {
    const changeBy = (nll: (row: Row) => Row["nll_dclm"]) => {
      const rows = paper[paperDimensionTable].map((row) => ({ ...row, nll_dclm: nll(row) }));
      return fusion.verdicts(runsLike(), { ...paper, [paperDimensionTable]: rows })[4].change;
    };
    const printed = changeBy((row) => row.nll_dclm);
    expect(printed).toBe(
      "More seeds narrow the intervals; the paper's own 350M models do not bear out the first step.",
    );
    const even = changeBy((row) => (row.size === "350M" ? 1 : row.nll_dclm));
    expect(even).toContain("350M models do not bear out the first step and the second step and the third step.");
    expect(changeBy((row) => String(row.dim_ratio_attn_to_mamba).length)).toContain("own 1B models");
  });

  test("leave it open with one seed, and leave out what was not trained", () => {
    const one = fakeStudyRuns(fusion, { loss: like(1), seeds: [0], studies: ["fusion", "fusion-dimensions"] });
    expect(outcomes(fusion.verdicts(one, paper))).toEqual(times("unresolved").slice(3));
    expect(fusion.verdicts(new Map(), paper)).toEqual([]);
    const some = one.get("fusion")!.filter(({ label }) => label !== "Hymba");
    // Hymba is in a pair of every claim about designs.
    expect(fusion.verdicts(new Map([["fusion", some]]), paper)).toEqual([]);
  });

  test("say of α with one seed that there is no interval", () => {
    const [own] = runsLike(1, 0).get("fusion-alpha")!;
    const [early] = fusion.verdicts(new Map([["fusion-alpha", [own]]]), paper);
    expect(early.outcome).toBe("unresolved");
    expect(early.evidence).toMatch(/first third is 0\.\d{3} \(one seed: no interval\); of the last third/);
  });

  test("take thirds of the layers by their centres", () => {
    expect(thirds([6, 6, 3, 3, 0, 0])).toEqual({ early: 6, middle: 3, late: 0 });
  });
});

describe("the figures of fusion", () => {
  test("name every axis, curve and layer, and are left out with their studies", () => {
    const figures = fusion.figures(runsLike(), paper, figureDocument());
    expect(Object.keys(figures)).toEqual(["fusion", "fusion-dimensions", "fusion-alpha"]);
    for (const axis of fusionAxes)
      expect(figures.fusion.outerHTML.includes(`>${axis.name} (`), axis.name).toBe(pairsOf(axis, labels).length > 0);
    for (const name of ["ours", "paper 1B", "1:10"]) {
      expect(figures["fusion-dimensions"].outerHTML).toContain(`>${name}</text>`);
    }
    expect(figures["fusion-alpha"].outerHTML).toContain(">12</text>");
    expect(fusion.figures(new Map(), paper, figureDocument())).toEqual({});
  });
});
