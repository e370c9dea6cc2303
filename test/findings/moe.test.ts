import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/config/index.js";
import { fourArchitectures } from "../../src/findings/models.js";
import { moe } from "../../src/findings/moe.js";
import { gains, moeTable, paperGain, paperMoe } from "../../src/findings/moe-losses.js";
import { moeStudies } from "../../src/findings/moe-studies.js";
import { alike, alikeMargin } from "../../src/findings/moe-verdicts.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import type { Interval } from "../../src/findings/stats.js";
import { planStudy } from "../../src/findings/study.js";
import { makeRecord } from "../../src/runs/record.js";
import type { RunRecord } from "../../src/runs/types.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

const paper = paperTablesOf(moe);
const table4 = paperMoe(paper[moeTable]);
const like = Object.fromEntries(fourArchitectures.map((key) => [key, paperGain(table4, key)]));

/** The study's runs: experts change the loss by what is given for each architecture, plus noise that seeds do not share. */
function fakeRuns(change: Readonly<Record<string, number>>, noise = 0.0005): RunRecord[] {
  return planStudy(moeStudies[0]).map((run, i) => {
    const [model, network] = run.label.split(" ");
    const experts = network === "experts";
    const loss = 4 + 0.05 * run.spec.seed + (experts ? change[model] : 0) + noise * Math.sin(97 * i);
    const routers = [...run.spec.config.pattern].map((_, layer) => ({
      layer,
      load: [0.25, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
      entropy: 0.5 * Math.log(8),
    }));
    const tasks = {
      cloze: { correct: 400, questions: 1000 },
      lastWord: { correct: 50, questions: 1000 },
      recall: { correct: 20, questions: 1000 },
    };
    const params = countParameters(run.spec.config);
    return makeRecord(run, { ...fakeResult(loss), params, tasks, ...(experts && { routers }) }, fakeProvenance);
  });
}

const runsOf = (runs: RunRecord[]) => new Map([["moe", runs]]);

describe("the table of experts", () => {
  const rows = moe.tables(runsOf(fakeRuns(like, 0)), paper);

  test("has a dense and a mixed model of each architecture, with the paper's loss beside the difference", () => {
    expect(rows.moe).toHaveLength(8);
    expect(rows.moe[1]).toMatchObject({
      model: "Transformer",
      network: "experts",
      seeds: 3,
      vsDense: -0.094,
      vsDenseHalf: 0,
      paper1B: 2.656,
      paper1BVsDense: -0.094,
      cloze: 40,
      lastWord: 5,
      recall: 2,
      paper1BAccuracy: 55.8,
      maxLoad: 2,
      entropy: 0.5,
    });
    expect(rows.moe[0]).toMatchObject({ network: "dense", vsDense: null, paper1BVsDense: null, maxLoad: null });
  });

  test("counts the weights a token passes alike, and more in all with experts", () => {
    const [dense, experts] = rows.moe;
    expect(Number(experts.activeWeights) / Number(dense.activeWeights)).toBeCloseTo(1, 1);
    expect(Number(experts.weights)).toBeGreaterThan(2 * Number(dense.weights));
  });

  test("of loads has a row a layer", () => {
    expect(rows["moe-load"].filter(({ model }) => model === "Transformer")).toHaveLength(16);
    expect(rows["moe-load"].at(-1)).toMatchObject({
      model: "Intra-hybrid",
      layer: 13,
      seeds: 3,
      maxLoad: 2,
      minLoad: 0.8,
    });
  });
});

describe("the verdicts on experts", () => {
  const outcomes = (runs: RunRecord[]) => moe.verdicts(runsOf(runs), paper).map(({ outcome }) => outcome);

  test("reproduce the paper from the paper's differences", () => {
    expect(outcomes(fakeRuns(like))).toEqual(["reproduced", "reproduced"]);
    const [lower, same] = moe.verdicts(runsOf(fakeRuns(like)), paper);
    expect(lower.parts).toHaveLength(4);
    expect(lower.paper).toContain("Transformer −0.094, Mamba −0.085, Inter-hybrid −0.082, Intra-hybrid −0.080");
    expect(same.parts).toHaveLength(6);
    expect(same.paper).toContain("at most 0.014");
  });

  test("contradict each claim where the losses do", () => {
    expect(outcomes(fakeRuns({ ...like, mamba: 0.05 }))).toEqual(["contradicted", "contradicted"]);
    const unlike = fakeRuns({ ...like, transformer: -0.15 });
    expect(outcomes(unlike)).toEqual(["reproduced", "contradicted"]);
    const { evidence, change } = moe.verdicts(runsOf(unlike), paper)[1];
    expect(evidence).toMatch(
      /: 3 of 6 pairs; open: 0; certainly further apart: gain of Transformer − of Mamba −0\.065 \[/,
    );
    expect(change).toMatch(/^It rests on gain of Transformer − of Mamba, .* The margin was fixed before the runs\.$/);
  });

  test("leave open what noise drowns or one seed gives, and say nothing of a part of the architectures", () => {
    expect(outcomes(fakeRuns(like, 0.2))).toEqual(["unresolved", "unresolved"]);
    const runs = fakeRuns(like);
    expect(outcomes(runs.filter(({ spec }) => spec.seed === 0))).toEqual(["unresolved", "unresolved"]);
    expect(outcomes(runs.filter(({ label }) => !label.startsWith("intra")))).toEqual([]);
    expect(moe.verdicts(new Map(), paper)).toEqual([]);
    expect(moe.tables(new Map(), paper)).toEqual({});
  });

  test("name the setting of a repeat", () => {
    const runs = new Map([["moe-bytes", fakeRuns(like)]]);
    expect(moe.verdicts(runs, paper)[0].claim).toContain(", on bytes.");
    expect(Object.keys(moe.tables(runs, paper))).toEqual(["moe-bytes", "moe-bytes-load"]);
  });

  test("of bytes have a byte's part of the margin, and nothing of the paper's tokens beside them", () => {
    const byte = (change: Record<string, number>) => new Map([["moe-bytes", fakeRuns(change, 0.0001)]]);
    const gains = { transformer: -0.02, mamba: -0.01, inter: -0.01, intra: -0.01 };
    const [, same] = moe.verdicts(byte(gains), paper);
    expect(same.claim).toContain("less than 0.0056 nats a byte (0.02 a token of 3.54 bytes), on bytes.");
    expect(same.outcome).toBe("contradicted");
    expect(same.evidence).toMatch(/gain of Transformer − of Mamba −0\.0[01]\d\d \[/);
    expect(moe.tables(byte(gains), paper)["moe-bytes"][1]).toMatchObject({ paper1B: null, paper1BVsDense: null });
    const figure = moe.figures(byte(gains), paper, figureDocument())["moe-bytes"].outerHTML;
    expect(figure).toContain("nats a byte");
    expect(figure).not.toContain("paper, 1B");
  });

  test("call gains alike inside the margin on both sides only", () => {
    const interval = (low: number, high: number): Interval => ({ mean: (low + high) / 2, sd: 0, low, high, n: 3 });
    expect(alike(interval(-0.01, 0.01), alikeMargin)).toBe("reproduced");
    expect(alike(interval(-0.03, 0.01), alikeMargin)).toBe("unresolved");
    expect(alike(interval(0.021, 0.04), alikeMargin)).toBe("contradicted");
    expect(alike(interval(-0.04, -0.021), alikeMargin)).toBe("contradicted");
  });
});

describe("the figures of experts", () => {
  test("name ours, the paper's, and every architecture", () => {
    const figures = moe.figures(runsOf(fakeRuns(like)), paper, figureDocument());
    expect(Object.keys(figures)).toEqual(["moe", "moe-load"]);
    for (const text of ["ours", "paper, 1B", "Transformer", "Mamba", "Inter-hybrid", "Intra-hybrid"])
      expect(figures.moe.outerHTML).toContain(`>${text}</text>`);
    expect(figures["moe-load"].querySelectorAll("circle")).toHaveLength(8 * (16 + 3 * 13));
  });

  test("pair by seed, and refuse two runs of one seed", () => {
    const runs = fakeRuns(like);
    expect(() => gains([...runs, runs[0]])).toThrow("two runs of transformer dense share seed 0");
  });
});
