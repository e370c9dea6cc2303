import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import type { SelectiveScanOptions } from "../../src/ops/scan-inputs.js";
import { selectiveScan, selectiveScanStep } from "../../src/ops/selective-scan.js";
import { Tape } from "../../src/ops/tape.js";
import { type ScanShape, selectiveScanReference } from "../reference/selective-scan.js";
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
const machines = [
  ["software", () => holder.gpu],
  ["hardware", () => asHardware(holder.gpu)],
] as const;

type Shape = SelectiveScanOptions & ScanShape;

// B and C as x_proj gives them, after an odd number of columns of dt; z after x, as in_proj gives it.
const shapeOf = (batch: number, length: number, channels: number, state: number): Shape => ({
  ...{ batch, length, channels, state },
  ...{ bColumn: 3, cColumn: 3 + state, bcColumns: 2 * state + 3 },
  ...{ zColumn: channels, zColumns: 2 * channels + 1 },
});

const nameOf = (o: Shape) => `B${o.batch}-T${o.length}-D${o.channels}-N${o.state}`;

/** delta about softplus(shift), A about -exp(aLog). */
function inputsOf(o: Shape, shift = -1, aLog = 0): Inputs {
  const rows = o.batch * o.length;
  return {
    x: input([rows, o.channels], 1),
    dt: input([rows, o.channels], 2),
    bc: input([rows, o.bcColumns], 3),
    z: input([rows, o.zColumns], 4, 2),
    aLog: input([o.channels, o.state], 5, 1, aLog),
    d: input([o.channels], 6),
    dtBias: input([o.channels], 7, 0.5, shift),
  };
}

const partsOf = ({ x, dt, bc, z, aLog, d, dtBias }: Record<string, Tensor>, o: Shape) =>
  [
    {
      x,
      dt,
      b: { source: bc, column: o.bColumn },
      c: { source: bc, column: o.cColumn },
      z: { source: z, column: o.zColumn },
    },
    { aLog, d, dtBias },
  ] as const;

function build(tape: Tape, tensors: Record<string, Tensor>, o: Shape): Tensor {
  const y = selectiveScan(tape, ...partsOf(tensors, o), o);
  // Runs first in the backward pass: the columns beside B, C and z belong to other operations, and must keep their zeros.
  tape.push({
    outputs: [],
    backward: () => {
      for (const name of ["bc", "z"]) clear(tape, tape.gradientOf(tensors[name]).gradient);
    },
  });
  return y;
}

const reference = ({ x, dt, bc, z, aLog, d, dtBias }: Arrays, o: Shape) =>
  selectiveScanReference(x, dt, bc, z, aLog, d, dtBias, o);

const check = (gpu: Gpu, o: Shape, inputs: Inputs, samples = 24, gradients?: string[]) =>
  checkOp(gpu, {
    inputs,
    build: (tape, tensors) => build(tape, tensors, o),
    reference: (arrays) => reference(arrays, o).out,
    samples,
    gradients,
  });

describe("selectiveScan agrees with the float64 recurrence, forward and backward", () => {
  for (const [kind, gpu] of machines) {
    // Every state size is compiled anew, which takes a software adapter seconds.
    for (const [o, samples] of [
      [shapeOf(1, 1, 1, 4), 24],
      [shapeOf(2, 7, 12, 4), 24],
      [shapeOf(2, 37, 12, 8), 24],
      [shapeOf(1, 130, 12, 8), 16],
      [shapeOf(2, 16, 70, 4), 16],
      [shapeOf(1, 33, 5, 20), 16],
    ] as const) {
      it(`${nameOf(o)}, kernels for ${kind}`, { timeout: 120_000 }, () => check(gpu(), o, inputsOf(o), samples));
    }
  }

  const o = shapeOf(1, 50, 6, 8);
  it("with strong decay", () => check(holder.gpu, o, inputsOf(o, 1.2, 1.5)));
  it("with weak decay and small steps", () => check(holder.gpu, o, inputsOf(o, -6, -3)));
});

