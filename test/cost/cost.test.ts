import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countParameters,
  type ModelConfig,
  PAPER_SIZES,
  parameterTable,
  preset,
  SIZES,
  ssmWidths,
} from "../../src/config/index.js";
import {
  cost,
  estimateTrainingMemory,
  expertParameters,
  linearWeights,
  matchFlops,
  visiblePairs,
} from "../../src/cost/index.js";

const oneB = (counts: string, size: "1b" | "350m" = "1b") =>
  preset(size, { pattern: counts.replace(/(\d+)([TSMH])\+?/g, (_, n, letter) => letter.repeat(Number(n))) });
const at8K = (config: ModelConfig, tokens = 60e9) => cost(config, { context: 8192, tokens });
const mib = (config: ModelConfig, context = 8192) => cost(config, { context, tokens: 1 }).cacheBytes / 2 ** 20;

describe("costs by the paper's formulas", () => {
  it.each([
    ["16T", 0.973, 7.449e9, 4.47e20],
    ["13M", 0.989, 6.121e9, 3.67e20],
    ["7T+7M", 0.958, 6.554e9, 3.93e20],
    ["3T+10M", 0.943, 6.105e9, 3.66e20],
    ["2T+11M", 0.959, 6.11e9, 3.67e20],
    ["1T+12M", 0.974, 6.115e9, 3.67e20],
    ["8T+8S", 0.973, 6.754e9, 4.05e20],
    ["4T+12S", 0.973, 6.405e9, 3.84e20],
    ["3T+13S", 0.973, 6.318e9, 3.79e20],
  ])("give %s at 1B %f billion weights, %f FLOPs a token and %f in all", (counts, weights, perToken, total) => {
    const config = oneB(counts);
    expect(linearWeights(config) / 1e9).toBeCloseTo(weights, 2);
    // The worked figures leave out the convolution over B and C: 0.02 % at most.
    expect(Math.abs(at8K(config).flopsPerToken / perToken - 1)).toBeLessThan(2e-4);
    expect(Number(at8K(config).trainFlops.toPrecision(3))).toBe(total);
  });

  it("save the 18 % of FLOPs and the 95 % of cache that the paper claims for Mamba at 1B and 8K", () => {
    const llama = at8K(oneB("16T"));
    const mamba = at8K(oneB("13M"));
    expect(Math.round(100 * (1 - mamba.trainFlops / llama.trainFlops))).toBe(18);
    expect(Math.round(100 * (1 - mamba.cacheBytes / llama.cacheBytes))).toBe(95);
  });

  it.each([
    ["8T+8S", 137.0],
    ["1T+15S", 32.88],
    ["16S", 18.0],
    ["13M", 13.43],
    ["2T+11M", 43.37],
    ["11M+2H", 37.5],
    ["10M+3H", 49.6],
  ])("give %s a cache of %f MiB at 8K", (counts, expected) => {
    expect(mib(oneB(counts))).toBeCloseTo(expected, 1);
  });

  it("let the cache grow with attention alone, to 16K and 32K", () => {
    const atLengths = (counts: string) =>
      [16384, 32768].map((context) => Number(mib(oneB(counts), context).toFixed(2)));
    expect(atLengths("16T")).toEqual([512, 1024]);
    expect(atLengths("3T+13S")).toEqual([110.63, 206.63]);
    expect(atLengths("13M")).toEqual([13.43, 13.43]);
    expect(atLengths("2T+11M")).toEqual([75.37, 139.37]);
  });

  it("multiply to sequences and runs", () => {
    const { flopsPerSequence, flopsPerToken, trainFlops } = cost(oneB("2T+11M"), { context: 4096, tokens: 1e9 });
    expect(flopsPerSequence).toBeCloseTo(4096 * flopsPerToken, -3);
    expect(trainFlops).toBe(1e9 * flopsPerToken);
  });

  it("are sums over layers, in any order", () => {
    const patterns = fc.string({ unit: fc.constantFrom(..."TSMH"), minLength: 1, maxLength: 12 });
    const withAll = preset("nano", { pattern: "TSMH" });
    fc.assert(
      fc.property(patterns, patterns, fc.integer({ min: 1, max: 4096 }), (one, other, context) => {
        const of = (pattern: string) => cost({ ...withAll, pattern }, { context, tokens: 1 });
        const [a, b, both, swapped] = [one, other, one + other, other + one].map(of);
        expect(both.cacheBytes).toBe(a.cacheBytes + b.cacheBytes);
        expect(both.flopsPerToken / (a.flopsPerToken + b.flopsPerToken)).toBeCloseTo(1, 12);
        expect(swapped.flopsPerToken / both.flopsPerToken).toBeCloseTo(1, 12);
      }),
    );
  });

  it("refuse lengths and token counts that are none", () => {
    expect(() => cost(oneB("16T"), { context: 0, tokens: 1 })).toThrow("context: 0 must be a whole number");
    expect(() => cost(oneB("16T"), { context: 1, tokens: Number.NaN })).toThrow("tokens: NaN must be a positive");
  });
});

