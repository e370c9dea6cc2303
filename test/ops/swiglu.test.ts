import { describe, expect, it } from "vitest";
import { swiglu } from "../../src/ops/swiglu.js";
import * as reference from "../reference/swiglu.js";
import { checkOp, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

describe("swiglu agrees with float64, forward and backward", () => {
  it.each([
    [1, 1],
    [7, 5],
    [37, 12],
    [130, 64],
  ])("at %i rows, F %i", async (rows, width) => {
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, 2 * width], 1, 4) },
      build: (tape, { x }) => swiglu(tape, x),
      reference: ({ x }) => reference.swiglu(x, width),
    });
  });

  it("and adds to a gradient that is there already", async () => {
    const inputs = { x: input([9, 16], 1) };
    const run = (before: boolean) =>
      runOp(
        holder.gpu,
        inputs,
        (tape, { x }) => {
          if (before) tape.recorder.copy(x, tape.gradientOf(x).gradient);
          return swiglu(tape, x);
        },
        (shape) => random(shape, 5),
      );
    const expected = (await run(false)).gradients.x.map((value, i) => value + inputs.x.values[i]);
    expectClose("gradient", (await run(true)).gradients.x, expected, 1e-6);
  });

  it("and stays finite where gates are huge", async () => {
    const run = runOp(
      holder.gpu,
      { x: input([4, 16], 1, 1000) },
      (tape, { x }) => swiglu(tape, x),
      (shape) => random(shape, 5),
    );
    const { output, gradients } = await run;
    expect(output.every(Number.isFinite) && gradients.x.every(Number.isFinite)).toBe(true);
  });
});
