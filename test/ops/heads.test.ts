import { expect, it } from "vitest";
import { expandHeads } from "../../src/ops/heads.js";
import { orderHeads } from "../reference/columns.js";
import { checkOp, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

it.each([
  { rows: 1, from: 1, to: 1, dim: 1, order: [0] },
  { rows: 19, from: 2, to: 4, dim: 8, order: [0, 0, 1, 1] },
  { rows: 70, from: 3, to: 9, dim: 5, order: [0, 0, 0, 1, 1, 1, 2, 2, 2] },
  { rows: 2, from: 1, to: 3, dim: 36, order: [0, 0, 0] },
])("expandHeads at R$rows-K$from-H$to-D$dim", async ({ rows, from, to, dim, order }) => {
  await checkOp(holder.gpu, {
    inputs: { v: input([rows, from * dim], 1) },
    build: (tape, { v }) => expandHeads(tape, v, { from, to, dim }),
    reference: ({ v }) => orderHeads(v, from, dim, order),
  });
});

it("says which heads do not fit", async () => {
  const run = (build: Parameters<typeof runOp>[2]) =>
    runOp(holder.gpu, { v: input([4, 12], 1) }, build, (shape) => random(shape, 5));
  await expect(run((tape, { v }) => expandHeads(tape, v, { from: 3, to: 4, dim: 4 }))).rejects.toThrow(
    "[4,12] does not hold 3 heads of 4 elements that could become 4",
  );
});
