import { describe, expect, it } from "vitest";
import { concatColumns, sliceColumns } from "../../src/ops/columns.js";
import * as reference from "../reference/columns.js";
import { checkOp, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();
const upstream = (shape: readonly number[]) => random(shape, 5);

describe("columns of matrices", () => {
  it.each([
    { rows: 1, widths: [1, 1] },
    { rows: 37, widths: [12, 24, 4] },
    { rows: 70, widths: [5, 8] },
    { rows: 3, widths: [7] },
  ])("concatColumns at R$rows-W$widths", async ({ rows, widths }) => {
    const inputs = Object.fromEntries(widths.map((width, i) => [`x${i}`, input([rows, width], i + 1)]));
    await checkOp(holder.gpu, {
      inputs,
      build: (tape, tensors) => concatColumns(tape, Object.values(tensors)),
      reference: (arrays) => reference.concatColumns(widths.map((width, i) => ({ values: arrays[`x${i}`], width }))),
    });
  });

  it.each([
    { shape: [1, 1], column: 0, width: 1 },
    { shape: [2, 19, 24], column: 8, width: 12 },
    { shape: [70, 11], column: 3, width: 5 },
    { shape: [5, 16], column: 0, width: 16 },
  ])("sliceColumns at x $shape, columns $column + $width", async ({ shape, column, width }) => {
    await checkOp(holder.gpu, {
      inputs: { x: input(shape, 1) },
      build: (tape, { x }) => sliceColumns(tape, x, { column, width }),
      reference: ({ x }) => reference.sliceColumns(x, shape[shape.length - 1], column, width),
    });
  });

  it("slices that overlap add up, and cover what nobody reads with zeros", async () => {
    const part = (x: Float64Array, column: number) => reference.sliceColumns(x, 20, column, 8);
    await checkOp(holder.gpu, {
      inputs: { x: input([9, 20], 1) },
      build: (tape, { x }) =>
        concatColumns(
          tape,
          [4, 8].map((column) => sliceColumns(tape, x, { column, width: 8 })),
        ),
      reference: ({ x }) => reference.concatColumns([4, 8].map((column) => ({ values: part(x, column), width: 8 }))),
    });
  });

  it("slices of their own columns share out a gradient, each writing its own part alone", async () => {
    const run = (columns: number[]) =>
      runOp(
        holder.gpu,
        { x: input([6, 12], 1) },
        (tape, { x }) =>
          concatColumns(
            tape,
            columns.map((column) => sliceColumns(tape, x, { column, width: 4, own: true })),
          ),
        upstream,
      );
    const all = await run([0, 4, 8]);
    expect(all.gradients.x).toEqual(upstream([6, 12]));
    const two = await run([0, 8]);
    for (const [i, value] of two.gradients.x.entries()) expect(Number.isFinite(value)).toBe(i % 12 < 4 || i % 12 >= 8);
  });

  it("a tensor that is concatenated with itself gets both parts of the gradient", async () => {
    const { gradients } = await runOp(
      holder.gpu,
      { x: input([5, 8], 1) },
      (tape, { x }) => concatColumns(tape, [x, x]),
      upstream,
    );
    const dy = upstream([5, 16]);
    const expected = gradients.x.map((_, i) => {
      const first = Math.floor(i / 8) * 16 + (i % 8);
      return dy[first] + dy[first + 8];
    });
    expectClose("gradient of x", gradients.x, expected, 1e-6);
  });

  it("says which columns there are not", async () => {
    const inputs = { x: input([4, 8], 1), y: input([3, 8], 2) };
    const run = (build: Parameters<typeof runOp>[2]) => runOp(holder.gpu, inputs, build, upstream);
    await expect(run((tape, { x }) => sliceColumns(tape, x, { column: 4, width: 8 }))).rejects.toThrow(
      "Columns 4 to 12 are not in x [4,8]",
    );
    await expect(run((tape, { x, y }) => concatColumns(tape, [x, y]))).rejects.toThrow(
      "[4,8], [3,8] do not lie side by side",
    );
  });
});
