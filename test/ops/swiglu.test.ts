import { expect, it } from "vitest";
import { gated } from "../../src/ops/activation.js";
import { swiglu } from "../../src/ops/swiglu.js";
import { input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

it("swiglu is the silu case of the gated activations", async () => {
  const inputs = { x: input([37, 24], 1, 4) };
  const upstream = (shape: readonly number[]) => random(shape, 5);
  const result = await runOp(holder.gpu, inputs, (tape, { x }) => swiglu(tape, x), upstream);
  expect(result.shape).toEqual([37, 12]);
  expect(result).toEqual(await runOp(holder.gpu, inputs, (tape, { x }) => gated(tape, x, "silu"), upstream));
});
