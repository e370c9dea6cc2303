import { describe, expect, it } from "vitest";
import { tensorFrom } from "../../src/gpu/arena.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import { type SsdOptions, ssd } from "../../src/ops/ssd.js";
import type { Tape } from "../../src/ops/tape.js";
import { type SsdShape, ssdReference } from "../reference/ssd.js";
import {
  type Arrays,
  asHardware,
  checkOp,
  clear,
  expectClose,
  type Inputs,
  input,
  random,
  runOp,
  useGpu,
} from "./harness.js";

const holder = useGpu();

type Shape = SsdOptions & SsdShape;

const shapeOf = (
  batch: number,
  length: number,
  heads: number,
  headDim: number,
  state: number,
  groups: number,
  chunk: number,
): Shape => ({ batch, length, heads, headDim, state, groups, chunk, dtColumn: 3, dtColumns: heads + 5 });

const nameOf = (o: Shape) => `B${o.batch}-T${o.length}-H${o.heads}-P${o.headDim}-N${o.state}-G${o.groups}-Q${o.chunk}`;

/** dt about softplus(shift), A about exp(aLog). */
function inputsOf(o: Shape, shift = -2, aLog = -0.5): Inputs {
  const rows = o.batch * o.length;
  return {
    xBC: input([rows, o.heads * o.headDim + 2 * o.groups * o.state], 1),
    dtSource: input([rows, o.dtColumns], 2),
    dtBias: input([o.heads], 3, 0.5, shift),
    aLog: input([o.heads], 4, 0.5, aLog),
    d: input([o.heads], 5),
  };
}

function build(tape: Tape, { xBC, dtSource, dtBias, aLog, d }: Record<string, Tensor>, o: Shape): Tensor {
  const y = ssd(tape, xBC, dtSource, dtBias, aLog, d, o);
  // Runs first in the backward pass: the columns beside dt belong to other operations, and must keep their zeros.
  tape.push({ outputs: [], backward: () => clear(tape, tape.gradientOf(dtSource).gradient) });
  return y;
}

const reference = ({ xBC, dtSource, dtBias, aLog, d }: Arrays, o: Shape) =>
  ssdReference(xBC, dtSource, dtBias, aLog, d, o).y;

/** The kernels meant for real GPUs have to be right everywhere. */
const hardware = () => asHardware(holder.gpu);

const check = (gpu: Gpu, o: Shape, inputs: Inputs, more: { samples?: number; gradients?: string[] } = {}) =>
  checkOp(gpu, {
    inputs,
    build: (tape, tensors) => build(tape, tensors, o),
    reference: (arrays) => reference(arrays, o),
    samples: 24,
    ...more,
  });

describe("ssd agrees with the float64 recurrence, forward and backward", () => {
  for (const o of [
    shapeOf(1, 1, 1, 4, 4, 1, 64),
    shapeOf(2, 5, 1, 4, 4, 1, 64),
    shapeOf(1, 63, 1, 4, 4, 1, 64),
    shapeOf(1, 64, 1, 4, 4, 1, 64),
    shapeOf(3, 65, 1, 4, 4, 1, 64),
    shapeOf(2, 130, 1, 4, 4, 1, 64),
    shapeOf(2, 33, 4, 4, 8, 2, 16),
    shapeOf(1, 70, 3, 12, 20, 3, 64),
  ]) {
    it(nameOf(o), () => check(holder.gpu, o, inputsOf(o)));
  }

  // Two tiles of rows and columns of every product; odd tile sizes; chunks longer than the sequence, and of two sizes.
  for (const [o, samples] of [
    [shapeOf(1, 130, 1, 128, 128, 1, 128), 6],
    [shapeOf(2, 37, 4, 4, 8, 2, 32), 24],
    [shapeOf(2, 37, 4, 4, 8, 2, 16), 24],
    [shapeOf(1, 5, 4, 4, 8, 2, 64), 24],
  ] as const) {
    // Compiling large tiles for a software adapter takes many seconds on a busy machine.
    it(`${nameOf(o)}, kernels for hardware`, { timeout: 300_000 }, () =>
      check(hardware(), o, inputsOf(o), { samples }),
    );
  }

  const o = shapeOf(1, 70, 4, 4, 8, 2, 16);
  it("with strong decay", () => check(holder.gpu, o, inputsOf(o, 1.2, 1)));
  it("with dt held between bounds", () => {
    const bounded = { ...o, timeStep: { least: 0.1, most: 0.2 } };
    return check(holder.gpu, bounded, inputsOf(bounded));
  });
  it("with weak decay", () => check(holder.gpu, o, inputsOf(o, -6, -3)));

  it("with decay so strong that nothing is left of the token before", async () => {
    const inputs = inputsOf(o, 20, 4);
    // The gradient of A_log is below what differences of float64 can show; it has to be zero or next to it.
    await check(holder.gpu, o, inputs, { gradients: ["xBC", "dtSource", "dtBias", "d"] });
    const { gradients } = await gradientsOf(holder.gpu, o, inputs);
    expect(gradients.aLog.every((value) => Math.abs(value) < 1e-20)).toBe(true);
  });
});

