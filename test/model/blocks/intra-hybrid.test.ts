import { describe, expect, it } from "vitest";
import {
  countParameters,
  parameterTable,
  parseConfig,
  parseSize,
  preset,
  requireBuildable,
} from "../../../src/config/index.js";
import type { HybridConfig, ModelConfig } from "../../../src/config/types.js";
import { linearWeights, mixerCost } from "../../../src/cost/index.js";
import { paperTable } from "../../../src/findings/paper.node.js";
import { observe } from "../../../src/inspect/look.js";
import { initialValues } from "../../../src/model/initialise.js";
import { Parameters } from "../../../src/model/parameters.js";
import { expectClose, random, relativeError, useGpu } from "../../ops/harness.js";
import { expectGradients, expectToLearn, logitsWith } from "./fixtures.js";
import { expectPiecesToAgree } from "./pieces.js";

const holder = useGpu();

/** Four heads; values of 6 · 4, Mamba-2 as wide, so that every form is possible. */
function tinyHybrid(form: Partial<HybridConfig> = {}, pattern = "H"): ModelConfig {
  return parseConfig({
    vocabSize: 256,
    dModel: 24,
    pattern,
    ffn: { kind: "swiglu", dFfn: 40 },
    attention: { heads: 3, kvHeads: 1, headDim: 8, rope: { theta: 10_000 } },
    ...(pattern.includes("W") && { window: { size: 9, sink: 2, rope: { theta: 500 } } }),
    ssm: { dSsm: 48, headDim: 12, dState: 8, groups: 1, conv: 4, chunk: 16, aRange: [0.01, 2], dtRange: [0.001, 0.1] },
    hybrid: { heads: 4, kvHeads: 2, dQk: 16, dSsm: 32, valueDim: 8, ...form },
    tieEmbeddings: true,
    normEps: 1e-5,
  });
}

const joint = { output: "joint" } as const;
/** Every value of every axis at least once, and what can be combined with most others. */
const forms: Record<string, Partial<HybridConfig>> = {
  "the paper's best": {},
  "branches of two widths": { dSsm: 48 },
  "no norm, added": { norm: "none", fusion: "add" },
  "vectors, separate outputs": { scale: "vector" },
  "λ, separate outputs": { scale: "scalar" },
  "added before one projection": { ...joint, fusion: "add" },
  "vectors, joint": { ...joint, scale: "vector", norm: "none" },
  "λ and a shared value": { ...joint, scale: "scalar", value: "shared" },
  "a gate": { ...joint, scale: "gate", fusion: "add" },
  α: { ...joint, scale: "alpha", fusion: "add" },
  "side by side": { fusion: "concat", dSsm: 48 },
  "side by side with vectors": { fusion: "concat", scale: "vector", value: "shared" },
  "side by side under α": { fusion: "concat", scale: "alpha" },
  "a rotation of its own": { rope: null },
};

describe.each(Object.entries(forms))("H, %s,", (_, form) => {
  // (That each design of the paper learns is shown in test/findings/fusion-designs.test.ts.)
  it("has the gradient of its loss, and continues from its state", async () => {
    const config = tinyHybrid(form);
    await expectGradients(holder.gpu, config, (name) => /layers\.0\.(input|self|mamba|out|gate|alpha)/.test(name));
    await expectPiecesToAgree(holder.gpu, config);
  });
});

describe("the splits of Table 20", () => {
  const rows = paperTable("table20").filter(({ n_hyb }) => n_hyb);
  it.each(rows.map((row) => [String(row.size), String(row.dim_ratio_attn_to_mamba), row] as const))(
    "can be built at %s, %s",
    (size, _, { d_qk_attn, d_mamba_pre_expansion, n_hyb }) => {
      const config = preset(parseSize(size), { pattern: "H".repeat(Number(n_hyb)) });
      const split = { dQk: Number(d_qk_attn), dSsm: 2 * Number(d_mamba_pre_expansion) };
      expect(() => requireBuildable(parseConfig({ ...config, hybrid: { ...config.hybrid, ...split } }))).not.toThrow();
    },
  );

  it.each([
    ["2:1", { dQk: 32, dSsm: 32 }],
    ["1:10", { heads: 2, kvHeads: 1, dQk: 8, dSsm: 160, valueDim: 12 }],
  ])("learn at a tiny size, %s", async (_, split) => {
    await expectToLearn(holder.gpu, tinyHybrid(split), 3);
  });
});

describe("the linear weights of H", () => {
  it.each(Object.entries(forms))(
    "are those of its parameters that are no norms, biases, D or scales: %s",
    (_, form) => {
      const config = tinyHybrid(form, "HM");
      const uncounted = parameterTable(config)
        .filter(({ name }) => /norm\.weight$|bias$|\.D$|\.scale$|\.lambda_..$/.test(name) && !name.endsWith("dt_bias"))
        .reduce((total, { shape }) => total + shape[0], 0);
      expect(countParameters(config).nonEmbedding - linearWeights(config)).toBe(uncounted);
    },
  );

  it("cost attention's products as wide as they are where the values' width is given, a window's no further than it sees", () => {
    const extra = (pattern: string) =>
      (["H", "W"] as const).map((letter) => mixerCost(tinyHybrid({}, pattern), letter, 100).extraFlops);
    // 16 for queries and keys, 32 for values; 5,050 pairs of 100 tokens, 11 · 6 + 11 · 89 under a window of 9 + 2.
    const scan = 3 * 100 * (9 * 32 * 8 + 2 * 32);
    expect(extra("HW")).toEqual([6 * 48 * 5050 + scan, 6 * 48 * (66 + 979) + scan]);
  });
});

