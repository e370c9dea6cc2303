import { describe, expect, test } from "vitest";
import { BLOCK_RATIOS, blockRatioPattern, countParameters } from "../../src/config/index.js";
import { cost } from "../../src/cost/index.js";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { paretoFront } from "../../src/findings/block-ratio-pareto.js";
import type { Row, StudyRuns } from "../../src/findings/finding.js";
import { ratesSideBySide } from "../../src/findings/learning-rates.js";
import { paperTable } from "../../src/findings/paper.node.js";
import { protocols, recordedData } from "../../src/findings/protocol.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import { type PlanOptions, planStudy } from "../../src/findings/study.js";
import { runId } from "../../src/runs/identity.js";
import { makeRecord } from "../../src/runs/record.js";
import type { PlannedRun, RunRecord } from "../../src/runs/types.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

const paper = paperTablesOf(blockRatio);
const plan = (name: string, options?: PlanOptions): PlannedRun[] =>
  planStudy(blockRatio.studies.find((study) => study.name === name)!, options);
const [main, intra, equal] = ["block-ratio", "block-ratio-intra", "block-ratio-flops"] as const;
const [mambaEqual, more] = ["block-ratio-mamba-flops", "seed-noise"] as const;

/** The paper's 350M losses less its Transformer's, by study and label. */
const offsets: Record<string, Record<string, number>> = {
  [main]: { "1:0": 0, "0:1": -0.002, "1:1": -0.032, "1:3": -0.024, "1:5": -0.022, "1:12": -0.018 },
  [intra]: { "1:0": -0.043, "0:1": -0.002, "1:1": -0.037, "1:3": -0.034, "1:5": -0.032, "1:12": -0.03 },
  [equal]: { "1:1": -0.042, "1:3": -0.04, "1:5": -0.04, "1:12": -0.038 },
  [mambaEqual]: { "0:1": -0.024 },
  [more]: { "1:0": 0, "0:1": -0.002, "1:5": -0.022 },
  "seed-noise-mini": { "1:5": -0.022 },
};

/** Runs with made-up losses: the paper's differences, scaled, plus a shift a seed and some noise. */
function fakeRuns(
  options: PlanOptions & { scale?: number; noise?: number; studies?: readonly string[] } = {},
): StudyRuns {
  const { scale = 1, noise = 0.0002, studies = [main, intra, equal], seeds } = options;
  const record = (run: PlannedRun, study: string): RunRecord => {
    const { total, nonEmbedding } = countParameters(run.spec.config);
    const salt = 13 * run.label.length + Number(run.label.at(-1)) + 7 * study.length;
    const wobble = Math.sin(97 * run.spec.seed + (run.label === "0:1" ? 0 : salt * salt));
    const loss = 4 + 0.01 * run.spec.seed + scale * offsets[study][run.label] + noise * wobble;
    const score = { correct: 250 + 10 * run.spec.seed, questions: 1000 };
    const tasks = { cloze: score, lastWord: score, recall: score };
    const result = { ...fakeResult(loss), tokens: run.spec.tokens, params: { total, nonEmbedding }, tasks };
    return makeRecord(run, result, fakeProvenance);
  };
  return new Map(studies.map((name) => [name, plan(name, { seeds }).map((run) => record(run, name))]));
}

const without = (runs: StudyRuns, label: string): StudyRuns =>
  new Map([...runs].map(([name, own]) => [name, own.filter((run) => run.label !== label)]));

