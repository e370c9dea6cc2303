/** Placement, from made-up runs. Takes about 5 s. */
import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/config/index.js";
import { paperSet } from "../../src/config/paper-sets.js";
import type { StudyRuns, Verdict } from "../../src/findings/finding.js";
import { placement } from "../../src/findings/placement.js";
import { layersOf } from "../../src/findings/placement-losses.js";
import { intraStudy, placementStudies } from "../../src/findings/placement-studies.js";
import { recordedData } from "../../src/findings/protocol.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import { type PlanOptions, planStudy, type Study } from "../../src/findings/study.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeStudyRuns } from "./fake-runs.js";

const paper = paperTablesOf(placement);

/** Losses as the paper finds them; `turn` -1 turns all differences round. */
const like = (turn: number) => (label: string) => {
  const depth = label.startsWith("layer ") ? Number(label.slice(6)) : 7;
  const [ratio, place] = label.split(" ");
  const even = ratio === "1:1";
  const worse = { front: 0.02, end: even ? 0 : 0.01, cluster: 0.01, sandwich: 0.02 }[place] ?? 0;
  return 3.7 + turn * (depth === 1 ? 0.04 : 0.002 * Math.abs(depth - 7) + worse);
};
const runsLike = (turn = 1, noise = 0.0003) => fakeStudyRuns(placement, { loss: like(turn), noise });
const without = (runs: StudyRuns, ...names: string[]): StudyRuns =>
  new Map([...runs].filter(([name]) => !names.includes(name)));
const outcomes = (verdicts: Verdict[]) => verdicts.map(({ outcome }) => outcome);
const times = (outcome: string) => new Array(8).fill(outcome);

describe("the studies of placement", () => {
  test("match all models within 2 % of their weights and put layers where Tables 17 and 21 do", () => {
    const planned = placementStudies.flatMap((study) => planStudy(study, { seeds: [0] }));
    const counts = planned.map(({ spec }) => countParameters(spec.config).nonEmbedding);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.02);
    const patternOf = (label: string) => planned.find((run) => run.label === label)!.spec.config.pattern;
    const placed = (label: string) => [...patternOf(label)].flatMap((letter, i) => (letter === "M" ? [] : [i + 1]));
    expect(placed("layer 13")).toEqual([13]);
    expect(placed("1:5 front")).toEqual(paperSet(17, "1b", "1:5", "front"));
    expect(placed("1:3 end")).toEqual(paperSet(17, "1b", "1:3", "end"));
    expect(placed("1:3 sandwich")).toEqual(paperSet(21, "1b", "1:3", "sandwich"));
    expect(placed("1:1 end")).toEqual([2, 4, 6, 8, 10, 12, 14]);
  });

  test("put full attention among windows where Table 11 does, and shrink its window with the training length", () => {
    const study = placementStudies.find(({ name }) => name === "placement-windows")!;
    const configs = new Map(planStudy(study, { seeds: [0] }).map(({ label, spec }) => [label, spec.config]));
    expect([...configs].map(([label, { pattern }]) => `${label} ${pattern}`)).toEqual([
      "1:1 front TSTSTSTSTSTSTSTS",
      "1:1 end STSTSTSTSTSTSTST",
      "1:3 front TSSTSSTSSTSSSSSS",
      "1:3 middle SSSTSSTSSTSSTSSS",
      "1:3 end SSSTSSTSSTSSSSST",
      "1:5 front TSSSSSSSTSSSTSSS",
      "1:5 middle SSSSTSSSTSSSTSSS",
      "1:5 end SSSSTSSSTSSSSSST",
    ]);
    // 512 + 64 of 8,192 tokens, at 1,024.
    expect(configs.get("1:5 middle")!.window).toEqual({ size: 64, sink: 8, rope: { theta: 10_000 } });
  });

  test("call three thirds early, middle and late, the first layer none of them", () => {
    expect((["early", "middle", "late"] as const).map((third) => layersOf(third))).toEqual([
      [2, 3, 4],
      [5, 6, 7, 8, 9],
      [10, 11, 12, 13],
    ]);
  });
});

