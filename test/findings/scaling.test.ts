import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/config/index.js";
import { cost } from "../../src/cost/index.js";
import { Rng } from "../../src/data/rng.js";
import { fourArchitectures } from "../../src/findings/models.js";
import { protocols, recordedData } from "../../src/findings/protocol.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import { ourFits, paperFits, scaling } from "../../src/findings/scaling.js";
import { resample } from "../../src/findings/scaling-bootstrap.js";
import { fitLaw, lawOptimum } from "../../src/findings/scaling-law.js";
import type { IsoPoint } from "../../src/findings/scaling-optima.js";
import {
  aroundBest,
  exponent,
  fitParabolas,
  isBracketed,
  lossAt,
  optimalSize,
} from "../../src/findings/scaling-parabola.js";
import { fitReading } from "../../src/findings/scaling-reading.js";
import { runReadings } from "../../src/findings/scaling-runs.js";
import { scalingBudgets, scalingLabel, scalingStudies } from "../../src/findings/scaling-studies.js";
import { sd } from "../../src/findings/stats.js";
import { type PlanOptions, planStudy, type Study } from "../../src/findings/study.js";
import { runId } from "../../src/runs/identity.js";
import { makeRecord } from "../../src/runs/record.js";
import type { RunRecord } from "../../src/runs/types.js";
import { stepsOf, warmupSteps } from "../../src/train/schedule.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

const paper = paperTablesOf(scaling);
const [study] = scalingStudies;

/** Optimal size of an architecture at a budget, in the runs that are made up here. */
const optimum = (model: string, budget: number, factors: Readonly<Record<string, number>>) =>
  factors[model] * 2e6 * (budget / 4e14) ** 0.5;

/** The study's runs with losses from parabolas of known minima, and a little noise. */
function fakeRuns(factors: Readonly<Record<string, number>>, noise = 0.0005, seeds = [0]): RunRecord[] {
  const rng = new Rng(1, "fake scaling");
  return planStudy(study, { seeds }).map((run) => {
    const { model, budget } = scalingLabel(run.label);
    const params = countParameters(run.spec.config);
    const away = Math.log(params.nonEmbedding / optimum(model, budget, factors));
    const loss = 4 - 0.2 * Math.log(budget / 4e14) + 0.06 * away ** 2 + noise * rng.normal();
    const steps = stepsOf(run.spec);
    const result = { ...fakeResult(loss), steps, tokens: run.spec.tokens, params };
    return makeRecord(run, result, fakeProvenance);
  });
}

const between = { transformer: 1.6, inter: 1.3, intra: 1.2, mamba: 1 };
const runsOf = (runs: RunRecord[]) => new Map([["scaling", runs]]);

