import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.js";
import { type BranchScale, combine, scaleChannels } from "../../src/ops/combine.js";
import * as reference from "../reference/combine.js";
import { type Arrays, asHardware, checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

/** The ways to scale branches of `rows` × `width`: the extra inputs of each, and what they mean to both sides. */
const ways: Record<
  string,
  {
    inputs: (rows: number, width: number, groups: number) => Inputs;
    scale: (tensors: Record<string, Tensor>) => BranchScale;
    scales: (arrays: Arrays, groups: number) => reference.Scales;
  }
> = {
  none: { inputs: () => ({}), scale: () => ({ kind: "none" }), scales: () => ({}) },
  vector: {
    inputs: (_, width) => ({ va: input([width], 3, 0.5, 1), vb: input([width], 4, 0.5, 1) }),
    scale: ({ va, vb }) => ({ kind: "vector", a: va, b: vb }),
    scales: ({ va, vb }) => ({ vector: { a: va, b: vb } }),
  },
  scalar: {
    inputs: () => ({ lambda: input([1], 3, 1, 0.5) }),
    scale: ({ lambda }) => ({ kind: "scalar", lambda }),
    scales: ({ lambda }) => ({ lambda }),
  },
  gate: {
    inputs: (rows, width) => ({ logits: input([rows, width], 3, 4) }),
    scale: ({ logits }) => ({ kind: "gate", logits }),
    scales: ({ logits }) => ({ gate: logits }),
  },
  "alpha per token": {
    inputs: (rows, _, groups) => ({ logits: input([rows, groups], 3, 4) }),
    scale: ({ logits }) => ({ kind: "alpha", logits }),
    scales: ({ logits }, groups) => ({ alpha: { logits, groups, perToken: true } }),
  },
  alpha: {
    inputs: (_rows, _width, groups) => ({ logits: input([groups], 3, 2) }),
    scale: ({ logits }) => ({ kind: "alpha", logits }),
    scales: ({ logits }, groups) => ({ alpha: { logits, groups, perToken: false } }),
  },
};
const fusions = ["add", "subtract", "concat"] as const;

describe.each(["software", "hardware"])("the %s form of combine agrees with float64", (form) => {
  const gpu = () => (form === "hardware" ? asHardware(holder.gpu) : holder.gpu);
  const shapes = [
    { rows: 37, width: 24, groups: 3 },
    { rows: 131, width: 15, groups: 5 },
  ];
  const more = [
    { rows: 1, width: 1, groups: 1 },
    { rows: 3, width: 264, groups: 2 },
  ];
  const cases = Object.keys(ways).flatMap((way, i) =>
    (form === "software" ? [...shapes, ...more] : shapes).map((shape, j) => ({
      ...{ way, fusion: fusions[(i + j) % 3] },
      ...shape,
    })),
  );
  it.each(cases)("R$rows-W$width-G$groups: $fusion, scale $way", async ({ way, fusion, rows, width, groups }) => {
    const { inputs, scale, scales } = ways[way];
    await checkOp(gpu(), {
      inputs: { a: input([rows, width], 1), b: input([rows, width], 2), ...inputs(rows, width, groups) },
      build: (tape, { a, b, ...rest }) => combine(tape, a, b, { fusion, scale: scale(rest) }),
      reference: ({ a, b, ...rest }) => reference.combine(a, b, { width, fusion, scales: scales(rest, groups) }),
    });
  });

  it.each([
    { rows: 70, width: 36, one: false },
    { rows: 19, width: 7, one: false },
    { rows: 33, width: 20, one: true },
  ])("scaleChannels at R$rows-W$width, by one factor: $one", async ({ rows, width, one }) => {
    const zero = new Float64Array(rows * width);
    await checkOp(gpu(), {
      inputs: { a: input([2, rows, width], 1), v: input([one ? 1 : width], 2, 0.5, 1) },
      build: (tape, { a, v }) => scaleChannels(tape, a, v),
      reference: ({ a, v }) => {
        const vector = { a: one ? new Float64Array(width).fill(v[0]) : v, b: zero };
        return reference.combine(a, new Float64Array(a.length), { width, fusion: "add", scales: { vector } });
      },
    });
  });

  it.each(Object.keys(ways))("adds to gradients that are there, scale %s", async (way) => {
    const { inputs, scale } = ways[way];
    const all: Inputs = { a: input([21, 12], 1), b: input([21, 12], 2), ...inputs(21, 12, 3) };
    const run = (before: boolean) =>
      runOp(
        gpu(),
        all,
        (tape, tensors) => {
          if (before) {
            for (const tensor of Object.values(tensors)) tape.recorder.copy(tensor, tape.gradientOf(tensor).gradient);
          }
          const { a, b, ...rest } = tensors;
          return combine(tape, a, b, { fusion: "subtract", scale: scale(rest) });
        },
        (shape) => random(shape, 5),
      );
    const [alone, added] = [await run(false), await run(true)];
    for (const [name, { values }] of Object.entries(all)) {
      const expected = alone.gradients[name].map((value, i) => value + values[i]);
      expectClose(`gradient of ${name}`, added.gradients[name], expected, 1e-6);
    }
  });
});

it("gates far from 0 stay finite", async () => {
  const inputs = { a: input([4, 8], 1), b: input([4, 8], 2), logits: input([4, 8], 3, 500) };
  const { output, gradients } = await runOp(
    holder.gpu,
    inputs,
    (tape, { a, b, logits }) => combine(tape, a, b, { fusion: "add", scale: { kind: "gate", logits } }),
    (shape) => random(shape, 5),
  );
  for (const values of [output, ...Object.values(gradients)]) expect(values.every(Number.isFinite)).toBe(true);
});

it("says which branches and scales do not fit", async () => {
  const inputs = { a: input([4, 8], 1), b: input([4, 6], 2), v: input([6], 3), logits: input([4, 3], 4) };
  const run = (build: Parameters<typeof runOp>[2]) => runOp(holder.gpu, inputs, build, (shape) => random(shape, 5));
  await expect(run((tape, { a, b }) => combine(tape, a, b, { fusion: "add" }))).rejects.toThrow(
    "a [4,8] and b [4,6] differ in shape",
  );
  await expect(run((tape, { a, v }) => scaleChannels(tape, a, v))).rejects.toThrow(
    "the scale v [6] does not fit branches [4,8]",
  );
  const alpha = (logits: Tensor): BranchScale => ({ kind: "alpha", logits });
  await expect(
    run((tape, { a, logits }) => combine(tape, a, { ...a }, { fusion: "add", scale: alpha(logits) })),
  ).rejects.toThrow("3 groups of α do not divide 8 columns");
});