describe("W", () => {
  it("has the gradient of its loss, learns, and continues from its state", async () => {
    const config = tinyHybrid({}, "WM");
    await expectGradients(holder.gpu, config, (name) => name.includes("layers.0.self_attn"));
    await expectToLearn(holder.gpu, config);
    await expectPiecesToAgree(holder.gpu, config);
  });
});

type Weights = Map<string, Float32Array>;
type Side = [form: Partial<HybridConfig>, edit?: (weights: Weights) => void];
const of = (weights: Weights, name: string) => weights.get(`model.layers.0.${name}`)!;
const times = (weights: Weights, name: string, factor: number) => {
  of(weights, name).forEach((value, i, all) => {
    all[i] = value * factor;
  });
};
/** Some matrix, row-major. */
const matrix = (seed: number, rows: number, columns: number) => [...random([rows, columns], seed, 0.2)];

describe("the definition of H", () => {
  const logits = ([form, edit]: Side) => logitsWith(holder.gpu, tinyHybrid(form), edit);
  const expectSame = async (what: string, one: Side, other: Side) =>
    expectClose(what, await logits(one), await logits(other), 3e-6);
  const bare = { norm: "none", fusion: "add" } as const;

  it("is T without its Mamba-2 branch, and M without its attention", async () => {
    const { hybrid, ...rest } = tinyHybrid();
    const attention = { heads: 4, kvHeads: 2, headDim: 4, valueDim: 8, rope: { theta: 10_000 } };
    const t = await logitsWith(holder.gpu, { ...rest, pattern: "T", attention });
    const ssm = { ...rest.ssm!, dSsm: 32, headDim: 8 };
    const m = await logitsWith(holder.gpu, { ...rest, pattern: "M", ssm });
    const attentionAlone = await logits([bare, (weights) => times(weights, "mamba.out_proj.weight", 0)]);
    const mambaAlone = await logits([bare, (weights) => times(weights, "self_attn.o_proj.weight", 0)]);
    expectClose("attention alone", attentionAlone, t, 3e-6);
    expectClose("Mamba-2 alone", mambaAlone, m, 3e-6);
    expect(relativeError(m, t), "they differ").toBeGreaterThan(1e-3);
  });

  it("subtracts attention from Mamba-2", () =>
    expectSame(
      "less attention",
      [{ norm: "none" }],
      [bare, (weights) => times(weights, "self_attn.o_proj.weight", -1)],
    ));

  it("gives each head of each branch the root mean square 1 where it norms them", async () => {
    const louder = (weights: Weights) => {
      times(weights, "self_attn.v_proj.weight", 3);
      times(weights, "mamba.norm.weight", 5);
    };
    // The epsilon weighs less after the heads have become louder.
    expectClose("group", await logits([{}, louder]), await logits([{}]), 1e-3);
    expect(relativeError(await logits([bare, louder]), await logits([bare])), "none").toBeGreaterThan(1e-2);
  });

  it("with one projection after the fusion is that with the same projection for both", () => {
    const projection = matrix(1, 24, 32);
    return expectSame(
      "joint",
      [joint, (weights) => of(weights, "out_proj.weight").set(projection)],
      [
        {},
        (weights) => {
          of(weights, "mamba.out_proj.weight").set(projection);
          of(weights, "self_attn.o_proj.weight").set(projection);
        },
      ],
    );
  });

  it("side by side is the sum after projections of their own", () => {
    const [m, t] = [matrix(1, 24, 32), matrix(2, 24, 32)];
    const rows = Array.from({ length: 24 }, (_, i) => [m, t].flatMap((part) => part.slice(32 * i, 32 * i + 32)));
    return expectSame(
      "concat",
      [{ fusion: "concat" }, (weights) => of(weights, "out_proj.weight").set(rows.flat())],
      [
        { fusion: "add" },
        (weights) => {
          of(weights, "mamba.out_proj.weight").set(m);
          of(weights, "self_attn.o_proj.weight").set(t);
        },
      ],
    );
  });

  it("takes Mamba-2's x from the values, each repeated for the queries that share it", () => {
    // z, then B, C and dt; two value heads of 8 rows.
    const [z, rest, v] = [matrix(1, 32, 24), matrix(2, 20, 24), matrix(3, 16, 24)];
    const [first, second] = [v.slice(0, 8 * 24), v.slice(8 * 24)];
    const side = (value: "shared" | "separate", x: number[]): Side => [
      { value },
      (weights) => {
        of(weights, "mamba.in_proj.weight").set([...z, ...x, ...rest]);
        of(weights, "self_attn.v_proj.weight").set(v);
      },
    ];
    return expectSame("shared", side("shared", []), side("separate", [first, first, second, second].flat()));
  });

  it.each<[string, Side, number, number]>([
    [
      "λ_init for attention alone",
      [{ scale: "scalar" }, (weights) => times(weights, "self_attn.lambda_q1", 0)],
      1,
      0.2,
    ],
    ["the vectors", [{ scale: "vector" }, (weights) => times(weights, "self_attn.scale", 0.3)], 1, 0.3],
    [
      "the vectors in a joint fusion",
      [
        { ...joint, scale: "vector" },
        (weights) => {
          times(weights, "mamba.scale", 0.7);
          times(weights, "self_attn.scale", 0.3);
        },
      ],
      0.7,
      0.3,
    ],
    [
      "λ in a joint fusion",
      [{ ...joint, scale: "scalar" }, (weights) => times(weights, "self_attn.lambda_q1", 0)],
      1,
      0.2,
    ],
    [
      "half for each under a gate of no opinion",
      [{ ...joint, scale: "gate" }, (weights) => times(weights, "gate_proj.weight", 0)],
      0.5,
      0.5,
    ],
    [
      "half for each under such an α",
      [{ ...joint, scale: "alpha" }, (weights) => times(weights, "alpha_proj.weight", 0)],
      0.5,
      0.5,
    ],
  ])("is scaled by %s", (what, [form, edit], m, t) => {
    const projection = matrix(1, 24, 32);
    const project = (weights: Weights, [forMamba, forAttention]: readonly number[]) => {
      weights.get("model.layers.0.out_proj.weight")?.set(projection);
      weights.get("model.layers.0.mamba.out_proj.weight")?.set(projection.map((value) => value * forMamba));
      weights.get("model.layers.0.self_attn.o_proj.weight")?.set(projection.map((value) => value * forAttention));
    };
    const noSecond = (weights: Weights) => weights.get("model.layers.0.self_attn.lambda_q2")?.fill(0);
    return expectSame(
      what,
      [
        form,
        (weights) => {
          edit?.(weights);
          noSecond(weights);
          project(weights, [1, 1]);
        },
      ],
      [{}, (weights) => project(weights, [m, t])],
    );
  });

  it("shows α for each token and head to whoever looks inside", async () => {
    const config = tinyHybrid({ ...joint, scale: "alpha", fusion: "add" });
    const parameters = new Parameters(holder.gpu, config, false);
    const values = initialValues(parameters, 2);
    parameters.load(values);
    const [alpha] = await observe(holder.gpu, parameters, [7, 8, 9], (name) => name === "alpha");
    expect(alpha.shape).toEqual([3, 4]);
    for (const value of alpha.values) expect(Math.abs(value - 0.5)).toBeLessThan(0.5);
    expect(new Set(alpha.values).size).toBeGreaterThan(6);
    parameters.destroy();
  });
});