describe("selectiveScan", () => {
  const o = shapeOf(2, 37, 12, 8);
  const gradientsOf = (gpu: Gpu, shape: Shape, inputs: Inputs, around = build) =>
    runOp(
      gpu,
      inputs,
      (tape, tensors) => around(tape, tensors, shape),
      (sizes) => random(sizes, 7),
    );

  it("gives the same bits twice, with either kind of kernels", async () => {
    for (const [, gpu] of machines)
      expect(await gradientsOf(gpu(), o, inputsOf(o))).toEqual(await gradientsOf(gpu(), o, inputsOf(o)));
  });

  it("runs the kernels for hardware within WebGPU's default limits", { timeout: 60_000 }, async () => {
    const gpu = await Gpu.open({ defaultLimits: true });
    try {
      const shape = shapeOf(1, 20, 70, 8);
      await check(asHardware(gpu), shape, inputsOf(shape), 8);
    } finally {
      gpu.close();
    }
  });

  it("reads B and C from tensors of their own, as Jamba normalises them", async () => {
    const inputs = inputsOf(o);
    const joined = await gradientsOf(holder.gpu, o, inputs);
    const cut = (values: ArrayLike<number>, column: number) =>
      Float32Array.from(
        { length: 74 * o.state },
        (_, i) => values[Math.floor(i / o.state) * o.bcColumns + column + (i % o.state)],
      );
    const { bc, ...rest } = inputs;
    const [b, c] = [o.bColumn, o.cColumn].map((column) => ({ shape: [74, o.state], values: cut(bc.values, column) }));
    const apart = await gradientsOf(holder.gpu, o, { ...rest, b, c }, (tape, tensors) => {
      const { x, dt, z, aLog, d, dtBias } = tensors;
      const from = (source: Tensor, column = 0) => ({ source, column });
      const inputs = { x, dt, b: from(tensors.b), c: from(tensors.c), z: from(z, o.zColumn) };
      const y = selectiveScan(tape, inputs, { aLog, d, dtBias }, o);
      tape.push({ outputs: [], backward: () => clear(tape, tape.gradientOf(z).gradient) });
      return y;
    });
    const { bc: joint, ...others } = joined.gradients;
    expect(apart.output).toEqual(joined.output);
    expect(apart.gradients).toEqual({ ...others, b: cut(joint, o.bColumn), c: cut(joint, o.cColumn) });
  });

  it("adds to gradients that are there", async () => {
    const plain = await gradientsOf(holder.gpu, o, inputsOf(o));
    const names = ["x", "dt", "aLog", "d", "dtBias"];
    const added = await gradientsOf(holder.gpu, o, inputsOf(o), (tape, tensors) => {
      const y = build(tape, tensors, o);
      tape.push({
        outputs: [],
        backward: () => {
          for (const name of names) {
            const { shape } = tensors[name];
            const there = tensorFrom(holder.gpu, shape, "there", random(shape, 9));
            tape.recorder.copy(there, tape.gradientOf(tensors[name]).gradient);
          }
        },
      });
      return y;
    });
    for (const name of names) {
      const there = random([plain.gradients[name].length], 9);
      const expected = plain.gradients[name].map((value, i) => value + there[i]);
      expectClose(name, added.gradients[name], expected, 1e-6);
    }
  });

  it("says which sizes do not fit", async () => {
    const run = (change: Partial<Shape>) => gradientsOf(holder.gpu, { ...o, ...change }, inputsOf(o));
    await expect(run({ state: 6 })).rejects.toThrow("a multiple of 4, not 6");
    await expect(run({ channels: 11 })).rejects.toThrow("takes x as [74, 11], not [74,12]");
    await expect(run({ cColumn: 12 })).rejects.toThrow("C from columns 12 to 20 of 74 tokens: the source is [74,19]");
    await expect(run({ zColumn: 20 })).rejects.toThrow("z from columns 20 to 32 of 74 tokens: the source is [74,25]");
    const wrong = { ...inputsOf(o), aLog: input([12, 4], 5) };
    await expect(gradientsOf(holder.gpu, o, wrong)).rejects.toThrow("aLog is [12,4], the selective scan takes [12, 8]");
  });
});

