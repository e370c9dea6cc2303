import { describe, expect, it } from "vitest";
import { parseConfig, preset } from "../../src/config/index.js";
import { known } from "../../src/config/known/index.js";
import type { HybridConfig, ModelConfig, MoeConfig, ParallelMultipliers, ZambaConfig } from "../../src/config/types.js";
import { estimateTrainingMemory } from "../../src/cost/index.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { TrainStep } from "../../src/train/step.js";
import type { TrainSpec } from "../../src/train/types.js";

const rest: Omit<TrainSpec, "config" | "batch"> = {
  data: { name: "synthetic", sha256: "", tokenizer: "bytes" },
  tokens: 1,
  optimizer: { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
  schedule: { warmup: 0.25, cooldown: 0.2 },
  seed: 0,
  precision: "f32",
  validation: { tokens: 1, every: 1 },
};

const batch = { sequences: 32, length: 1024 };
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

describe("the estimate of training memory", () => {
  it.each([
    ["nano", "MMMTMMMTMMMMM", 64, 1024, 256],
    ["nano", "TTTTTTTTTTTTTTTT", 64, 1024, 256],
    ["nano", "MMMMMMMMMMMMM", 64, 1024, 256],
    ["nano", "SSSTSSST", 32, 512, 4096],
    ["mini", "MMMTMMMTMMMMM", 32, 1024, 256],
    ["100m", "MMMTMM", 8, 2048, 32000],
  ] as const)(
    "is within 3 percent of what the recorded step allocates: %s %s, %i x %i tokens",
    (size, pattern, sequences, length, vocabSize) =>
      expectWithin(0.03, preset(size, { pattern, vocabSize }), { sequences, length }),
  );

  it.each<[string, Partial<HybridConfig>?]>([
    ["MMMHMMMHMMMMM"],
    ["HHHHHHHHHHHHH"],
    ["WWWWWWWWWWWWW"],
    ["DDDDDDDDDDDDDDDD"],
    ["NNNNNNNNNNNNN"],
    ["HHHHHHHHHHHHH", { norm: "none", scale: "scalar" }],
    ["HHHHHHHHHHHHH", { value: "shared", output: "joint", scale: "alpha" }],
    ["HHHHHHHHHHHHH", { output: "joint", scale: "gate" }],
    ["HHHHHHHHHHHHH", { fusion: "concat", scale: "vector" }],
  ])("is so for branches in one layer: %s %j", (pattern, form) => {
    const config = preset("nano", { pattern });
    const hybrid = config.hybrid && { ...config.hybrid, ...form };
    expectWithin(0.03, parseConfig({ ...config, hybrid }), batch);
  });

  it.each<[string, Partial<ModelConfig>?]>([
    ["J".repeat(13)],
    ["J".repeat(13), { mamba1: { ...mamba1, innerNorms: true } }],
    ["P".repeat(13)],
    ["P".repeat(13), { parallel: { multipliers } }],
    ["MMMZMMMZMMMZM"],
    ["ZZZZ", { zamba: { ...zamba, attentionAdapter: true } }],
    ["ZZZZ", { ffn: undefined }],
    ["M".repeat(13), { ffnPattern: "E".repeat(13) }],
    ["M".repeat(13), { ffnPattern: "E".repeat(13), moe: { ...moe, dShared: 256, kind: "relu2" } }],
    ["TJTJTJTJ", { ffnPattern: "FEFEFEFE", moe: { ...moe, topK: 1, router: "softmax" } }],
  ])("is within 5 percent for Mamba-1, layers of two mixers and experts: %s %j", (pattern, change) => {
    const { hybrid, ...nano } = preset("nano", { pattern: "MTH" });
    expectWithin(0.05, parseConfig({ ...nano, pattern, mamba1, zamba, moe, ...change }), batch);
  });

  it.each(["samba-421m", "falcon-h1-0.5b", "zamba2-1.2b"])("is so for a published model: %s", (name) =>
    expectWithin(0.05, known(name), { sequences: 4, length: 2048 }),
  );
});

function expectWithin(share: number, config: ModelConfig, batch: { sequences: number; length: number }): void {
  const step = new TrainStep(countingGpu(), { ...rest, config, batch });
  const estimate = estimateTrainingMemory(config, batch);
  expect(estimate.activations / step.bytes.activations).toBeGreaterThan(1 - share);
  expect(estimate.activations / step.bytes.activations).toBeLessThan(1 + share);
  expect(estimate.total / step.bytes.total).toBeCloseTo(1, 1);
}

/** A hardware adapter without hardware: recording a step makes its plan of buffers, and nothing is ever run. */
function countingGpu(): Gpu {
  const anything: unknown = new Proxy(() => undefined, {
    get: (_, key) => (key === Symbol.toPrimitive ? () => 0 : anything),
    apply: () => anything,
  });
  const gpu = {
    info: { software: false, features: [] },
    limits: { maxBufferSize: 2 ** 40, maxStorageBufferBindingSize: 2 ** 40 },
    has: () => false,
    device: anything,
    pipeline: () => anything,
    buffer: (elements: number) => ({ size: Math.max(16, Math.ceil(elements / 4) * 16), destroy: () => undefined }),
  };
  return gpu as unknown as Gpu;
}
