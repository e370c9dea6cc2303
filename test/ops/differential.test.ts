import { expect, it } from "vitest";
import { differential } from "../../src/ops/differential.js";
import { differentialLambda, lambdaInit, mambaLambda } from "../../src/ops/lambda.js";
import { groupNorm } from "../../src/ops/norm.js";
import * as reference from "../reference/differential.js";
import { groupNorm as referenceNorm } from "../reference/norm.js";
import { asHardware, checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();
const vectors = (d: number): Inputs =>
  Object.fromEntries(["q1", "k1", "q2", "k2"].map((name, i) => [name, input([d], i + 1, 0.4)]));

it.each([1, 32, 100])("differentialLambda at D%i", async (d) => {
  await checkOp(holder.gpu, {
    inputs: vectors(d),
    build: (tape, { q1, k1, q2, k2 }) => differentialLambda(tape, { q1, k1, q2, k2 }, 0.2),
    reference: (arrays) => reference.differentialLambda(arrays, 0.2),
  });
});

it.each([1, 65, 256])("mambaLambda at D%i", async (d) => {
  await checkOp(holder.gpu, {
    inputs: { v: input([d], 1, 0.5, 0.01) },
    build: (tape, { v }) => mambaLambda(tape, v, 0.35),
    reference: ({ v }) => reference.mambaLambda(v, 0.35),
  });
});

it("λ_init rises from 0.2 in the first layer towards 0.8", () => {
  expect(lambdaInit(0)).toBeCloseTo(0.2, 12);
  expect(lambdaInit(1)).toBeCloseTo(0.8 - 0.6 * Math.exp(-0.3), 12);
  expect(lambdaInit(40)).toBeCloseTo(0.8, 5);
});

it.each([
  { rows: 1, width: 3, fusion: "subtract", form: "software" },
  { rows: 37, width: 24, fusion: "subtract", form: "software" },
  { rows: 70, width: 16, fusion: "add", form: "software" },
  { rows: 37, width: 24, fusion: "subtract", form: "hardware" },
] as const)("differential at R$rows-W$width, $fusion, $form", async ({ rows, width, fusion, form }) => {
  await checkOp(form === "hardware" ? asHardware(holder.gpu) : holder.gpu, {
    inputs: { o: input([rows, 2 * width], 1), lambda: input([1], 2, 1, 0.3) },
    build: (tape, { o, lambda }) => differential(tape, o, lambda, { fusion }),
    reference: ({ o, lambda }) => reference.differential(o, lambda[0], width, fusion === "add" ? 1 : -1),
  });
});

it("a whole differential head: λ, difference, norm by heads and the factor 1 - λ_init", async () => {
  const [rows, width, groups, initial, eps] = [19, 32, 2, 0.35, 0.01];
  await checkOp(holder.gpu, {
    inputs: { o: input([rows, 2 * width], 9), w: input([width / groups], 8, 0.5, 1), ...vectors(8) },
    build: (tape, { o, w, q1, k1, q2, k2 }) => {
      const lambda = differentialLambda(tape, { q1, k1, q2, k2 }, initial);
      const difference = differential(tape, o, lambda, { fusion: "subtract" });
      return groupNorm(tape, difference, w, { groups, eps, factor: 1 - initial });
    },
    reference: ({ o, w, ...rest }) => {
      const [lambda] = reference.differentialLambda(rest, initial);
      const difference = reference.differential(o, lambda, width, -1);
      return referenceNorm(difference, w, { width, groups, eps, factor: 1 - initial });
    },
  });
});

it("parameters of λ that have gradients already keep them", async () => {
  const inputs: Inputs = { ...vectors(9), v: input([9], 7) };
  for (const kind of ["differential", "mamba"]) {
    const run = (before: boolean) =>
      runOp(
        holder.gpu,
        inputs,
        (tape, tensors) => {
          if (before) {
            for (const tensor of Object.values(tensors)) tape.recorder.copy(tensor, tape.gradientOf(tensor).gradient);
          }
          const { q1, k1, q2, k2, v } = tensors;
          return kind === "mamba" ? mambaLambda(tape, v, 0.1) : differentialLambda(tape, { q1, k1, q2, k2 }, 0.1);
        },
        (shape) => random(shape, 5),
      );
    const [alone, added] = [await run(false), await run(true)];
    for (const name of kind === "mamba" ? ["v"] : ["q1", "k1", "q2", "k2"]) {
      const expected = alone.gradients[name].map((value, i) => value + inputs[name].values[i]);
      expectClose(`gradient of ${name}`, added.gradients[name], expected, 1e-6);
    }
  }
});

it("says what does not split or fit", async () => {
  const run = (build: Parameters<typeof runOp>[2]) =>
    runOp(holder.gpu, { o: input([4, 7], 1), l: input([2], 2), q: input([3], 3), p: input([4, 8], 4) }, build, (s) =>
      random(s, 5),
    );
  await expect(run((tape, { o, l }) => differential(tape, o, l, { fusion: "add" }))).rejects.toThrow(
    "[4,7] does not split into two halves",
  );
  await expect(run((tape, { p, l }) => differential(tape, p, l, { fusion: "add" }))).rejects.toThrow(
    "the scale l [2] does not fit",
  );
  await expect(run((tape, { q, l }) => differentialLambda(tape, { q1: q, k1: l, q2: q, k2: q }, 0.2))).rejects.toThrow(
    "l [2] is not as long as [3]",
  );
});
