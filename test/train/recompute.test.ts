import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.js";
import type { ModelConfig } from "../../src/config/types.js";
import { batchAt } from "../../src/data/batches.js";
import { NllEvaluation } from "../../src/evaluate/nll.js";
import { Arena, download } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { paperGpu } from "../../src/gpu/paper.js";
import { type DispatchOptions, Recorder } from "../../src/gpu/recorder.js";
import { type Recompute, recomputeLevels } from "../../src/memory/recompute.js";
import { initialValues } from "../../src/model/initialise.js";
import { languageModel } from "../../src/model/language-model.js";
import { Parameters } from "../../src/model/parameters.js";
import { createTokenBuffers } from "../../src/ops/embedding.js";
import { Tape } from "../../src/ops/tape.js";
import { planStep } from "../../src/train/plan.js";
import { TrainStep } from "../../src/train/step.js";
import { train } from "../../src/train/trainer.js";
import { tinyConfig, tinyDataset, tinySpec } from "../model/fixtures.js";
import { asHardware, useGpu } from "../ops/harness.js";

const holder = useGpu();

const rope = { theta: 10_000 };
const sections: Partial<ModelConfig> = {
  attention: { heads: 4, kvHeads: 2, headDim: 8, rope },
  window: { size: 12, sink: 2, rope },
  ssm: {
    ...{ dSsm: 32, headDim: 8, dState: 8, groups: 2, conv: 4, chunk: 16 },
    ...{ aRange: [0.01, 2], dtRange: [0.001, 0.1] },
  },
  mamba1: { dInner: 32, dState: 4, dtRank: 4, conv: 4, dtRange: [0.001, 0.1], innerNorms: true },
  hybrid: { heads: 4, kvHeads: 2, dQk: 32, dSsm: 32, valueDim: 8, rope },
  zamba: { blocks: 1, heads: 4, kvHeads: 4, headDim: 12, rope, dFfn: 32, adapterRank: 4, attentionAdapter: true },
  moe: {
    ...{ experts: 4, topK: 2, dExpert: 16, dShared: 16, kind: "swiglu", router: "sigmoid", normalise: true },
    balance: { step: 1e-2 },
  },
};

function configOf(pattern: string, change: Partial<ModelConfig> = {}): ModelConfig {
  return parseConfig({ ...tinyConfig("M"), ...sections, pattern, ...change });
}

/** Loss of the second step and all weights after it, with the plan of the step. */
async function trained(gpu: Gpu, config: ModelConfig, recompute: Recompute) {
  const spec = { ...tinySpec("M", 2), config };
  const step = new TrainStep(gpu, spec, recompute);
  try {
    step.parameters.load(initialValues(step.parameters, 3));
    const { train } = tinyDataset();
    for (const index of [0, 1]) step.run(batchAt(train, { seed: 1, step: index, ...spec.batch }), index, 1e-2);
    const [loss] = await download(gpu, step.loss);
    const values = await download(gpu, step.parameters.values);
    return { loss, values, routers: await step.routers.read(), bytes: step.bytes.activations, step };
  } finally {
    step.destroy();
  }
}

async function expectSameBits(gpu: Gpu, config: ModelConfig): Promise<void> {
  const [plain, ...others] = await Promise.all(recomputeLevels.map((level) => trained(gpu, config, level)));
  expect(Number.isFinite(plain.loss)).toBe(true);
  for (const { loss, values, routers } of others) {
    expect(loss).toBe(plain.loss);
    expect(routers).toEqual(plain.routers);
    expect(Buffer.from(values.buffer).equals(Buffer.from(plain.values.buffer))).toBe(true);
  }
  const bytes = [plain, ...others].map((each) => each.bytes);
  expect(bytes[1], "light takes less memory than none").toBeLessThan(bytes[0]);
  expect(bytes[2], "layer takes less memory than light").toBeLessThan(bytes[1]);
  for (const { step } of [plain, ...others]) expect(step.kept, "the loss, the rows scored, the norm").toBe(3);
}

