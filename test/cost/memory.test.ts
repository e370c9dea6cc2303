import { describe, expect, it } from "vitest";
import { parseConfig, preset } from "../../src/config/index.js";
import { known } from "../../src/config/known/index.js";
import type { HybridConfig, ModelConfig, MoeConfig, ParallelMultipliers, ZambaConfig } from "../../src/config/types.js";
import { estimateTrainingMemory } from "../../src/cost/index.js";
import { anyHardware, paperGpu } from "../../src/gpu/paper.js";
import { leastBytes } from "../../src/memory/buffers.js";
import { recomputeLevels } from "../../src/memory/recompute.js";
import { planStep } from "../../src/train/plan.js";
import { TrainStep } from "../../src/train/step.js";

const mamba1 = {
  dInner: 256,
  dState: 16,
  dtRank: 8,
  conv: 4,
  dtRange: [0.001, 0.1] as [number, number],
  innerNorms: false,
};
const zamba: ZambaConfig = {
  ...{ blocks: 2, heads: 4, kvHeads: 4, headDim: 64, rope: null, dFfn: 512, adapterRank: 16 },
  attentionAdapter: false,
};
const moe: MoeConfig = {
  ...{ experts: 8, topK: 2, dExpert: 128, dShared: 0, kind: "swiglu", router: "sigmoid", normalise: true },
  balance: { step: 1e-3 },
};
const multipliers: ParallelMultipliers = {
  ...{ attentionIn: 1.3, attentionOut: 0.9, key: 1.7, ssmIn: 1.2, ssmOut: 0.6 },
  ssm: [0.6, 1.1, 0.8, 1.4, 0.7],
};

const batch = { sequences: 32, length: 1024 };

describe("the estimate of training memory", () => {
  it.each([
    ["nano", "MMMTMMMTMMMMM", 64, 1024, 256],
    ["nano", "TTTTTTTTTTTTTTTT", 64, 1024, 256],
    ["nano", "MMMTMMMTMMMMM", 2, 256, 256],
    ["nano", "SSSTSSST", 32, 512, 4096],
    ["mini", "MMMTMMMTMMMMM", 32, 1024, 256],
    ["mini", "MMMMMMMMMMMMM", 8, 4096, 256],
    ["100m", "MMMTMM", 8, 2048, 32000],
  ] as const)(
    "is what the recorded step allocates, within 1 percent: %s %s, %i x %i tokens",
    (size, pattern, sequences, length, vocabSize) =>
      expectWithin(0.01, preset(size, { pattern, vocabSize }), { sequences, length }),
  );

  it.each([..."TSMJHWDNPZ"])("is so within 5 percent for models of one and two layers: %s", (letter) => {
    expectWithin(0.05, every(letter), batch);
    expectWithin(0.05, every(letter.repeat(2)), { sequences: 4, length: 512 });
  });

  it.each<[string, Partial<HybridConfig>?]>([
    ["MMMHMMMHMMMMM"],
    ["HHHH", { norm: "none", scale: "scalar" }],
    ["HHHH", { value: "shared", output: "joint", scale: "alpha" }],
    ["HHHH", { output: "joint", scale: "gate" }],
    ["HHHH", { fusion: "concat", scale: "vector" }],
    ["HHHH", { fusion: "concat", output: "joint", scale: "gate" }],
  ])("is so for branches in one layer: %s %j", (pattern, form) =>
    expectWithin(0.05, every(pattern, { hybrid: { ...every("H").hybrid!, ...form } }), batch),
  );

  it.each<[string, Partial<ModelConfig>?]>([
    ["HNDPMTSWJZ"],
    ["JJJJ", { mamba1: { ...mamba1, innerNorms: true } }],
    ["PPPP", { parallel: { multipliers } }],
    ["MMMZMMMZMMMZM"],
    ["ZZZZ", { zamba: { ...zamba, attentionAdapter: true } }],
    ["ZZZZ", { ffn: undefined, ffnPattern: undefined, moe: undefined }],
    ["MTM", { ffn: { kind: "relu2", dFfn: 512 } }],
    ["MTM", { ffn: { kind: "geglu", dFfn: 512, multipliers: { gate: 1.5, down: 0.5 } } }],
    ["MMMM", { ffnPattern: "EEEE" }],
    ["MMMM", { ffnPattern: "EEEE", moe: { ...moe, dShared: 256, kind: "relu2" } }],
    ["TJTJ", { ffnPattern: "FEFE", moe: { ...moe, topK: 1, router: "softmax" } }],
  ])("is so for layers of two mixers, networks and experts: %s %j", (pattern, change) =>
    expectWithin(0.05, every(pattern, change), batch),
  );

  it.each(["samba-421m", "falcon-h1-0.5b", "zamba2-1.2b"])("is so for a published model: %s", (name) =>
    expectWithin(0.05, known(name), { sequences: 4, length: 2048 }),
  );

  it.each(["MMMTMMMTMMMMM", "MMMHMMMHMMMMM", "TTTTTTTTTTTTTTTT", "DNDNSS", "JJJJ", "PPPP", "MMMZMM"])(
    "is so within 10 percent in mixed precision: %s",
    (pattern) => expectWithin(0.1, every(pattern), batch, "mixed"),
  );
});