describe("the studies of block-ratio", () => {
  test("have every ratio with three seeds, all ratios of a seed before the next seed", () => {
    for (const name of [main, intra]) {
      expect(plan(name).map(({ label, spec }) => `${label}/${spec.seed}`)).toEqual(
        [0, 1, 2].flatMap((seed) => BLOCK_RATIOS.map((ratio) => `${ratio}/${seed}`)),
      );
    }
    const ids = [main, intra, equal].flatMap((name) => plan(name).map(({ spec }) => runId(spec)));
    expect(new Set(ids).size, "Mamba is both studies' 0:1").toBe(18 + 15 + 12);
  });

  test("train each on the same data in the same batches", () => {
    for (const { spec } of [main, intra].flatMap((name) => plan(name))) {
      expect(spec.tokens).toBe(protocols.nano.tokens);
      expect(spec.tokens % (spec.batch.sequences * spec.batch.length)).toBe(0);
      expect(spec.data).toEqual(recordedData.bpe.identity);
      expect(spec.config.vocabSize).toBe(4096);
    }
  });

  test("match all models within 2 % of their non-embedding parameters", () => {
    const counts = [main, intra].flatMap((name) =>
      plan(name, { seeds: [0] }).map(({ spec }) => countParameters(spec.config).nonEmbedding),
    );
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.02);
  });

  test("match training FLOPs to the Transformer's within a step, with its warm-up", () => {
    const flops = ({ spec: { config, batch, tokens } }: PlannedRun) =>
      cost(config, { context: batch.length, tokens }).trainFlops;
    const [transformer] = plan(main, { seeds: [0], labels: ["1:0"] });
    for (const name of [equal, "block-ratio-mamba-flops", "block-ratio-intra-flops"]) {
      for (const run of plan(name, { seeds: [0] })) {
        expect(flops(run) / flops(transformer)).toBeCloseTo(1, 3);
        expect(run.spec.tokens).toBeGreaterThan(transformer.spec.tokens);
        expect(run.spec.schedule.warmupOf).toBe(transformer.spec.tokens);
      }
    }
  });

  test("keep the paper's layers: 16 of attention alone, 13 of Mamba alone, hybrids as Tables 9 and 16", () => {
    const counts = (name: string, letter: string) =>
      plan(name, { seeds: [0] }).map(({ label, spec: { config } }) => {
        if (letter === "T") expect(config.pattern).toBe(blockRatioPattern("nano", label));
        const of = (wanted: string) => [...config.pattern].filter((found) => found === wanted).length;
        return [label, of(letter), of("M")];
      });
    const printed = paperTable("table16").filter((row) => row.size === "1B");
    expect(counts(main, "T")).toEqual(printed.map((row) => [row.ratio, row.n_attn ?? 0, row.n_ssm ?? 0]).sort(byRatio));
    const hybrids = paper.table09_1b_all.filter((row) => row.model === "Intra-H" && row.budget === "equal_data");
    expect(
      counts(intra, "H")
        .slice(0, 5)
        .map(([, ...layers]) => layers),
    ).toEqual(hybrids.map((row) => [row.n_hyb, row.n_ssm]));
  });

  test("can be narrowed to labels, seeds and tokens, and refuse labels that are no ratio", () => {
    const some = plan(main, { size: "smoke", seeds: [4], labels: ["1:5", "1:0"], tokens: 512 });
    expect(some.map(({ label, spec }) => [label, spec.seed, spec.tokens])).toEqual([
      ["1:0", 4, 512],
      ["1:5", 4, 512],
    ]);
    expect(() => plan(main, { labels: ["2:1"] })).toThrow('labels: "2:1" is not in the study block-ratio');
  });

  test("check learning rates for both parents and both 1:5 hybrids", () => {
    const rates = plan("learning-rates");
    expect(rates).toHaveLength(12);
    expect(new Set(rates.map(({ spec }) => spec.optimizer.lr))).toEqual(new Set([3e-3, 6e-3, 12e-3]));
  });
});

describe("the paper's rows", () => {
  test("of Tables 9 and 10 at equal data are those of Tables 5 and 16", () => {
    const rows = blockRatio.tables(fakeRuns(), paper)[main];
    for (const name of ["table05", "table16"]) {
      for (const { size, ratio, nll_dclm, acc_avg } of paperTable(name)) {
        const row = rows.find((own) => own.ratio === ratio)!;
        expect([row[`paper${size}`], row[`paper${size}Accuracy`]], `${name}: ${size} ${ratio}`).toEqual([
          nll_dclm,
          acc_avg,
        ]);
      }
    }
  });

  test("that are missing are named", () => {
    const short = { ...paper, table09_1b_all: paper.table09_1b_all.filter((row) => row.model !== "Mamba") };
    expect(() => blockRatio.tables(fakeRuns(), short)).toThrow("table09_1b_all.csv: 1 rows of Mamba at equal data");
  });
});

