import { expect, it } from "vitest";
import { gate } from "../../src/ops/gate.js";
import * as reference from "../reference/norm.js";
import { checkOp, clear, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

it.each([
  { rows: 1, width: 1, columns: 1, zColumn: 0 },
  { rows: 37, width: 24, columns: 60, zColumn: 4 },
  { rows: 70, width: 15, columns: 31, zColumn: 3 },
])("gate at R$rows-D$width-z$zColumn/$columns", async ({ rows, width, columns, zColumn }) => {
  await checkOp(holder.gpu, {
    inputs: { y: input([rows, width], 1), z: input([rows, columns], 2, 4) },
    build: (tape, { y, z }) => {
      clear(tape, tape.gradientOf(z).gradient);
      return gate(tape, y, z, { zColumn });
    },
    reference: ({ y, z }) => reference.gate(y, z, { width, columns, zColumn }),
  });
});

it("huge gates stay finite, and the other columns of their source are left alone", async () => {
  const { output, gradients } = await runOp(
    holder.gpu,
    { y: input([6, 8], 1), z: input([6, 20], 2, 500) },
    (tape, { y, z }) => gate(tape, y, z, { zColumn: 4 }),
    (shape) => random(shape, 5),
  );
  for (const values of [output, gradients.y]) expect(values.every(Number.isFinite)).toBe(true);
  for (const [i, value] of gradients.z.entries()) expect(Number.isFinite(value)).toBe(i % 20 >= 4 && i % 20 < 12);
});

it("says that there is no gate where there is none", async () => {
  const inputs = { y: input([4, 8], 1), z: input([4, 8], 2) };
  const run = runOp(
    holder.gpu,
    inputs,
    (tape, { y, z }) => gate(tape, y, z, { zColumn: 4 }),
    (s) => random(s, 5),
  );
  await expect(run).rejects.toThrow("finds no z at column 4 of [4,8]");
});