describe("light recomputation in mixed precision", () => {
  // The least that PyTorch takes for such a step in any mode, GiB (design §8).
  it.each<["mini" | "nano", string, number, number]>([
    ["mini", "MMMTMMMTMMMMM", 32, 6.7],
    ["mini", "M".repeat(13), 32, 7.0],
    ["mini", "T".repeat(16), 32, 6.3],
    ["nano", "MMMTMMMTMMMMM", 64, 6.6],
    ["nano", "T".repeat(16), 64, 6.0],
  ])("takes less than 0.8 of PyTorch's memory: %s %s", (size, pattern, sequences, least) => {
    const config = preset(size, { pattern, vocabSize: 256 });
    const { bytes } = planStep(config, { sequences, length: 1024 }, { recompute: "light", precision: "mixed" });
    expect(bytes.total / 2 ** 30).toBeLessThan(0.8 * least);
  });
});

describe("the plan of buffers", () => {
  it.each(["MMMTMMMTMMMMM", "TTTTTTTTTTTTTTTT", "MMMHMMMHMMMMM"])("wastes little of a model of %s", (pattern) => {
    for (const [recompute, share] of [
      ["none", 0.01],
      ["light", 0.04],
      ["layer", 0.2],
    ] as const) {
      const { stays, bytes } = new TrainStep(paperGpu(anyHardware), specOf(preset("nano", { pattern })), recompute)
        .arena;
      expect(bytes).toBeGreaterThanOrEqual(leastBytes(stays));
      expect(bytes).toBeLessThan((1 + share) * leastBytes(stays));
    }
  });
});

/** A nano model that has a section for every letter. */
function every(pattern: string, change: Partial<ModelConfig> = {}): ModelConfig {
  return parseConfig({
    ...preset("nano", { pattern: "MTHSW" }),
    pattern,
    mamba1,
    zamba,
    moe,
    ffnPattern: "F".repeat(pattern.length),
    ...change,
  });
}

const specOf = (config: ModelConfig) => ({
  ...{ config, batch, precision: "f32" as const, seed: 0 },
  optimizer: { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
});

function expectWithin(
  share: number,
  config: ModelConfig,
  batch: { sequences: number; length: number },
  precision?: "mixed",
): void {
  for (const recompute of recomputeLevels) {
    const { bytes } = planStep(config, batch, { recompute, precision });
    const estimate = estimateTrainingMemory(config, batch, { recompute, precision });
    const ratio = estimate.activations / bytes.activations;
    expect(ratio, `${recompute}: ${estimate.activations} against ${bytes.activations}`).toBeGreaterThan(1 - share);
    expect(ratio, `${recompute}: ${estimate.activations} against ${bytes.activations}`).toBeLessThan(1 + share);
    expect(Math.abs(estimate.total / bytes.total - 1)).toBeLessThan(Math.max(0.05, share));
  }
}
