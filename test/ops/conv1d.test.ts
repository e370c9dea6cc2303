import { describe, expect, it } from "vitest";
import { convSilu } from "../../src/ops/conv1d.js";
import { convSiluReference } from "../reference/conv1d.js";
import { checkOp, clear, input, runOp, useGpu } from "./harness.js";

const holder = useGpu();

describe("convSilu agrees with float64, forward and backward", () => {
  for (const [batch, length, channels, width, column] of [
    [1, 1, 1, 4, 0],
    [2, 1, 5, 4, 3],
    [3, 2, 6, 4, 2],
    [2, 37, 7, 4, 5],
    [2, 70, 24, 3, 8],
    [1, 33, 4, 1, 0],
    [2, 16, 70, 2, 1],
  ]) {
    it(`B${batch}-T${length}-C${channels}-W${width}, from column ${column}`, async () => {
      const columns = column + channels + 2;
      const o = { batch, length, columns, column, channels, width };
      await checkOp(holder.gpu, {
        inputs: {
          x: input([batch * length, columns], 1, 2),
          w: input([channels, 1, width], 2),
          bias: input([channels], 3),
        },
        build: (tape, { x, w, bias }) => {
          const y = convSilu(tape, x, w, bias, o);
          // Recorded last, so it runs first: the columns that belong to other operations hold zeros, and must still do so after.
          tape.push({ outputs: [], backward: () => clear(tape, tape.gradientOf(x).gradient) });
          return y;
        },
        reference: ({ x, w, bias }) => convSiluReference(x, w, bias, o),
      });
    });
  }
});

describe("convSilu", () => {
  it("does without a bias", async () => {
    const o = { batch: 2, length: 35, columns: 9, column: 2, channels: 5, width: 4 };
    await checkOp(holder.gpu, {
      inputs: { x: input([70, 9], 1, 2), w: input([5, 1, 4], 2) },
      build: (tape, { x, w }) => {
        const y = convSilu(tape, x, w, undefined, o);
        tape.push({ outputs: [], backward: () => clear(tape, tape.gradientOf(x).gradient) });
        return y;
      },
      reference: ({ x, w }) => convSiluReference(x, w, new Float64Array(5), o),
    });
  });

  it("gives the same bits twice", async () => {
    const o = { batch: 2, length: 70, column: 0, channels: 9, width: 4 };
    const run = () =>
      runOp(
        holder.gpu,
        { x: input([140, 9], 1), w: input([9, 1, 4], 2), bias: input([9], 3) },
        (tape, { x, w, bias }) => convSilu(tape, x, w, bias, o),
        (shape) => input(shape, 4).values,
      );
    expect(await run()).toEqual(await run());
  });

  it("says which shapes do not fit", async () => {
    const run = (channels: number, width: number) =>
      runOp(
        holder.gpu,
        { x: input([4, 9], 1), w: input([6, 1, 4], 2), bias: input([6], 3) },
        (tape, { x, w, bias }) => convSilu(tape, x, w, bias, { batch: 1, length: 4, column: 2, channels, width }),
        (shape) => input(shape, 4).values,
      );
    await expect(run(8, 4)).rejects.toThrow("columns 2 to 10 of 1 × 4 tokens: the input is [4,9]");
    await expect(run(6, 3)).rejects.toThrow("takes weights [6, 1, 3] and [6], not [6,1,4] and [6]");
  });
});
