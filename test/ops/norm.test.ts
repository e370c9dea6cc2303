import { describe, expect, it } from "vitest";
import { gatedRmsNorm, groupNorm, rmsNorm } from "../../src/ops/norm.js";
import * as reference from "../reference/norm.js";
import { asHardware, checkOp, clear, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();
// Large enough to show when it is forgotten, and to keep the gradient of a row of length 1 well-conditioned.
const eps = 0.05;

/** The kernels meant for real GPUs have to be right everywhere. */

describe.each(["software", "hardware"])("the %s form of the norms agrees with float64", (form) => {
  const gpu = () => (form === "hardware" ? asHardware(holder.gpu) : holder.gpu);

  // The hardware form takes seconds a shape in software, so it is tried at fewer.
  const all = form === "software";
  it.each([
    [1, 32],
    [3, 7],
    [300, 64],
    [5, 520],
    ...(all
      ? [
          [1, 1],
          [2, 37, 33],
          [19, 132],
          [2, 1028],
        ]
      : []),
  ])("rmsNorm at x %i-%i", async (...shape) => {
    const width = shape[shape.length - 1];
    await checkOp(gpu(), {
      inputs: { x: input(shape, 1, 2, 0.5), w: input([width], 2, 0.5, 1) },
      build: (tape, { x, w }) => rmsNorm(tape, x, w, eps),
      reference: ({ x, w }) => reference.rmsNorm(x, w, eps),
    });
  });

  const shapes = [
    { rows: 37, width: 24, columns: 60, zColumn: 4, groups: 1 },
    { rows: 21, width: 64, columns: 152, zColumn: 8, groups: 4 },
    { rows: 9, width: 15, columns: 31, zColumn: 3, groups: 3 },
  ];
  const more = [
    { rows: 1, width: 32, columns: 32, zColumn: 0, groups: 1 },
    { rows: 130, width: 64, columns: 150, zColumn: 0, groups: 2 },
    { rows: 5, width: 520, columns: 1040, zColumn: 520, groups: 1 },
  ];
  const both = [true, false].flatMap((gateFirst) => shapes.map((shape) => ({ ...shape, gateFirst })));
  it.each(all ? [...both, ...more.map((shape) => ({ ...shape, gateFirst: true }))] : both)(
    "gatedRmsNorm at R$rows-D$width-z$zColumn/$columns-G$groups, the gate first: $gateFirst",
    async ({ rows, width, columns, zColumn, groups, gateFirst }) => {
      await checkOp(gpu(), {
        inputs: { y: input([rows, width], 1), z: input([rows, columns], 2, 4), w: input([width], 3, 0.5, 1) },
        build: (tape, { y, z, w }) => {
          // Nobody else writes the other columns of the gradient here.
          clear(tape, tape.gradientOf(z).gradient);
          return gatedRmsNorm(tape, y, z, w, { eps, zColumn, groups, gateFirst });
        },
        reference: ({ y, z, w }) => reference.gatedRmsNorm(y, z, w, { eps, zColumn, columns, groups, gateFirst }),
      });
    },
  );

  const grouped = [
    { rows: 37, width: 64, groups: 4, weight: "columns", factor: 1 },
    { rows: 131, width: 96, groups: 3, weight: "shared", factor: 0.8 },
    { rows: 21, width: 40, groups: 5, weight: "none", factor: 0.64 },
  ];
  const moreGrouped = [
    { rows: 1, width: 21, groups: 3, weight: "shared", factor: 1 },
    { rows: 3, width: 12, groups: 12, weight: "columns", factor: 0.5 },
    { rows: 7, width: 1040, groups: 1, weight: "none", factor: 1 },
  ];
  it.each(all ? [...grouped, ...moreGrouped] : grouped)(
    "groupNorm at R$rows-D$width-G$groups, weight: $weight, times $factor",
    async ({ rows, width, groups, weight, factor }) => {
      const o = { groups, eps, factor };
      const x = input([rows, width], 1, 2, 0.5);
      const w = input([weight === "shared" ? width / groups : width], 2, 0.5, 1);
      await checkOp(gpu(), {
        inputs: weight === "none" ? { x } : { x, w },
        build: (tape, { x, w }) => groupNorm(tape, x, w, o),
        reference: ({ x, w }) => reference.groupNorm(x, w, { ...o, width }),
      });
    },
  );

  it("rmsNorm without a weight", async () => {
    await checkOp(gpu(), {
      inputs: { x: input([19, 36], 1) },
      build: (tape, { x }) => rmsNorm(tape, x, undefined, eps),
      reference: ({ x }) => reference.groupNorm(x, undefined, { width: 36, groups: 1, eps }),
    });
  });

  it("a norm that is not the only reader adds to the gradients of x and w", async () => {
    const inputs = { x: input([70, 36], 1), z: input([70, 36], 4), w: input([36], 2, 0.5, 1) };
    const upstream = (shape: readonly number[]) => random(shape, 5);
    for (const gated of all ? [false, true] : [true]) {
      const run = (before: boolean) =>
        runOp(
          gpu(),
          inputs,
          (tape, { x, z, w }) => {
            if (before) for (const tensor of [x, w]) tape.recorder.copy(tensor, tape.gradientOf(tensor).gradient);
            if (!gated) clear(tape, tape.gradientOf(z).gradient);
            return gated ? gatedRmsNorm(tape, x, z, w, { eps, zColumn: 0, groups: 1 }) : rmsNorm(tape, x, w, eps);
          },
          upstream,
        );
      const [alone, added] = [await run(false), await run(true)];
      for (const name of ["x", "w"] as const) {
        const expected = alone.gradients[name].map((value, i) => value + inputs[name].values[i]);
        expectClose(`gradient of ${name}`, added.gradients[name], expected, 1e-6);
      }
      expect(added.gradients.z).toEqual(alone.gradients.z);
    }
  });
});

it("the gradient of a gate's source is touched in the gate's columns alone", async () => {
  const { gradients } = await runOp(
    holder.gpu,
    { y: input([6, 8], 1), z: input([6, 20], 2), w: input([8], 3) },
    (tape, { y, z, w }) => gatedRmsNorm(tape, y, z, w, { eps, zColumn: 4, groups: 1 }),
    (shape) => random(shape, 5),
  );
  for (const [i, value] of gradients.z.entries()) expect(Number.isFinite(value)).toBe(i % 20 >= 4 && i % 20 < 12);
});

it("rows of zeros and huge gates stay finite", async () => {
  const inputs = { y: input([4, 8], 1, 0), z: input([4, 8], 2, 500), w: input([8], 3) };
  const build: Parameters<typeof runOp>[2] = (tape, { y, z, w }) =>
    gatedRmsNorm(tape, y, z, w, { eps, zColumn: 0, groups: 1 });
  const { output, gradients } = await runOp(holder.gpu, inputs, build, (shape) => random(shape, 5));
  for (const values of [output, ...Object.values(gradients)]) expect(values.every(Number.isFinite)).toBe(true);
});

it("says which shapes do not fit", async () => {
  const inputs = { y: input([4, 8], 1), z: input([4, 8], 2), w: input([6], 3) };
  const run = (build: Parameters<typeof runOp>[2]) => runOp(holder.gpu, inputs, build, (shape) => random(shape, 5));
  await expect(run((tape, { y, w }) => rmsNorm(tape, y, w, eps))).rejects.toThrow("weight [6] does not fit x [4,8]");
  await expect(run((tape, { y, w }) => groupNorm(tape, y, w, { eps, groups: 2 }))).rejects.toThrow(
    "weight [6] does not fit x [4,8]",
  );
  await expect(run((tape, { y }) => groupNorm(tape, y, undefined, { eps, groups: 3 }))).rejects.toThrow(
    "3 groups do not divide 8",
  );
  await expect(run((tape, { y, z, w }) => gatedRmsNorm(tape, y, z, w, { eps, zColumn: 4, groups: 1 }))).rejects.toThrow(
    "finds no z at column 4",
  );
});