describe("the tables of placement", () => {
  test("give each depth's difference to the middle, and the paper's at the same relative depth", () => {
    const rows = placement.tables(runsLike(1, 0), paper).placement;
    expect(rows.map(({ layer }) => layer)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    expect(rows[0]).toMatchObject({
      ...{ layer: 1, seeds: 3, nllPerToken: 3.75, sd: 0.01, cloze: 37, lastWord: 8, recall: 1.5 },
      ...{ vsMiddle: 0.04, vsMiddleHalf: 0, paper1B: 2.771, paper1BVsMiddle: 0.03 },
      ...{ paper350MLayer: "1 of 11", paper350M: 2.898, paper350MVsMiddle: 0.037 },
    });
    expect(rows[6]).toMatchObject({ vsMiddle: null, vsMiddleHalf: null, paper1B: 2.741, paper350MLayer: "6 of 11" });
    expect(rows[12]).toMatchObject({ paper1B: null, paper350MLayer: "11 of 11", paper350MVsMiddle: 0.005 });
  });

  test("give places beside the paper's", () => {
    const tables = placement.tables(runsLike(1, 0), paper);
    expect(tables["placement-ratios"]).toHaveLength(8);
    expect(tables["placement-ratios"][0]).toMatchObject({
      ...{ ratio: "1:1", place: "front", vsMiddle: 0.02, paper350MVsMiddle: 0.019, paper1BVsMiddle: 0.008 },
    });
    expect(tables["placement-intra"]).toHaveLength(9);
    expect(tables["placement-intra"].at(-1)).toMatchObject({
      ...{ ratio: "1:5", place: "sandwich", pattern: "HMMMMMMMMMMMH", vsScatter: 0.02, paper1BVsScatter: 0.018 },
    });
    expect(tables["placement-windows"]).toHaveLength(8);
    expect(tables["placement-windows"][2]).toMatchObject({
      ...{
        ratio: "1:3",
        place: "front",
        pattern: "TSSTSSTSSTSSSSSS",
        vsMiddle: 0.02,
        paper1B: 2.742,
        paper1BVsMiddle: 0.002,
      },
    });
  });

  test("give the comparisons that are made again at another size or on bytes, in nats a byte", () => {
    const rows = placement.tables(runsLike(1, 0), paper)["placement-repeats"];
    expect(rows.map(({ comparison, study }) => `${comparison}, ${study}`)).toEqual([
      "layer 7 − layer 1, placement",
      "layer 7 − layer 1, placement-mini",
      ...["", "-mini", "-bytes"].map((ending) => `1:5 middle − 1:5 front, placement-ratios${ending}`),
    ]);
    // Made-up runs have four bytes a token.
    expect(rows[1]).toMatchObject({ perByte: -0.01, perByteHalf: 0, seeds: 2, tokens: "bpe" });
    expect(placement.tables(without(runsLike(), "placement-mini"), paper)["placement-repeats"]).toHaveLength(3);
  });

  test("say in the verdicts what they came to, setting by setting", () => {
    const [first, , front] = placement.verdicts(runsLike(1, 0), paper);
    expect(first.evidence).toMatch(/\. With 1\d\.\dM weights layer 7 − layer 1 is −0\.040 \[−0\.040, −0\.040\]\.$/);
    expect(front.evidence).toContain("On bytes 1:5 middle − 1:5 front is −0.0200 [−0.0200, −0.0200] nats a byte.");
    const own = without(runsLike(1, 0), "placement-mini", "placement-ratios-mini", "placement-ratios-bytes");
    for (const { evidence } of placement.verdicts(own, paper)) expect(evidence).not.toMatch(/On bytes|weights/);
  });

  test("refuse runs whose seeds do not pair", () => {
    const runs = runsLike();
    const all = runs.get("placement")!;
    const some = new Map([["placement", all.filter(({ label, spec }) => label !== "layer 3" || spec.seed === 2)]]);
    expect(() => placement.tables(some, paper)).toThrow(
      "layer 3 against layer 7: of seeds 2 and 0, 1, 2 fewer than two pair",
    );
    expect(() => placement.tables(new Map([["placement", [...all, all[0]]]]), paper)).toThrow(
      "placement: two runs of layer 1 share seed 0",
    );
  });
});

describe("the run that diverged", () => {
  const rowOf = (label: string) =>
    placement
      .tables(runsLike(1, 0), paper)
      ["placement-intra"].find(({ ratio, place }) => `${ratio} ${place}` === label);

  test("leaves its model with the two other seeds, compared by those", () => {
    // Seed 1 adds 0.01: a mean of all three seeds less one of two would be off by it.
    expect(rowOf("1:3 sandwich")).toMatchObject({ seeds: 2, vsScatter: 0.02, vsScatterHalf: 0 });
    expect(rowOf("1:5 sandwich")).toMatchObject({ seeds: 3, vsScatter: 0.02, vsScatterHalf: 0 });
    const parts = placement.verdicts(runsLike(), paper).flatMap((verdict) => verdict.parts);
    const seeds = (name: string) => parts.find((part) => part.name === name)?.interval.n;
    expect(seeds("1:3 cluster − 1:3 sandwich")).toBe(2);
    expect(seeds("1:3 scatter − 1:3 cluster")).toBe(3);
  });

  test("is named by the verdict and in the figure, but not where no other model has its seed", () => {
    const told = "The run of 1:3 sandwich with seed 1 diverged at step 851: its comparisons rest on seeds 0 and 2.";
    expect(placement.verdicts(runsLike(), paper)[5].evidence).toContain(told);
    const others = fakeStudyRuns(placement, { loss: like(1), seeds: [0, 2] });
    expect(placement.verdicts(others, paper)[5].evidence).not.toContain("diverged");
    const { "placement-ratios": figure } = placement.figures(runsLike(), paper, figureDocument());
    expect(figure.outerHTML).toContain(">1:3 sandwich (2 seeds)</text>");
  });

  test("is planned with other sizes, data and lengths alone, and must be one of the study's", () => {
    const planned = (study: Study, options?: PlanOptions) =>
      planStudy(study, options).map(({ label, spec }) => `${label}, seed ${spec.seed}`);
    expect(planned(intraStudy)).toHaveLength(26);
    expect(planned(intraStudy)).not.toContain("1:3 sandwich, seed 1");
    expect(planned(intraStudy, { data: recordedData.bpe })).not.toContain("1:3 sandwich, seed 1");
    for (const other of [{ size: "smoke" }, { data: recordedData.bytes }, { tokens: 65_536 }] as const)
      expect(planned(intraStudy, other)).toContain("1:3 sandwich, seed 1");
    const misspelt = { ...intraStudy, diverged: [{ label: "1:3 sandwhich", seed: 1, step: 851 }] };
    expect(() => planStudy(misspelt)).toThrow(
      'diverged: the study placement-intra has no run "1:3 sandwhich" with seed 1',
    );
    const unplanned = { ...intraStudy, diverged: [{ label: "1:3 sandwich", seed: 3, step: 851 }] };
    expect(() => planStudy(unplanned)).toThrow('has no run "1:3 sandwich" with seed 3');
  });
});

describe("the verdicts of placement", () => {
  test("reproduce the paper from losses like the paper's, and contradict it from the opposite", () => {
    const verdicts = placement.verdicts(runsLike(), paper);
    expect(outcomes(verdicts)).toEqual(times("reproduced"));
    expect(verdicts[0].paper).toContain("−0.037 at 350M and −0.030 at 1B");
    expect(verdicts[1].parts).toHaveLength(12);
    expect(verdicts[1].paper).toContain("−0.019 at 350M and −0.017 at 1B");
    expect(verdicts[3].claim).toContain("layers 5 to 9 of 13");
    expect(verdicts[6].paper).toContain("1:3 −0.004, 1:5 −0.001; at 1:1, which the claim leaves out, +0.001");
    for (const { change } of verdicts) expect(change).toMatch(/\.$/);
    expect(outcomes(placement.verdicts(runsLike(-1), paper))).toEqual(times("contradicted"));
  });

  test("leave it open when noise drowns the differences, or there is one seed", () => {
    expect(outcomes(placement.verdicts(runsLike(1, 0.2), paper))).toContain("unresolved");
    const one = fakeStudyRuns(placement, { loss: like(1), seeds: [0] });
    expect(outcomes(placement.verdicts(one, paper))).toEqual(times("unresolved"));
  });

  test("leave out claims whose models were not trained", () => {
    expect(placement.verdicts(new Map(), paper)).toEqual([]);
    const others = ["placement-ratios", "placement-intra"];
    expect(placement.verdicts(without(runsLike(), ...others), paper)).toHaveLength(4);
    expect(placement.verdicts(without(runsLike(), ...others, "placement-windows"), paper)).toHaveLength(3);
    const two = runsLike()
      .get("placement")!
      .filter(({ label }) => label === "layer 1" || label === "layer 7");
    expect(placement.verdicts(new Map([["placement", two]]), paper)).toHaveLength(1);
  });
});

describe("the figures of placement", () => {
  test("name every curve and every comparison", () => {
    const figures = placement.figures(runsLike(), paper, figureDocument());
    expect(Object.keys(figures)).toEqual(["placement", "placement-ratios"]);
    for (const name of ["ours", "paper 350M", "paper 1B", "13"]) {
      expect(figures.placement.outerHTML).toContain(`>${name}</text>`);
    }
    for (const name of ["1:1 front", "1:5 end", "1:3 cluster", "1:1 sandwich", "Intra-hybrid, against scatter"]) {
      expect(figures["placement-ratios"].outerHTML).toContain(`>${name}</text>`);
    }
    expect(figures["placement-ratios"].outerHTML).toContain(">Sliding windows, against the middle</text>");
    expect(figures["placement-ratios"].outerHTML).not.toContain(">1:1 end</text>");
    const told = (...studies: string[]) =>
      placement.figures(without(runsLike(), ...studies), paper, figureDocument())["placement-ratios"].outerHTML;
    expect(told()).toContain("Paper: Tables 11, 17 and 21, one run each.");
    expect(told("placement-windows")).toContain("Paper: Tables 17 and 21, one run each.");
    expect(told("placement-windows", "placement-intra")).toContain("Paper: Table 17, one run each.");
  });

  test("are left out with their studies", () => {
    const some = without(runsLike(), "placement", "placement-intra");
    const figures = placement.figures(some, paper, figureDocument());
    expect(Object.keys(figures)).toEqual(["placement-ratios"]);
    expect(figures["placement-ratios"].outerHTML).not.toContain("Intra-hybrid");
    expect(placement.figures(new Map(), paper, figureDocument())).toEqual({});
    expect(placement.tables(new Map(), paper)).toEqual({});
  });
});