/** How often each kernel of a step is recorded, by its label. */
function labelsOf(config: ModelConfig, recompute: Recompute): Map<string, number> {
  const labels = new Map<string, number>();
  class CountingRecorder extends Recorder {
    override dispatch(options: DispatchOptions): void {
      const { label = options.kernel } = options;
      labels.set(label, (labels.get(label) ?? 0) + 1);
      super.dispatch(options);
    }
  }
  const gpu = paperGpu(holder.gpu);
  const parameters = new Parameters(gpu, config, true);
  const arena = new Arena(gpu);
  const tape = new Tape(new CountingRecorder(gpu), arena, true, parameters, recompute);
  const hidden = languageModel(tape, parameters, createTokenBuffers(gpu, 64, config.vocabSize), {
    batch: 2,
    length: 32,
  });
  tape.gradientOf(hidden);
  tape.backward();
  return labels;
}

describe("recomputation", () => {
  it("runs products again in whole layers alone, and never those whose results nobody reads", () => {
    const config = configOf("HPZT", { ffnPattern: "FFFE" });
    const products = ["ffn in", "qkv", "mamba in", "shared in", "experts in"];
    const unread = ["ffn out", "mamba out", "attention out", "shared out", "gate_up_proj"];
    const [none, light, layer] = recomputeLevels.map((level) => labelsOf(config, level));
    for (const label of products) {
      expect(light.get(label), label).toBe(none.get(label));
      expect(layer.get(label), label).toBe(2 * none.get(label)!);
    }
    for (const label of unread) expect(light.get(label), label).toBe(none.get(label));
    expect([..."HPZ"].length, "a product for each, and none again").toBe(none.get("mamba out"));
    expect(none.get("gate_up_proj"), "Z alone").toBe(1);
    expect(none.get("shared out"), "E alone").toBe(1);
    for (const label of ["rms norm", "ssd/decay", "ssd/states"]) {
      expect(light.get(label), label).toBe(none.get(label));
      expect(layer.get(label), label).toBeGreaterThan(none.get(label)!);
    }
    for (const label of ["swiglu", "conv1d/forward", "gated norm", "group norm"]) {
      expect(light.get(label), label).toBeGreaterThan(none.get(label)!);
      expect(light.get(label), label).toBeLessThanOrEqual(2 * none.get(label)!);
    }
  });

  it.each<[string, string, Partial<ModelConfig>?]>([
    ["attention", "TTS"],
    ["Mamba-2", "MMM"],
    ["Mamba-1", "JJJ"],
    ["the intra-hybrids", "HHW"],
    [
      "an intra-hybrid with a shared value",
      "HHH",
      { hybrid: { ...sections.hybrid!, value: "shared", scale: "vector" } },
    ],
    ["an intra-hybrid with α", "HHH", { hybrid: { ...sections.hybrid!, output: "joint", scale: "alpha" } }],
    ["an intra-hybrid with λ", "HHH", { hybrid: { ...sections.hybrid!, fusion: "concat", scale: "scalar" } }],
    ["differential attention", "DDD"],
    ["differential Mamba", "NNN"],
    ["Mamba-2 beside attention", "PPP"],
    ["Mamba-2 behind shared attention", "ZZZ"],
    ["experts", "TMT", { ffnPattern: "EEE" }],
    ["experts among networks that are not gated", "MTM", { ffnPattern: "FE-", ffn: { kind: "relu2", dFfn: 40 } }],
  ])("changes no bit of %s", (_, pattern, change) => expectSameBits(holder.gpu, configOf(pattern, change)));

  it("changes no bit of a whole run, whose validation borrows the memory of its steps", async () => {
    const { gpu } = holder;
    const spec = tinySpec("MT", 6);
    const { seconds, tokensPerSecond, ...plain } = await train(gpu, spec, tinyDataset());
    const again = await train(gpu, spec, tinyDataset(), {
      recompute: "layer",
      onFinish: async ({ parameters, bytes }) => {
        const alone = new NllEvaluation(gpu, parameters, tinyDataset(), { ...spec.batch, ...spec.validation });
        expect(await alone.run()).toEqual(plain.validation);
        alone.destroy();
        const { activations } = planStep(spec.config, spec.batch, { recompute: "layer", adapter: gpu }).bytes;
        expect(bytes.activations - activations, "bytes that validation takes beside them").toBeLessThan(
          activations / 50,
        );
      },
    });
    expect(again).toMatchObject(plain);
  });

  it("changes no bit with the kernels of a GPU", () =>
    expectSameBits(asHardware(holder.gpu), configOf("MJTZ", { ffnPattern: "FEFF" })));
});
