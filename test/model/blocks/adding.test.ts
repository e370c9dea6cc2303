/**
 * Adding a block, as the README tells it: what it is on paper, what it does on the GPU, and its line in the pattern table
 * (`addBlock` is that line for blocks from outside, which need nothing that the package doesn't export). Everything else
 * has to follow by itself.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  activations,
  addBlock,
  type Block,
  type BlockSpec,
  cost,
  countParameters,
  estimateTrainingMemory,
  Generator,
  initialValues,
  linearWeights,
  ops,
  Parameters,
  parseConfig,
  planStep,
  section,
  tensorFrom,
  train,
  weights,
} from "../../../src/index.js";
import { loadModel, saveModel } from "../../../src/workbook/index.js";
import { expectClose, useGpu } from "../../ops/harness.js";
import { tinyConfig, tinyDataset, tinySpec } from "../fixtures.js";

// From outside: declare module "braid-lm".
declare module "../../../src/index.js" {
  interface ModelConfig {
    /** Needed by C. */
    shortConv?: { width: number };
  }
}

/** A mixer that sees the last few tokens: x + out(silu(conv(in(norm(x))))). */
const onPaper: BlockSpec = {
  letter: "C",
  meaning: "short convolution",
  role: "mixer",
  needs: { shortConv: { schema: z.strictObject({ width: z.int().min(2) }) } },
  parameters: (config, { prefix }) => [
    weights.ones(`${prefix}.input_layernorm.weight`, config.dModel),
    weights.projection(`${prefix}.conv.in_proj.weight`, config.dModel, config.dModel),
    ...weights.convolution(`${prefix}.conv.conv1d`, config.dModel, section(config, "shortConv").width),
    weights.residualProjection(`${prefix}.conv.out_proj.weight`, config.dModel, config.dModel, config),
  ],
  cost(config) {
    const { width } = section(config, "shortConv");
    return {
      weights: config.dModel * (2 * config.dModel + width),
      extraFlops: 0,
      cacheElements: width * config.dModel,
    };
  },
  activations: ({ dModel }) => [
    activations.cheap("normed", dModel, ["x"]),
    activations.product("in", dModel, ["normed"]),
    activations.cheap("conv", dModel, ["in"]),
    activations.onto("x", "stream", dModel, ["conv"]),
  ],
};

const onGpu: Block = {
  letter: "C",
  record({ tape, config, weight, batch, length, state, position }, x) {
    const { dModel: channels } = config;
    const { width } = section(config, "shortConv");
    const normed = ops.rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
    const inner = ops.linear(tape, normed, [weight("conv.in_proj.weight")], "conv in");
    const convolution = [weight("conv.conv1d.weight"), weight("conv.conv1d.bias")] as const;
    const shape = { batch, length, column: 0, channels, width };
    const before = position && state?.conv;
    const y =
      before && length === 1
        ? ops.convSiluStep(tape, inner, before, ...convolution, shape)
        : ops.convSilu(tape, inner, ...convolution, { ...shape, initialState: before, finalState: state?.conv });
    return ops.linear(tape, y, [weight("conv.out_proj.weight")], "conv out", x);
  },
  createState: (gpu, config, batch) => ({
    conv: tensorFrom(gpu, [batch, section(config, "shortConv").width - 1, config.dModel], "conv state"),
  }),
};

addBlock(onPaper, onGpu);

const holder = useGpu();
const folder = mkdtempSync(join(tmpdir(), "braid-block-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = parseConfig({ ...tinyConfig("TM"), pattern: "CTCM", shortConv: { width: 3 } });

describe("a block that was added", () => {
  it("is known to the config and its errors", () => {
    expect(() => parseConfig({ ...config, pattern: "CX" })).toThrow("C (short convolution)");
    expect(() => parseConfig({ ...config, shortConv: undefined })).toThrow(
      "shortConv: missing, but layer 1 of the pattern is C, which needs it.",
    );
    expect(() => parseConfig({ ...config, shortConv: { width: 1 } })).toThrow("shortConv.width: 1 must be at least 2.");
    expect(() => parseConfig({ ...config, shortConv: { wide: 3 } })).toThrow("shortConv");
    expect(() => addBlock(onPaper, onGpu)).toThrow("letter: C is short convolution already");
  });

  it("is counted, costed and estimated", () => {
    const without = parseConfig({ ...config, pattern: "TM" });
    const d = config.dModel;
    const ffn = 3 * d * config.ffn!.dFfn;
    expect(linearWeights(config) - linearWeights(without)).toBe(2 * (d * (2 * d + 3) + ffn));
    expect(countParameters(config).total - countParameters(without).total).toBe(2 * (d * (2 * d + 4) + ffn + 2 * d));
    const bytes = (of: typeof config) => cost(of, { context: 100, tokens: 1 }).cacheBytes;
    expect(bytes(config) - bytes(without)).toBe(2 * 2 * 3 * d);
    const batch = { sequences: 1, length: 64 };
    expect(estimateTrainingMemory(config, batch).total).toBeGreaterThan(estimateTrainingMemory(without, batch).total);
    const whole = { sequences: 32, length: 1024 };
    const recorded = planStep(config, whole, { recompute: "light" }).bytes;
    const { total } = estimateTrainingMemory(config, whole, { recompute: "light" });
    expect(total / recorded.total).toBeCloseTo(1, 1);
  });

  it("trains, is saved and loaded, and decodes in pieces and token by token what it evaluates whole", async () => {
    const spec = { ...tinySpec("TM", 12), config };
    const result = await train(holder.gpu, spec, tinyDataset(), {
      onFinish: async ({ parameters }) => {
        const values = new Float32Array(await holder.gpu.read(parameters.values.buffer, 0, parameters.size));
        saveModel(folder, config, values, "bytes");
      },
    });
    expect(result.curve.at(-1)!.train).toBeLessThan(result.curve[0].train - 0.1);
    const loaded = loadModel(folder);
    expect(loaded.config).toEqual(config);
    const parameters = new Parameters(holder.gpu, loaded.config, false);
    parameters.load(loaded.values);
    expect(initialValues(parameters, spec.seed)).not.toEqual(loaded.values);
    const model = new Generator(holder.gpu, parameters, 40);
    const prompt = Array.from({ length: 23 }, (_, i) => (i * 37 + 11) % 256);
    const whole = await model.prefill(prompt);
    let logits = await model.prefill(prompt.slice(0, 2));
    for (const [from, to] of [
      [2, 3],
      [3, 14],
      [14, 22],
      [22, 23],
    ])
      logits = await model.extend(prompt.slice(from, to));
    expectClose("logits in pieces", logits, whole, 1e-4);
    model.destroy();
  });
});
