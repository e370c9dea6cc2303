import { describe, expect, it } from "vitest";
import type { HybridConfig } from "../../../src/config/types.js";
import { observe } from "../../../src/inspect/look.js";
import { initialValues } from "../../../src/model/initialise.js";
import { Parameters } from "../../../src/model/parameters.js";
import { expectClose, random, relativeError, useGpu } from "../../ops/harness.js";
import { expectGradients, expectToLearn, logitsWith } from "./fixtures.js";
import { forms, joint, tinyHybrid } from "./hybrids.js";
import { expectPiecesToAgree } from "./pieces.js";

const holder = useGpu();

describe.each(Object.entries(forms))("H, %s,", (_, form) => {
  // (That each design of the paper learns is shown in test/findings/fusion-designs.test.ts.)
  it("has the gradient of its loss, and continues from its state", async () => {
    const config = tinyHybrid(form);
    await expectGradients(holder.gpu, config, (name) => /layers\.0\.(input|self|mamba|out|gate|alpha)/.test(name));
    await expectPiecesToAgree(holder.gpu, config);
  });
});

describe("the splits of Table 20", () => {
  it.each([
    ["2:1", { dQk: 32, dSsm: 32 }],
    ["1:10", { heads: 2, kvHeads: 1, dQk: 8, dSsm: 160, valueDim: 12 }],
  ])("learn at a tiny size, %s", async (_, split) => {
    await expectToLearn(holder.gpu, tinyHybrid(split), 3);
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

  it.each([
    ["", {}],
    [" scaled", { scale: "vector" }],
    [" without norms", { norm: "none" }],
  ] as const)("subtracts by turning the sign of attention's values, too,%s", (_, form) =>
    expectSame(
      "values turned",
      [{ ...joint, ...form, fusion: "subtract" }],
      [{ ...joint, ...form, fusion: "add" }, (weights) => times(weights, "self_attn.v_proj.weight", -1)],
    ),
  );

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