describe("the scaling studies", () => {
  test("have four architectures at four widths and more, at four budgets, matched within 2 %", () => {
    const plan = planStudy(study);
    expect(plan).toHaveLength(68);
    const widths = new Set(plan.map(({ spec }) => spec.config.dModel));
    for (const width of widths) {
      const same = plan.filter(({ spec }) => spec.config.dModel === width);
      const counts = same.map(({ spec }) => countParameters(spec.config).nonEmbedding);
      expect(Math.max(...counts) / Math.min(...counts), `width ${width}`).toBeLessThan(1.036);
      expect(new Set(same.map(({ spec }) => spec.optimizer.lr)).size).toBe(1);
    }
    for (const key of fourArchitectures)
      for (const budget of scalingBudgets)
        expect(
          plan.filter(({ label }) => scalingLabel(label).model === key && scalingLabel(label).budget === budget).length,
        ).toBeGreaterThanOrEqual(4);
  });

  test("search the peak rate at four widths, whose own runs they share, and fit none of it", () => {
    const search = scalingStudies.find(({ name }) => name === "scaling-learning-rates")!;
    const plan = planStudy(search);
    const known = new Set(planStudy(study).map(({ spec }) => runId(spec)));
    expect(plan).toHaveLength(58);
    // One of every model's rates is the one it is fitted at.
    const models = new Set(plan.map(({ label }) => label));
    expect(models.size).toBe(4 + 2 + 2 + 16);
    const fitted = plan.filter(({ spec }) => known.has(runId(spec)));
    expect(new Set(fitted.map(({ label }) => label))).toEqual(models);
    expect(fitted).toHaveLength(models.size);
    const searched = plan.map((run, i) =>
      makeRecord(run, { ...fakeResult(4 + i), params: countParameters(run.spec.config) }, fakeProvenance),
    );
    const alone = scaling.tables(new Map([[search.name, searched]]), paper);
    expect(alone["scaling-learning-rates"]).toHaveLength(58);
    expect(alone.scaling).toBeUndefined();
  });

  test("leave out the one rate at which a model diverged", () => {
    const search = scalingStudies.find(({ name }) => name === "scaling-learning-rates")!;
    const rates = (of: Study, label: string, options: PlanOptions = {}) =>
      planStudy(of, { ...options, labels: [label] }).map(({ spec }) => spec.optimizer.lr);
    expect(rates(search, "mamba d64 2e14")).toEqual([6e-3, 12e-3]);
    expect(rates(search, "inter d64 2e14")).toEqual([6e-3, 12e-3, 24e-3]);
    for (const other of [{ size: "smoke" }, { data: recordedData.bytes }, { tokens: 65_536 }, { seeds: [1] }] as const)
      expect(rates(search, "mamba d64 2e14", other)).toEqual([6e-3, 12e-3, 24e-3]);
    const all = { ...search, diverged: [{ label: "mamba d64 2e14", seed: 0, step: 355 }] };
    expect(rates(all, "mamba d64 2e14")).toEqual([]);
    // The rate of a study's size, which its runs have where it says none, is known at other sizes too.
    const plain = { ...study, variants: [{ ...study.variants[0], rates: undefined }] };
    const [{ label }] = plain.variants;
    const gone = { ...plain, diverged: [{ label, seed: 0, lr: protocols.nano.lr, step: 1 }] };
    expect(rates(gone, label)).toEqual([]);
    expect(rates(gone, label, { size: "smoke" })).toEqual([protocols.smoke.lr]);
    const misspelt = { ...search, diverged: [{ label: "mamba d64 2e14", seed: 0, lr: 2e-3, step: 355 }] };
    expect(() => planStudy(misspelt)).toThrow(
      'diverged: the study scaling-learning-rates has no run "mamba d64 2e14" with seed 0 and learning rate 0.002',
    );
  });

  test("spend each budget to the step, and share the smallest budget's warm-up", () => {
    const plan = planStudy(study);
    for (const { label, spec } of plan) {
      const { model, dModel, budget } = scalingLabel(label);
      const { trainFlops, flopsPerToken } = cost(spec.config, { context: 1024, tokens: spec.tokens });
      expect(Math.abs(trainFlops - budget)).toBeLessThanOrEqual((flopsPerToken * 16 * 1024) / 2 + 1);
      const smallest = plan.find((run) => run.label === `${model} d${dModel} 2e14`)!;
      expect(warmupSteps(spec)).toBe(warmupSteps(smallest.spec));
      expect(stepsOf(spec)).toBeGreaterThanOrEqual(100);
    }
  });

  test("train three widths at one budget as a smoke test", () => {
    const plan = planStudy(study, { size: "smoke" });
    expect(plan).toHaveLength(6);
    expect(new Set(plan.map(({ spec }) => spec.config.dModel))).toEqual(new Set([32, 64, 96]));
  });

  test("refuse labels of others", () => {
    expect(() => scalingLabel("1:5")).toThrow('the label "1:5" is not of the form');
  });
});

describe("parabolas", () => {
  const parabola = { curvature: 0.05, centre: Math.log(3e6), lowest: 3.5 };
  const at = (sizes: number[]) => sizes.map((size) => ({ size, loss: lossAt(parabola, size) }));

  test("are recovered from points on them, alone and with a shared curvature", () => {
    const other = { ...parabola, centre: Math.log(5e6), lowest: 3.2 };
    const two = [1e6, 9e6].map((size) => ({ size, loss: lossAt(other, size) }));
    expect(optimalSize(fitParabolas([at([1e6, 2e6, 8e6])])[0])).toBeCloseTo(3e6, 0);
    const [first, second] = fitParabolas([at([1e6, 2e6, 4e6, 8e6]), two], true);
    expect(optimalSize(first)).toBeCloseTo(3e6, 0);
    expect(optimalSize(second)).toBeCloseTo(5e6, 0);
    expect(second.lowest).toBeCloseTo(3.2, 10);
  });

  test("say where there is no optimum, and which is extrapolated", () => {
    const upside = [1e6, 2e6, 4e6].map((size) => ({ size, loss: 4 - lossAt(parabola, size) }));
    expect(optimalSize(fitParabolas([upside])[0])).toBeNaN();
    const right = at([4e6, 6e6, 8e6]);
    expect(isBracketed(fitParabolas([right])[0], right)).toBe(false);
    expect(() => fitParabolas([at([1e6, 2e6])])).toThrow("three sizes");
  });

  test("of the sizes around the best leave the far ones out", () => {
    const points = at([1e6, 2e6, 4e6, 8e6, 16e6]);
    expect(aroundBest(points, 3).map(({ size }) => size)).toEqual([2e6, 4e6, 8e6]);
    expect(aroundBest(points, 4).map(({ size }) => size)).toEqual([1e6, 2e6, 4e6, 8e6]);
    expect(aroundBest(at([4e6, 8e6, 16e6, 32e6]), 3).map(({ size }) => size)).toEqual([4e6, 8e6, 16e6]);
  });

  test("power laws have their exponent", () => {
    expect(exponent([1, 2, 4].map((x) => [x, 7 * x ** 0.6] as const))).toBeCloseTo(0.6, 10);
    expect(exponent([[1, 2]])).toBeNaN();
  });
});