describe("the built model's count and the paper's", () => {
  it("differ by norms, biases and D, and by nothing else", () => {
    for (const size of SIZES) {
      const config = preset(size, { pattern: "TSMM" });
      const uncounted = parameterTable(config)
        .filter(({ name }) => /norm\.weight|conv1d\.bias|\.D$/.test(name))
        .reduce((total, { shape }) => total + shape[0], 0);
      expect(countParameters(config).nonEmbedding - linearWeights(config)).toBe(uncounted);
      expect(cost(config, { context: 8, tokens: 1 }).params).toEqual(countParameters(config));
    }
  });

  it("differ by less than 0.04 % at the paper's sizes", () => {
    for (const size of PAPER_SIZES) {
      const config = preset(size);
      expect(countParameters(config).nonEmbedding / linearWeights(config) - 1).toBeLessThan(4e-4);
    }
  });
});

describe("visible pairs of a sliding window", () => {
  it("are those of the mask: i - size < j <= i, or j < sink", () => {
    const lengths = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 20 }), fc.nat(20), (length, size, sink) => {
        let pairs = 0;
        for (let i = 0; i < length; i++) for (let j = 0; j <= i; j++) if (j > i - size || j < sink) pairs++;
        expect(visiblePairs(length, size + sink)).toBe(pairs);
      }),
    );
  });
});

describe("matchFlops", () => {
  it("gives the tokens that cost the budget", () => {
    const budget = at8K(oneB("16T")).trainFlops;
    expect(matchFlops(oneB("16T"), budget, 8192)).toBe(60e9);
    const tokens = matchFlops(oneB("13M"), budget, 8192);
    expect(Math.round(tokens / 1e9)).toBe(73);
    expect(at8K(oneB("13M"), tokens).trainFlops / budget).toBeCloseTo(1, 9);
    expect(() => matchFlops(oneB("13M"), -1, 8192)).toThrow("flops: -1");
  });
});

describe("mixtures of experts", () => {
  it("keep the active weights of the dense model when one shared and one routed expert of half width are used", () => {
    const config = oneB("2T+11M");
    expect(expertParameters(config).active).toBe(linearWeights(config));
    const { total } = expertParameters(config, { shared: 1, routed: 3, topK: 1 });
    expect(total - linearWeights(config)).toBe(13 * 2 * 1.5 * 2048 * 8192);
  });
});

describe("estimateTrainingMemory", () => {
  const nano = preset("nano");

  it("takes 16 bytes a weight and grows with the tokens, sequences or their length alike", () => {
    const one = estimateTrainingMemory(nano, { sequences: 64, length: 1024 });
    const four = estimateTrainingMemory(nano, { sequences: 128, length: 2048 });
    const weights = countParameters(nano).total;
    expect(one.weights + one.gradients + one.optimizer).toBe(16 * weights);
    // Logits and the parts of weight gradients do not grow for ever.
    expect(four.activations / one.activations).toBeGreaterThan(3.9);
    expect(four.activations).toBeLessThanOrEqual(4 * one.activations);
    expect(estimateTrainingMemory(nano, { sequences: 32, length: 2048 })).toEqual(one);
    expect(one.total).toBe(16 * weights + one.activations);
  });

  it("keeps at least the projections, the scan's input and the feed-forward products of every layer", () => {
    const { activations } = estimateTrainingMemory(nano, { sequences: 1, length: 1 });
    const { inProj, convDim } = ssmWidths(nano);
    const mamba = 11 * (inProj + convDim + 3 * nano.ffn!.dFfn);
    const attention = 2 * (128 + 2 * 64 + 3 * nano.ffn!.dFfn);
    expect(activations).toBeGreaterThan(4 * (mamba + attention));
  });

  it("refuses a batch of nothing", () => {
    expect(() => estimateTrainingMemory(nano, { sequences: 0, length: 8 })).toThrow("sequences: 0");
  });
});