const gradientsOf = (gpu: Gpu, o: Shape, inputs: Inputs, around = build) =>
  runOp(
    gpu,
    inputs,
    (tape, tensors) => around(tape, tensors, o),
    (shape) => random(shape, 7),
  );

describe("ssd", () => {
  const o = shapeOf(2, 37, 4, 4, 8, 2, 16);

  it("gives the same bits twice, with either kind of kernels", async () => {
    for (const gpu of [holder.gpu, hardware()]) {
      expect(await gradientsOf(gpu, o, inputsOf(o))).toEqual(await gradientsOf(gpu, o, inputsOf(o)));
    }
  });

  it("lets neighbouring heads share a group: head h reads group floor(h · G / H)", async () => {
    const inputs = inputsOf(o);
    const changed = { ...inputs, xBC: { ...inputs.xBC, values: inputs.xBC.values.slice() } };
    // B of the second group.
    for (let row = 0; row < 74; row++) changed.xBC.values.fill(0, row * 48 + 24, row * 48 + 32);
    for (const gpu of [holder.gpu, hardware()]) {
      const [before, after] = [await gradientsOf(gpu, o, inputs), await gradientsOf(gpu, o, changed)];
      const differs = Array.from({ length: 4 }, (_, h) =>
        before.output.some((value, i) => Math.floor((i % 16) / 4) === h && value !== after.output[i]),
      );
      expect(differs).toEqual([false, false, true, true]);
    }
  });

  it("runs the sizes of a model of 3B parameters within WebGPU's default limits", { timeout: 300_000 }, async () => {
    const gpu = await Gpu.open({ defaultLimits: true });
    try {
      const large = shapeOf(1, 70, 1, 192, 256, 1, 64);
      await check(asHardware(gpu), large, inputsOf(large), { samples: 3 });
    } finally {
      gpu.close();
    }
  });

  it("gives a sequence of a batch what it gives it alone", async () => {
    const inputs = inputsOf(o);
    const both = await gradientsOf(holder.gpu, o, inputs);
    for (const b of [0, 1]) {
      const part = (values: Float32Array<ArrayBuffer>) =>
        values.slice((b * values.length) / 2, ((b + 1) * values.length) / 2);
      const one: Inputs = { ...inputs };
      for (const name of ["xBC", "dtSource"]) {
        const { shape, values } = inputs[name];
        one[name] = { shape: [shape[0] / 2, shape[1]], values: part(values) };
      }
      const alone = await gradientsOf(holder.gpu, { ...o, batch: 1 }, one);
      expect(alone.output).toEqual(part(Float32Array.from(both.output)));
    }
  });

  it("adds to gradients of weights that are there", async () => {
    const plain = await gradientsOf(holder.gpu, o, inputsOf(o));
    const added = await gradientsOf(holder.gpu, o, inputsOf(o), (tape, tensors) => {
      const y = build(tape, tensors, o);
      const there = tensorFrom(holder.gpu, [o.heads], "there", Float32Array.from([1, 2, 3, 4]));
      const weights = [tensors.dtBias, tensors.aLog, tensors.d];
      tape.push({
        outputs: [],
        backward: () => {
          for (const weight of weights) tape.recorder.copy(there, tape.gradientOf(weight).gradient);
        },
      });
      return y;
    });
    for (const name of ["dtBias", "aLog", "d"]) {
      const expected = plain.gradients[name].map((value, i) => value + i + 1);
      expectClose(name, added.gradients[name], expected, 1e-6);
    }
  });

  it("says which sizes do not fit", async () => {
    const run = (change: Partial<Shape>) => gradientsOf(holder.gpu, { ...o, ...change }, inputsOf(o));
    await expect(run({ headDim: 6 })).rejects.toThrow("multiples of 4, not 6 and 8");
    await expect(run({ groups: 3 })).rejects.toThrow("4 heads can't be shared out among 3 groups");
    await expect(run({ state: 12 })).rejects.toThrow("x, B and C as [74, 64], not [74,48]");
    await expect(run({ dtColumn: 6 })).rejects.toThrow("dt from columns 6 to 10 of 74 tokens: the source is [74,9]");
  });
});