describe("the parametric law", () => {
  test("is recovered from losses that follow it, and gives the optimum of its closed form", () => {
    const points = [1e6, 2e6, 4e6, 8e6].flatMap((size) =>
      [1e7, 3e7, 9e7].map((tokens) => ({ size, tokens, loss: 1.7 + 400 / size ** 0.4 + 2000 / tokens ** 0.5 })),
    );
    const law = fitLaw(points);
    expect(law.alpha).toBeCloseTo(0.4, 1);
    expect(law.beta).toBeCloseTo(0.5, 1);
    expect(law.floor).toBeCloseTo(1.7, 1);
    const budget = 4e14;
    // d/dN of A / N^a + B (6 N / C)^b is zero here.
    const closed = ((0.4 * 400) / (0.5 * 2000 * (6 / budget) ** 0.5)) ** (1 / 0.9);
    const found = lawOptimum(law, (size) => budget / (6 * size), [1e4, 1e9]);
    expect(Math.abs(Math.log(found / closed))).toBeLessThan(0.05);
    expect(lawOptimum(law, (size) => budget / (6 * size), [closed * 2, closed * 9])).toBeNaN();
    expect(() => fitLaw(points.slice(0, 5))).toThrow("6 points");
  });
});

describe("readings of our runs", () => {
  test("recover the optima that the losses were made from, within their intervals", () => {
    const [all] = ourFits(runsOf(fakeRuns(between)));
    expect(all.compared.length).toBeGreaterThanOrEqual(3);
    for (const { model, budget, size } of all.optima.filter((one) => one.bracketed)) {
      const truth = optimum(model, budget, between);
      expect(Math.abs(Math.log(size.value / truth)), `${model} ${budget}`).toBeLessThan(0.05);
      expect(size.low).toBeLessThan(size.value);
      expect(size.high).toBeGreaterThan(size.value);
    }
    for (const { estimate } of all.exponents) expect(estimate.value).toBeCloseTo(0.5, 1);
    const ratio = all.ratios.find(({ model, other }) => model === "inter" && other === "mamba")!;
    expect(ratio.interval.mean).toBeCloseTo(Math.log(1.3), 1);
  });

  test("fit the law where every architecture has the points for it", () => {
    const all = fakeRuns(between);
    const lawless = (runs: typeof all) => runReadings(runs).every(({ method }) => method !== "law");
    expect(lawless(all)).toBe(false);
    const mambas = all.filter(({ label }) => scalingLabel(label).model === "mamba").slice(0, 5);
    const others = all.filter(({ label }) => scalingLabel(label).model !== "mamba");
    expect(others.length).toBeGreaterThan(40);
    expect(lawless([...others, ...mambas])).toBe(true);
  });

  test("are the same each time, seed by seed, and move with the noise", () => {
    const points = (noise: number): IsoPoint[] =>
      fakeRuns(between, noise).flatMap(({ label, result }) => {
        const { model, dModel, budget } = scalingLabel(label);
        const { tokens, params, validation } = result;
        return model === "mamba"
          ? [{ model, budget, step: `d${dModel}`, tokens, size: params.nonEmbedding, loss: validation.nllPerToken }]
          : [];
      });
    const draw = (noise: number) =>
      resample([points(noise)], "all", 20, new Rng(3, "test"))[0].map((sizes) => sizes.get(8e14)!);
    expect(draw(0.002)).toEqual(draw(0.002));
    const spread = (values: number[]) => Math.max(...values) / Math.min(...values) - 1;
    expect(spread(draw(0.01))).toBeGreaterThan(3 * spread(draw(0.001)));
  });

  test("keep what all architectures' misfits have in common out of their ratios", () => {
    // The same bend in every curve, which no parabola follows.
    const bent = fakeRuns({ inter: 1, intra: 1, mamba: 1.1, transformer: 1 }, 0.0001).map(
      ({ label, result }): IsoPoint => {
        const { model, dModel, budget } = scalingLabel(label);
        const loss = result.validation.nllPerToken + (dModel === 64 || dModel === 128 ? 0.004 : -0.004);
        return { model, budget, step: `d${dModel}`, tokens: result.tokens, size: result.params.nonEmbedding, loss };
      },
    );
    const groups = ["inter", "mamba"].map((key) => bent.filter(({ model }) => model === key));
    for (const method of ["all", "shared", "law"] as const) {
      const [inter, mamba] = resample(groups, method, 200, new Rng(3, "test")).map((draws) =>
        draws.map((sizes) => Math.log(sizes.get(8e14)!)),
      );
      const spread = (shift: number) => sd(inter.map((size, i) => size - mamba[(i + shift) % mamba.length]));
      expect(spread(0), method).toBeGreaterThan(0);
      expect(spread(0), method).toBeLessThan(0.6 * spread(1));
    }
  });

  test("give no interval where nothing is left over, and leave out what cannot be compared", () => {
    const points = planStudy(study, { size: "smoke" }).map(({ label, spec }, i): IsoPoint => {
      const { model, budget } = scalingLabel(label);
      const size = spec.config.dModel ** 2;
      return { model, budget, step: `d${spec.config.dModel}`, tokens: 1024, size, loss: [3, 2.9, 3.1][i % 3] };
    });
    const fitted = fitReading({ name: "test", about: "", method: "all", points });
    expect(fitted.optima[0].size.low).toBeNaN();
    expect(fitReading({ name: "test", about: "", method: "all", points: points.slice(0, 3) }).ratios).toEqual([]);
  });

  test("judge the claim: reproduced, contradicted, unresolved", () => {
    const outcome = (runs: RunRecord[]) => scaling.verdicts(runsOf(runs), paper)[1];
    expect(outcome(fakeRuns(between)).outcome).toBe("reproduced");
    const above = outcome(fakeRuns({ transformer: 0.7, mamba: 1, inter: 1.5, intra: 1.4 }));
    expect(above.outcome).toBe("contradicted");
    expect(above.evidence).toContain("It follows from none of 5 fits");
    expect(above.parts.filter((part) => part.outcome === "contradicted").map(({ name }) => name)).toContain(
      "all sizes: ln Inter-hybrid / Mamba",
    );
    expect(outcome(fakeRuns({ transformer: 1.02, mamba: 1, inter: 1.01, intra: 1.01 }, 0.01)).outcome).toBe(
      "unresolved",
    );
  });

  test("of toys fill tables and figures where nothing is between", () => {
    const toys = planStudy(study, { size: "smoke" }).map((run, i) =>
      makeRecord(run, { ...fakeResult(3 + i / 10), params: countParameters(run.spec.config) }, fakeProvenance),
    );
    expect(scaling.verdicts(runsOf(toys), paper)).toHaveLength(1);
    expect(scaling.tables(runsOf(toys), paper)["scaling-readings"][0]).toMatchObject({ budgets: 0, outcome: null });
    expect(Object.keys(scaling.figures(runsOf(toys), paper, figureDocument()))).not.toContain("scaling-between");
  });

  test("fill tables and figures; a second seed is fitted with the first", () => {
    const runs = new Map([
      ["scaling", fakeRuns(between)],
      ["scaling-again", fakeRuns(between, 0.0005, [1])],
    ]);
    const tables = scaling.tables(runs, paper);
    expect(Object.keys(tables).slice(0, 4)).toEqual([
      "scaling",
      "scaling-fits",
      "scaling-readings",
      "scaling-exponents",
    ]);
    expect(tables.scaling).toHaveLength(136);
    expect(tables.scaling[0]).toMatchObject({
      model: "Transformer",
      dModel: 32,
      budget: 2e14,
      epochs: expect.any(Number),
    });
    const figures = scaling.figures(runs, paper, figureDocument());
    expect(Object.keys(figures)).toEqual(["scaling", "scaling-between", "scaling-paper", "scaling-paper-between"]);
    for (const label of ["2e14", "1.6e15", "Inter-hybrid", "Mamba"])
      expect(figures.scaling.outerHTML).toContain(`>${label}</text>`);
  });
});

describe("the paper's tables", () => {
  test("are read whole, with tokens from the steps of the largest budget", () => {
    const [{ reading }, without] = paperFits(paper);
    expect(reading.points).toHaveLength(71);
    expect(without.reading.points).toHaveLength(70);
    const llama = reading.points.find(
      ({ model, size, budget }) => model === "transformer" && size === 0.97e9 && budget === 4e20,
    )!;
    expect(llama.tokens / 1e9).toBeCloseTo(53.5, 1);
  });

  test("say of hybrids: larger than the Transformer's, not told from Mamba's", () => {
    const [verdict, ...others] = scaling.verdicts(new Map(), paper);
    expect(others).toEqual([]);
    expect(verdict.outcome).toBe("unresolved");
    expect(verdict.evidence).toContain("It follows from none of 7 fits");
    expect(Object.keys(scaling.tables(new Map(), paper))).toEqual([
      "scaling-paper-fits",
      "scaling-paper-readings",
      "scaling-paper-exponents",
    ]);
  });
});