describe("a scan in pieces, then step by step, equals it whole", () => {
  const o = shapeOf(2, 60, 12, 8);
  const inputs = inputsOf(o);
  const rowWise = ["x", "dt", "bc", "z"];

  /** Tokens [from, to) of every sequence, on the GPU. */
  function tensorsOf(gpu: Gpu, from: number, to: number): Record<string, Tensor> {
    const entries = Object.entries(inputs).map(([name, { shape, values }]) => {
      if (!rowWise.includes(name)) return [name, tensorFrom(gpu, shape, name, values)] as const;
      const width = shape[1];
      const rows = Array.from({ length: o.batch }, (_, b) => [
        ...values.subarray((b * o.length + from) * width, (b * o.length + to) * width),
      ]);
      return [name, tensorFrom(gpu, [o.batch * (to - from), width], name, Float32Array.from(rows.flat()))] as const;
    });
    return Object.fromEntries(entries);
  }

  async function generate(gpu: Gpu, pieces: number[], apart: boolean) {
    const shape = [o.batch, o.channels, o.state];
    let state = tensorFrom(gpu, shape, "state");
    const out = new Float32Array(o.batch * o.length * o.channels);
    let done = 0;
    const run = async (length: number, record: (tape: Tape, tensors: Record<string, Tensor>) => Tensor) => {
      const recorder = new Recorder(gpu);
      const result = record(new Tape(recorder, new Arena(gpu), false), tensorsOf(gpu, done, done + length));
      recorder.submit();
      const values = await download(gpu, result);
      const each = length * o.channels;
      for (let b = 0; b < o.batch; b++)
        out.set(values.subarray(b * each, (b + 1) * each), (b * o.length + done) * o.channels);
      done += length;
    };
    for (const length of pieces)
      await run(length, (tape, tensors) => {
        const initialState = done > 0 ? state : undefined;
        if (apart) state = tensorFrom(gpu, shape, "state");
        return selectiveScan(tape, ...partsOf(tensors, o), { ...o, length, initialState, finalState: state });
      });
    while (done < o.length)
      await run(1, (tape, tensors) => {
        const [scanInputs, weights] = partsOf(tensors, o);
        return selectiveScanStep(tape, scanInputs, state, weights, o);
      });
    return { out, state: await download(gpu, state) };
  }

  const exact = Object.fromEntries(
    Object.entries(inputs).map(([name, { values }]) => [name, Float64Array.from(values)]),
  );
  const expected = reference(exact, o);
  for (const [kind, gpu] of machines)
    for (const [pieces, apart] of [
      [[], false],
      [[5, 1, 17, 33], false],
      [[1, 2, 16, 41], true],
    ] as [number[], boolean][]) {
      const name = `${pieces.join(" + ") || "steps alone"}${apart ? ", states apart" : ""}, kernels for ${kind}`;
      it(name, { timeout: 60_000 }, async () => {
        const actual = await generate(gpu(), pieces, apart);
        expectClose("out", actual.out, expected.out, 1e-5);
        expectClose("state", actual.state, expected.state, 1e-5);
      });
    }

  it("is refused in training, and with states of another size", () => {
    const { gpu } = holder;
    const run = (training: boolean, n: number) =>
      selectiveScan(new Tape(new Recorder(gpu), new Arena(gpu), training), ...partsOf(tensorsOf(gpu, 0, 4), o), {
        ...o,
        length: 4,
        initialState: tensorFrom(gpu, [2, 12, n], "state"),
      });
    expect(() => run(true, 8)).toThrow("from an initial state in generation only");
    expect(() => run(false, 4)).toThrow("The selective scan keeps a state [2, 12, 8], not [2,12,4]");
  });
});
