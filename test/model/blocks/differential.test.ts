import { describe, expect, it } from "vitest";
import { countParameters, parseConfig } from "../../../src/config/index.js";
import type { ModelConfig } from "../../../src/config/types.js";
import { activeWeights, cost, linearWeights } from "../../../src/cost/index.js";
import { initialValues } from "../../../src/model/initialise.js";
import { Parameters } from "../../../src/model/parameters.js";
import { expectClose, relativeError, useGpu } from "../../ops/harness.js";
import { expectGradients, expectToLearn, logitsWith } from "./fixtures.js";
import { expectPiecesToAgree } from "./pieces.js";

const holder = useGpu();

function tiny(pattern: string, change: Partial<ModelConfig> = {}): ModelConfig {
  return parseConfig({
    vocabSize: 256,
    dModel: 24,
    pattern,
    ffn: { kind: "swiglu", dFfn: 40 },
    attention: { heads: 8, kvHeads: 4, headDim: 4, rope: { theta: 10_000 } },
    ssm: { dSsm: 64, headDim: 16, dState: 8, groups: 1, conv: 4, chunk: 16, aRange: [0.01, 2], dtRange: [0.001, 0.1] },
    tieEmbeddings: true,
    normEps: 1e-5,
    ...change,
  });
}

describe.each<[string, ModelConfig]>([
  ["D", tiny("D")],
  ["D that adds", tiny("D", { differential: { fusion: "add" } })],
  ["N", tiny("N")],
  ["D and N behind M", tiny("MDN")],
])("%s", (_, config) => {
  it("has the gradient of its loss, learns, and continues from its state", async () => {
    const depth = config.pattern.length;
    if (depth === 1) await expectGradients(holder.gpu, config, (name) => name.includes("layers.0."));
    await expectToLearn(holder.gpu, config);
    await expectPiecesToAgree(holder.gpu, config);
  });
});

type Weights = Map<string, Float32Array>;
const of = (weights: Weights, name: string) => weights.get(`model.layers.0.${name}`)!;

describe("the definition of D", () => {
  // (The rest is shown by the parity with transformers' DiffLlama, test/families.)
  it("adds λ times the second softmax where it is told to", async () => {
    const [subtracting, adding] = (["subtract", "add"] as const).map((fusion) =>
      tiny("D", { differential: { fusion } }),
    );
    // λ = 1 - exp(0.64) + λ_init of layer 0, which is 0.2; then with the opposite sign.
    const withLambda = (target: number) => (weights: Weights) => {
      for (const name of ["q1", "k1", "q2", "k2"]) of(weights, `self_attn.lambda_${name}`).fill(0);
      const apart = target - 0.2;
      const [q, k, sum] = apart > 0 ? ["q1", "k1", Math.log(1 + apart)] : ["q2", "k2", Math.log(1 - apart)];
      of(weights, `self_attn.lambda_${q}`)[0] = sum as number;
      of(weights, `self_attn.lambda_${k}`)[0] = 1;
    };
    const logits = (config: ModelConfig, target: number) => logitsWith(holder.gpu, config, withLambda(target));
    const added = await logits(adding, 0.7);
    expectClose("λ and -λ", added, await logits(subtracting, -0.7), 3e-6);
    expect(relativeError(await logits(subtracting, 0.7), added)).toBeGreaterThan(1e-3);
  });

  it("pairs heads", () => {
    const attention = { heads: 6, kvHeads: 3, headDim: 4, rope: null };
    expect(() => tiny("D", { attention })).toThrow("attention.kvHeads: 3, but D pairs heads; it must be even.");
    expect(() => tiny("T", { attention })).not.toThrow();
  });
});

describe("the definition of N", () => {
  const parts = ["in_proj.weight", "conv1d.weight", "dt_bias", "A_log", "out_proj.weight"];
  const times = (weights: Weights, name: string, factor: number) => {
    of(weights, name).forEach((value, i, all) => {
      all[i] = value * factor;
    });
  };
  // Without networks, so that what N adds to the stream is seen through the last norm alone.
  const bare = tiny("N", { ffn: undefined });
  const half = { ...bare, pattern: "M", ssm: { ...bare.ssm!, dSsm: 32 } };

  it("is the norm of its first mixer where the second gives nothing", async () => {
    const parameters = new Parameters(holder.gpu, half, false);
    const values = initialValues(parameters, 7);
    const load = (weights: Weights, prefix: string) => {
      for (const { name, offset, size } of parameters.table) {
        const part = parts.find((part) => name.endsWith(part));
        if (part) of(weights, `${prefix}.${part}`).set(values.subarray(offset, offset + size));
      }
      // So loud that the last norm does not see the stream behind it.
      times(weights, `${prefix}.out_proj.weight`, 1e5);
    };
    const m = await logitsWith(holder.gpu, half, (weights) => load(weights, "mamba"));
    const n = await logitsWith(holder.gpu, bare, (weights) => {
      load(weights, "mamba.0");
      of(weights, "mamba.1.out_proj.weight").fill(0);
      of(weights, "subln.weight").fill(1e5);
    });
    expectClose("first alone", n, m, 1e-4);
    parameters.destroy();
  });

  it("begins with λ = ½ + λ_init: a second mixer 1 / λ of the first leaves nothing", async () => {
    const left = async (lambda: number) => {
      const logits = await logitsWith(holder.gpu, bare, (weights) => {
        for (const part of parts) of(weights, `mamba.1.${part}`).set(of(weights, `mamba.0.${part}`));
        times(weights, "mamba.1.out_proj.weight", 1 / lambda);
        of(weights, "subln.weight").fill(0.1);
      });
      const none = await logitsWith(holder.gpu, bare, (weights) => of(weights, "subln.weight").fill(0));
      return relativeError(logits, none);
    };
    expect(await left(0.7)).toBeLessThan(1e-3);
    expect(await left(0.6)).toBeGreaterThan(0.1);
  });

  it("refuses halves that do not fit", () => {
    const ssm = { ...tiny("N").ssm!, dSsm: 48 };
    expect(() => tiny("N", { ssm })).toThrow(
      "half of ssm.dSsm, which each part of N has: 24 is not divisible by ssm.h",
    );
    expect(() => tiny("M", { ssm })).not.toThrow();
  });
});

describe("the weights of D and N", () => {
  it("are those of T and M, with λ and what the second mixer has of its own", () => {
    const [t, d, m, n] = ["T", "D", "M", "N"].map((pattern) => tiny(pattern));
    expect(linearWeights(d)).toBe(linearWeights(t));
    expect(countParameters(d).total - countParameters(t).total).toBe(4 * 4);
    // B and C a second time, in the projection and in the convolution.
    expect(linearWeights(n) - linearWeights(m)).toBe(2 * 8 * (24 + 4));
    expect(countParameters(n).total - countParameters(m).total).toBe(2 * 8 * (24 + 4) + 2 * 8 + 2 * 24);
    expect(activeWeights(n)).toBe(linearWeights(n));
  });

  it("cost D twice the product with the values, and no larger cache than T", () => {
    const at = (pattern: string) => cost(tiny(pattern), { context: 100, tokens: 1 });
    expect(at("D").cacheBytes).toBe(at("T").cacheBytes);
    expect(at("D").flopsPerSequence - at("T").flopsPerSequence).toBe(6 * 32 * 5050);
  });
});