describe("the tables of block-ratio", () => {
  test("give losses, paired differences with their intervals and the paper's own", () => {
    const rows = blockRatio.tables(fakeRuns({ noise: 0 }), paper)[main];
    expect(rows.map(({ ratio }) => ratio)).toEqual([...BLOCK_RATIOS]);
    const [planned] = plan(main, { labels: ["1:5"] });
    expect(rows.find(({ ratio }) => ratio === "1:5")).toEqual({
      ratio: "1:5",
      model: "inter 1:5",
      layers: 13,
      attention: 2,
      params: countParameters(planned.spec.config).nonEmbedding,
      lr: protocols.nano.lr,
      seeds: 3,
      nllPerToken: 3.988,
      sd: 0.01,
      nllPerByte: 0.997,
      vsTransformer: -0.022,
      vsTransformerHalf: 0,
      vsMamba: -0.02,
      vsMambaHalf: 0,
      cloze: 26,
      lastWord: 26,
      recall: 26,
      paper350M: 2.86,
      paper350MVsTransformer: -0.022,
      paper350MVsMamba: -0.02,
      paper350MAccuracy: 49.4,
      paper1B: 2.735,
      paper1BVsTransformer: -0.015,
      paper1BVsMamba: -0.023,
      paper1BAccuracy: 53.3,
      flopsPerToken: expect.any(Number),
      cacheBytes8K: expect.any(Number),
    });
  });

  test("compare intra-hybrids with inter-hybrids of their ratio, where there is one", () => {
    const rows = blockRatio.tables(fakeRuns({ noise: 0 }), paper)[intra];
    expect(rows.map(({ model, vsInter, paper1BVsInter }) => [model, vsInter, paper1BVsInter ?? null])).toEqual([
      ["intra 1:0", null, null],
      ["intra 1:1", -0.005, -0.005],
      ["intra 1:3", -0.01, -0.009],
      ["intra 1:5", -0.01, -0.007],
      ["intra 1:12", -0.012, -0.005],
      ["Mamba", null, null],
    ]);
  });

  test("put runs of equal FLOPs beside the Transformer's run and the paper's rows, by rank of a misprinted one", () => {
    const rows = blockRatio.tables(fakeRuns({ noise: 0 }), paper)[equal];
    expect(rows.map(({ model, vsTransformer, paper1B }) => [model, vsTransformer, paper1B])).toEqual([
      ["Transformer", 0, 2.75],
      ["inter 1:1", -0.042, 2.71],
      ["inter 1:3", -0.04, 2.716],
      ["inter 1:5", -0.04, 2.716],
      ["inter 1:12", -0.038, 2.721],
    ]);
  });

  test("set decided comparisons against the scatter of five seeds, the smallest first", () => {
    const tables = blockRatio.tables(fakeRuns({ noise: 0, studies: [main, more] }), paper);
    expect(tables["block-ratio-seeds"].map(({ model, seeds, sd }) => [model, seeds, sd])).toEqual(
      ["Transformer", "inter 1:5", "Mamba"].map((model) => [model, 5, 0.0158]),
    );
    const effects = tables["block-ratio-effects"];
    expect(effects[0]).toMatchObject({ comparison: "inter 1:1 − inter 1:3", difference: -0.008, noise: 0.0158 });
    expect(effects.map(({ inNoise }) => inNoise)).toEqual([0.5, 0.6, 0.6, 0.9, 1, 1.1, 1.3, 1.4, 1.4, 1.5, 1.9, 2]);
    expect(blockRatio.tables(fakeRuns({ studies: [main] }), paper)).not.toHaveProperty("block-ratio-effects");
  });

  test("give the scatter of five seeds with larger models apart, and take none of it for that of the small ones", () => {
    const tables = blockRatio.tables(fakeRuns({ noise: 0, studies: ["seed-noise-mini"] }), paper);
    expect(tables).toEqual({
      "block-ratio-seeds-mini": [
        { model: "inter 1:5", seeds: 5, nllPerToken: 3.998, sd: 0.0158, lowest: 3.978, highest: 4.018 },
      ],
    });
  });

  test("leave out what has no runs", () => {
    const names = (studies: string[]) => Object.keys(blockRatio.tables(fakeRuns({ studies }), paper));
    expect(names([main])).toEqual([main, "block-ratio-comparisons"]);
    expect(names([intra])).toEqual([intra, "block-ratio-comparisons"]);
    expect(names([equal])).toEqual([equal]);
    const [row] = blockRatio.tables(fakeRuns({ studies: [intra] }), paper)[intra];
    expect(row).toMatchObject({ vsTransformer: null, vsMamba: -0.041, vsInter: null });
  });

  test("leave the interval empty where one seed gives none", () => {
    const one = blockRatio.tables(fakeRuns({ seeds: [0] }), paper)[main];
    expect(one[1]).toMatchObject({ seeds: 1, sd: null, vsTransformerHalf: null });
  });

  test("pair more seeds of one model with those that the other has", () => {
    const runs = new Map(fakeRuns({ noise: 0 }));
    runs.set(
      main,
      runs.get(main)!.filter(({ label, spec }) => label !== "1:3" || spec.seed !== 0),
    );
    const row = blockRatio.tables(runs, paper)[main][2];
    expect(row).toMatchObject({ model: "inter 1:3", seeds: 2, vsTransformer: -0.024 });
  });

  test("refuse seeds of which fewer than two pair, two settings at once, and labels that are no ratio", () => {
    const main0 = fakeRuns({ studies: [main] }).get(main)!;
    const table = (own: readonly RunRecord[]) => () => blockRatio.tables(new Map([[main, own]]), paper);
    expect(table(main0.filter(({ label, spec }) => (label === "1:0") === (spec.seed === 0)))).toThrow(
      "of seeds 1, 2 and 0 fewer than two pair",
    );
    const twice = { ...main0[0], id: "other" };
    expect(table([...main0, twice])).toThrow(
      "block-ratio: two runs of 1:0 share seed 0; compare one setting at a time",
    );
    expect(table([{ ...main0[0], label: "2:1" }])).toThrow('has the label "2:1", which is no ratio');
  });

  test("of learning rates mark each architecture's best", () => {
    const own = plan("learning-rates", { labels: ["inter"] }).map((run) =>
      makeRecord(run, fakeResult(run.spec.optimizer.lr === 6e-3 ? 4.1 : 4.2), fakeProvenance),
    );
    const tables = blockRatio.tables(new Map([["learning-rates", own]]), paper);
    expect(tables["block-ratio-learning-rates"]).toMatchObject([
      { model: "Inter-hybrid", lr: 3e-3, nllPerToken: 4.2, aboveBest: 0.1, best: "" },
      { model: "Inter-hybrid", lr: 6e-3, nllPerToken: 4.1, aboveBest: 0, best: "best" },
      { model: "Inter-hybrid", lr: 12e-3, aboveBest: 0.1 },
    ]);
    expect(ratesSideBySide(tables["block-ratio-learning-rates"])).toEqual([
      { model: "Inter-hybrid", "at 0.003": 4.2, "at 0.006": 4.1, "at 0.012": 4.2, best: 6e-3 },
    ]);
    const other = { model: "Mamba", lr: 1e-3, nllPerToken: 4, best: "best" };
    const rows = ratesSideBySide([...tables["block-ratio-learning-rates"].slice(0, 2), other]);
    expect(rows).toEqual([
      { model: "Inter-hybrid", "at 0.001": null, "at 0.003": 4.2, "at 0.006": 4.1, best: 6e-3 },
      { model: "Mamba", "at 0.001": 4, "at 0.003": null, "at 0.006": null, best: 1e-3 },
    ]);
    expect(Object.keys(rows[0])).toEqual(["model", "at 0.001", "at 0.003", "at 0.006", "best"]);
    // Means over seeds, of which one alone would have another best rate.
    const seeds = [4, 4.1, 4.4, 4.2].map((nllPerByte, i) => ({ model: "Mamba", lr: i % 2 ? 2e-3 : 1e-3, nllPerByte }));
    expect(ratesSideBySide(seeds)).toEqual([{ model: "Mamba", "at 0.001": 4.2, "at 0.002": 4.15, best: 2e-3 }]);
  });

  test("set the deciding comparisons of larger models beside those of small ones, where both are there", () => {
    const losses: Record<string, number> = { "1:0": 4.1, "1:1": 4.03, "1:5": 4.02, "0:1": 4 };
    const made = (study: string, lower: number) =>
      plan(study).map((run) =>
        makeRecord(run, fakeResult((losses[run.label] ?? 4.2) - (run.label === "1:5" ? lower : 0)), fakeProvenance),
      );
    const small = new Map([["block-ratio", made("block-ratio", 0)]]);
    expect(blockRatio.tables(small, paper)["block-ratio-sizes"]).toBeUndefined();
    const both = new Map([...small, ["block-ratio-mini", made("block-ratio-mini", 0.01)]]);
    const rows = blockRatio.tables(both, paper);
    expect(
      rows["block-ratio-sizes"].map(({ comparison, seeds, difference }) => [comparison, seeds, difference]),
    ).toEqual([
      ["inter 1:5 − Transformer", 3, -0.08],
      ["inter 1:5 − Transformer", 2, -0.09],
      ["inter 1:5 − Mamba", 3, 0.02],
      ["inter 1:5 − Mamba", 2, 0.01],
      ["inter 1:1 − inter 1:5", 3, 0.01],
      ["inter 1:1 − inter 1:5", 2, 0.02],
    ]);
    expect(rows["block-ratio-sizes"].map(({ inNoise }) => inNoise)).toEqual(new Array(6).fill(null));
    // The hybrid's seeds 2 to 4 at 4.03 to 4.05, beside two at 4.01 from the study of ratios: a standard deviation of 0.0179.
    const seeded = made("seed-noise-mini", 0).map((run) => ({
      ...run,
      result: { ...run.result, validation: { ...run.result.validation, nllPerToken: 4.01 + run.spec.seed / 100 } },
    }));
    const noisy = blockRatio.tables(new Map([...both, ["seed-noise-mini", seeded]]), paper);
    expect(noisy["block-ratio-seeds-mini"]).toMatchObject([{ model: "inter 1:5", seeds: 5, sd: 0.0179 }]);
    const inNoise = noisy["block-ratio-sizes"].map(({ seeds, inNoise: ratio }) => [seeds, ratio]);
    // The parents have two seeds at this size, and the small models three: none has a noise, but hybrids that of 1:5.
    expect(inNoise).toEqual([
      [3, null],
      [2, null],
      [3, null],
      [2, null],
      [3, null],
      [2, 1.1],
    ]);
    const [beats, , balance] = blockRatio.verdicts(both, paper);
    expect(beats.evidence).toMatch(/weights inter 1:1 − Transformer is .*, inter 1:5 − Mamba is \+0\.010 \[/);
    expect(balance.evidence).toMatch(/of the cache\. With .*M weights inter 1:5 − inter 1:1 is −0\.020 \[.*\]\.$/);
    expect(blockRatio.verdicts(small, paper)[0].evidence).not.toContain("weights");
  });
});

describe("the verdicts of block-ratio", () => {
  const verdicts = (runs: StudyRuns) => blockRatio.verdicts(runs, paper);
  const outcomes = (runs: StudyRuns) => verdicts(runs).map(({ outcome }) => outcome);

  test("reproduce the paper from losses like the paper's", () => {
    const all = verdicts(fakeRuns());
    expect(all.map(({ outcome }) => outcome)).toEqual(new Array(8).fill("reproduced"));
    expect(all.map(({ parts }) => parts.length)).toEqual([8, 5, 1, 10, 6, 1, 4, 4]);
    expect(all[0].evidence).toContain("8 of 8 comparisons hold.");
    expect(all[0].paper).toContain("1:5 is −0.022 at 350M and −0.015 at 1B against the Transformer");
    expect(all[2].paper).toContain("1:5 is +0.010 at 350M and +0.010 at 1B against 1:1");
    expect(all[6].paper).toContain("lower in 3 of 4 at 350M and 4 of 4 at 1B (not 1:1 at 350M)");
    expect(all[7].evidence).toMatch(/1:5 reads 20 % more tokens than the Transformer/);
    for (const { change } of all) expect(change).toMatch(/tokens a parameter: here 9, in the paper 171 \(350M\)/);
  });

  test("contradict it from losses with the opposite signs", () => {
    const all = verdicts(fakeRuns({ scale: -1 }));
    expect(all.map(({ outcome }) => outcome)).toEqual([
      "contradicted",
      "contradicted",
      "reproduced",
      "contradicted",
      "contradicted",
      "reproduced",
      "contradicted",
      "contradicted",
    ]);
    expect(all[6].change).toMatch(/^It rests on intra 1:1 − inter 1:1, /);
  });

  test("leave it open when noise drowns the differences, or there is one seed, and say how many seeds it would take", () => {
    const drowned = fakeRuns({ noise: 0.5 });
    expect(new Set(outcomes(drowned))).toEqual(new Set(["unresolved"]));
    expect(verdicts(drowned)[0].change).toMatch(/would need inter 1:1 − Transformer (about \d+|more than 100), /);
    const one = verdicts(fakeRuns({ seeds: [0] }));
    expect(new Set(one.map(({ outcome }) => outcome))).toEqual(new Set(["unresolved"]));
    expect(one[0].change).toBe("More seeds: one gives no interval.");
  });

  test("say only what the models that are there can say", () => {
    expect(verdicts(fakeRuns({ studies: [main] }))).toHaveLength(3);
    expect(verdicts(fakeRuns({ studies: [intra] })).map(({ claim }) => claim)).toEqual([
      expect.stringMatching(/^The intra-layer 1:5 is the balance/),
    ]);
    expect(verdicts(without(fakeRuns({ studies: [main] }), "1:12"))).toEqual([
      expect.objectContaining({ claim: expect.stringMatching(/^The inter-layer 1:5/) }),
    ]);
    expect(verdicts(new Map())).toEqual([]);
  });

  test("say that 1:5 saves FLOPs and cache", () => {
    expect(verdicts(fakeRuns())[2].evidence).toMatch(
      /saves 7 % of the training FLOPs at the length trained; .* 42 %, and 69 % of the cache/,
    );
  });
});

describe("the figures of block-ratio", () => {
  const draw = (runs: StudyRuns) => blockRatio.figures(runs, paper, figureDocument());

  test("draw our ratios with intervals and name every curve", () => {
    const figures = draw(fakeRuns());
    const { outerHTML } = figures["block-ratio"];
    for (const name of ["Inter-hybrids", "Intra-hybrids", "Transformer, 350M", "Intra-hybrids, 1B", ...BLOCK_RATIOS]) {
      expect(outerHTML).toContain(`>${name}</text>`);
    }
    expect(figures["block-ratio-pareto"].outerHTML).toContain(">paper, intra</text>");
    expect(figures["block-ratio-pareto"].querySelectorAll("svg")).toHaveLength(2);
  });

  test("draw quality against cost at equal FLOPs, too, where Mamba was trained for them", () => {
    const pareto = draw(fakeRuns({ studies: [main, intra, equal, mambaEqual] }))["block-ratio-pareto"];
    expect(pareto.querySelectorAll("svg")).toHaveLength(3);
    expect(pareto.outerHTML).toContain("equal FLOPs: loss − loss of Mamba");
  });

  test("draw inter-hybrids alone, and nothing without Mamba", () => {
    expect(draw(fakeRuns({ studies: [main] }))["block-ratio"].outerHTML).not.toContain(">Intra-hybrids</text>");
    expect(draw(without(fakeRuns({ studies: [main] }), "0:1"))).toEqual({});
    expect(Object.keys(draw(fakeRuns({ studies: [intra] }))), "without the Transformer").toEqual(["block-ratio"]);
    expect(draw(fakeRuns({ studies: [equal] }))).toEqual({});
  });

  test("are the same markup from the same runs", () => {
    const markup = () => Object.values(draw(fakeRuns())).map(({ outerHTML }) => outerHTML.replaceAll(/plot-\w+/g, ""));
    expect(markup()).toEqual(markup());
  });

  test("have a front of what none beats in both respects", () => {
    const points = [
      { cost: 3, value: 1 },
      { cost: 1, value: 2 },
      { cost: 2, value: 3 },
      { cost: 4, value: 0 },
      { cost: 4, value: 5 },
    ];
    expect(paretoFront(points).map(({ cost: x, value }) => [x, value])).toEqual([
      [1, 2],
      [3, 1],
      [4, 0],
    ]);
  });
});

function byRatio(a: Row[string][], b: Row[string][]): number {
  return BLOCK_RATIOS.indexOf(a[0] as "1:0") - BLOCK_RATIOS.indexOf(b[0] as "1:0");
}
