import { describe, expect, it } from "vitest";
import { parseConfig, preset } from "../../src/config/index.js";
import type { HybridConfig, ModelConfig } from "../../src/config/types.js";
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

describe("the estimate of training memory", () => {
  it.each([
    ["nano", "MMMTMMMTMMMMM", 64, 1024, 256],
    ["nano", "TTTTTTTTTTTTTTTT", 64, 1024, 256],
    ["nano", "MMMMMMMMMMMMM", 64, 1024, 256],
    ["nano", "SSSTSSST", 32, 512, 4096],
    ["mini", "MMMTMMMTMMMMM", 32, 1024, 256],
    ["100m", "MMMTMM", 8, 2048, 32000],
  ] as const)(
    "is within 3 %% of what the recorded step allocates: %s %s, %i x %i tokens",
    (size, pattern, sequences, length, vocabSize) =>
      expectWithin3Percent(preset(size, { pattern, vocabSize }), { sequences, length }),
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
    expectWithin3Percent(parseConfig({ ...config, hybrid }), { sequences: 32, length: 1024 });
  });
});

function expectWithin3Percent(config: ModelConfig, batch: { sequences: number; length: number }): void {
  const step = new TrainStep(countingGpu(), { ...rest, config, batch });
  const estimate = estimateTrainingMemory(config, batch);
  expect(estimate.activations / step.bytes.activations).toBeGreaterThan(0.97);
  expect(estimate.activations / step.bytes.activations).toBeLessThan(1.03);
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
