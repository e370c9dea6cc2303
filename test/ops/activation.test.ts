import { describe, expect, it } from "vitest";
import { Arena, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { type Activation, activate, gated } from "../../src/ops/activation.js";
import { Tape } from "../../src/ops/tape.js";
import * as reference from "../reference/activation.js";
import { checkOp, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

const kinds = Object.keys(reference.activations) as Activation[];
const ones = (shape: readonly number[]) => random(shape, 1, 0, 1);

describe.each(kinds)("%s agrees with float64, forward and backward", (kind) => {
  const f = reference.activations[kind];

  it.each([
    [1, 1],
    [7, 5],
    [37, 12],
  ])("at %i rows of %i", async (rows, width) => {
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, width], 1, 4) },
      build: (tape, { x }) => activate(tape, x, kind),
      reference: ({ x }) => x.map(f),
    });
  });

  it.each([
    [1, 1],
    [7, 5],
    [130, 64],
  ])("gated, at %i rows, F %i", async (rows, width) => {
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, 2 * width], 1, 4) },
      build: (tape, { x }) => gated(tape, x, kind),
      reference: ({ x }) => reference.gated(f, x, width),
    });
  });

  it("and adds to a gradient that is there already", async () => {
    const inputs = { x: input([9, 16], 1) };
    for (const op of [activate, gated]) {
      const run = (before: boolean) =>
        runOp(
          holder.gpu,
          inputs,
          (tape, { x }) => {
            if (before) tape.recorder.copy(x, tape.gradientOf(x).gradient);
            return op(tape, x, kind);
          },
          (shape) => random(shape, 5),
        );
      const expected = (await run(false)).gradients.x.map((value, i) => value + inputs.x.values[i]);
      expectClose("gradient", (await run(true)).gradients.x, expected, 1e-6);
    }
  });

  it("and is its own limit, with the limit's slope, far from 0", async () => {
    // relu² of more is not an f32.
    const far = Float32Array.of(-1e18, -1e6, -1000, -50, 50, 1000, 1e6, 1e18);
    const { output, gradients } = await runOp(
      holder.gpu,
      { x: { shape: [1, 8], values: far } },
      (tape, { x }) => activate(tape, x, kind),
      ones,
    );
    const limit = (z: number) => (kind === "relu2" ? [z * z, 2 * z] : kind === "sigmoid" ? [1, 0] : [z, 1]);
    far.forEach((z, i) => {
      const [value, slope] = z < 0 ? [0, 0] : limit(z);
      if (value === 0) expect(Math.abs(output[i]), `f(${z})`).toBeLessThan(1e-18);
      else expectClose(`f(${z})`, [output[i]], [value], 1e-6);
      if (slope === 0) expect(Math.abs(gradients.x[i]), `f'(${z})`).toBeLessThan(1e-18);
      else expectClose(`f'(${z})`, [gradients.x[i]], [slope], 1e-6);
    });
  });
});

describe("gelu", () => {
  it("is within a millionth of float64 at every number, its left tail included, and so is its slope", async () => {
    const steps = Float32Array.from({ length: 6000 }, (_, i) => (i - 3000) / 250 + 1e-4);
    const small = [1e-30, 1e-12, 1e-6, 1e-3].flatMap((z) => [-z, z]);
    const x = Float32Array.from([...steps, ...small]);
    const { output, gradients } = await runOp(
      holder.gpu,
      { x: { shape: [x.length / 4, 4], values: x } },
      (tape, { x }) => activate(tape, x, "gelu"),
      ones,
    );
    let [worst, worstSlope] = [0, 0];
    x.forEach((z, i) => {
      const exact = z * reference.phi(z);
      worst = Math.max(worst, Math.abs(output[i] - exact) / Math.abs(exact));
      // The slope Φ(z) + z φ(z) passes through 0 at -0.75: what counts is its parts.
      const [area, part] = [reference.phi(z), z * reference.density(z)];
      worstSlope = Math.max(worstSlope, Math.abs(gradients.x[i] - (area + part)) / (area + Math.abs(part)));
    });
    expect(worst).toBeLessThan(1e-6);
    expect(worstSlope).toBeLessThan(1e-6);
  });
});

describe("gated", () => {
  it("wants as many gates as values", () => {
    const { gpu } = holder;
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), true);
    expect(() => gated(tape, tensorFrom(gpu, [2, 7], "x"), "gelu")).toThrow(
      "gated gelu: [2,7] does not split into gate and up",
    );
  });
});