describe("a section hybrid that makes no sense", () => {
  it.each<[Partial<HybridConfig>, string]>([
    [{ fusion: "concat", output: "separate" }, 'hybrid.output: "separate", but branches side by side'],
    [
      { scale: "gate" },
      'hybrid.scale: "gate" weighs the branches before a common output projection; set output "joint".',
    ],
    [
      { ...joint, dSsm: 64 },
      'hybrid.dSsm: 64, but branches that are fused by "subtract" before their projection have one width, and attention gives 32.',
    ],
    [{ value: "shared", dSsm: 64 }, "hybrid.dSsm: 64, but a shared value has one width"],
    [{ fusion: "concat", scale: "alpha", dSsm: 64 }, 'hybrid.dSsm: 64, but branches under one "alpha" have one width'],
    [{ dQk: 12 }, "hybrid.dQk / heads: 3 is odd, but attention.rope rotates pairs"],
    [{ dQk: 12, rope: { theta: 100 } }, "hybrid.dQk / heads: 3 is odd, but hybrid.rope rotates pairs"],
    [{ fusion: "multiply" } as never, 'hybrid.fusion: "multiply" must be "add" or "subtract" or "concat".'],
  ])("%j is refused in one sentence", (form, message) => {
    expect(() => tinyHybrid(form)).toThrow(message);
  });

  it("turns heads by the window's rotation in W, unless it has one of its own", () => {
    expect(() => tinyHybrid({ dQk: 12 }, "WM")).toThrow("hybrid.dQk / heads: 3 is odd, but window.rope rotates pairs");
    expect(() => tinyHybrid({ dQk: 12, rope: null }, "WM")).not.toThrow();
  });

  it("needs a rotation from somewhere", () => {
    const { attention, ...rest } = tinyHybrid();
    expect(() => parseConfig(rest)).toThrow("hybrid.rope: missing, and there is no attention.rope instead");
    expect(parseConfig({ ...rest, hybrid: { ...rest.hybrid, rope: null } }).attention).toBeUndefined();
  });
});
