import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import { convSilu } from "../../src/ops/conv1d.js";
import { ssd } from "../../src/ops/ssd.js";
import { convSiluStep, ssdStep } from "../../src/ops/ssd-decode.js";
import { Tape } from "../../src/ops/tape.js";
import { convSiluReference } from "../reference/conv1d.js";
import { ssdReference } from "../reference/ssd.js";
import { asHardware, expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

// The scan of a Mamba-2 layer with its convolution: [z | x | B | C | dt], of which z is somebody else's.
const [batch, heads, headDim, state, groups, width, column] = [2, 4, 4, 8, 2, 4, 3];
const channels = heads * headDim + 2 * groups * state;
const columns = column + channels + heads;
const sizes = { heads, headDim, state, groups, dtColumn: column + channels };
const weights = {
  conv: random([channels, width], 2),
  convBias: random([channels], 3),
  dtBias: random([heads], 4, 0.5, -2),
  aLog: random([heads], 5, 1, -0.5),
  d: random([heads], 6),
};

function reference(input: Float32Array, length: number) {
  const f64 = (values: Float32Array) => Float64Array.from(values);
  const x = f64(input);
  const conv = { batch, length, columns, column, channels, width };
  const xBC = convSiluReference(x, f64(weights.conv), f64(weights.convBias), conv);
  return ssdReference(xBC, x, f64(weights.dtBias), f64(weights.aLog), f64(weights.d), {
    batch,
    length,
    ...sizes,
    dtColumns: columns,
  });
}

/** Tokens [from, to) of every sequence. */
function cut(values: Float32Array, length: number, from: number, to: number, width: number) {
  const rows = Array.from({ length: batch }, (_, b) => [
    ...values.subarray((b * length + from) * width, (b * length + to) * width),
  ]);
  return Float32Array.from(rows.flat());
}

/**
 * The first tokens in `pieces`, each at once, the others step by step, as generation does; gives y and the state at the end.
 * A piece continues from the states of the one before, in place or, `apart`, into other buffers.
 */
async function generate(gpu: Gpu, input: Float32Array, length: number, pieces: number[], apart = false) {
  const tensor = (values: Float32Array<ArrayBuffer>, label: string) => tensorFrom(gpu, [values.length], label, values);
  const conv = [
    tensorFrom(gpu, [channels, 1, width], "conv w", weights.conv),
    tensor(weights.convBias, "conv b"),
  ] as const;
  const scan = [tensor(weights.dtBias, "dt_bias"), tensor(weights.aLog, "A_log"), tensor(weights.d, "D")] as const;
  const states = () => ({
    conv: tensorFrom(gpu, [batch, width - 1, channels], "conv state"),
    ssm: tensorFrom(gpu, [batch, heads, headDim, state], "ssm state"),
  });
  let { conv: convState, ssm: ssmState } = states();
  const inner = heads * headDim;
  const y = new Float32Array(batch * length * inner);
  const recorder = () => {
    const it = new Recorder(gpu);
    return { it, tape: new Tape(it, new Arena(gpu), false) };
  };
  const keep = async (result: Tensor, from: number, to: number) => {
    const values = await download(gpu, result);
    const each = (to - from) * inner;
    for (let b = 0; b < batch; b++) y.set(values.subarray(b * each, (b + 1) * each), (b * length + from) * inner);
  };
  let done = 0;
  for (const piece of pieces) {
    const { it, tape } = recorder();
    const x = tensorFrom(gpu, [batch * piece, columns], "zxbcdt", cut(input, length, done, done + piece, columns));
    const o = { batch, length: piece };
    const initial = done > 0 ? { conv: convState, ssm: ssmState } : undefined;
    if (apart) ({ conv: convState, ssm: ssmState } = states());
    const convOptions = { ...o, column, channels, width, initialState: initial?.conv, finalState: convState };
    const xBC = convSilu(tape, x, ...conv, convOptions);
    const scanOptions = { ...o, ...sizes, chunk: 16, initialState: initial?.ssm, finalState: ssmState };
    const result = ssd(tape, xBC, x, ...scan, scanOptions);
    it.submit();
    await keep(result, done, done + piece);
    done += piece;
  }
  for (let t = done; t < length; t++) {
    const { it, tape } = recorder();
    const x = tensorFrom(gpu, [batch, columns], "zxbcdt", cut(input, length, t, t + 1, columns));
    const xBC = convSiluStep(tape, x, convState, ...conv, { column, channels, width });
    const result = ssdStep(tape, xBC, x, ssmState, ...scan, sizes);
    it.submit();
    await keep(result, t, t + 1);
  }
  return { y, state: await download(gpu, ssmState), inputs: await download(gpu, convState) };
}

describe("prompt at once, then step by step, equals the float64 recurrence", () => {
  for (const [length, prompt] of [
    [5, 0],
    [1, 1],
    [4, 1],
    [6, 2],
    [7, 3],
    [65, 64],
    [67, 63],
    [130, 130],
  ]) {
    it(`T${length}, of which the prompt is ${prompt}`, async () => {
      const input = random([batch * length, columns], 1);
      const expected = reference(input, length);
      const actual = await generate(holder.gpu, input, length, prompt ? [prompt] : []);
      expectClose("y", actual.y, expected.y, 1e-5);
      expectClose("state", actual.state, expected.state, 1e-5);
    });
  }

  it("with the kernels for hardware", async () => {
    const { gpu } = holder;
    const hardware: Gpu = asHardware(gpu);
    const input = random([batch * 20, columns], 1);
    const expected = reference(input, 20);
    const actual = await generate(hardware, input, 20, [17]);
    expectClose("y", actual.y, expected.y, 1e-5);
    expectClose("state", actual.state, expected.state, 1e-5);
  });
});

describe("a prompt in pieces equals it whole", () => {
  const length = 110;
  const input = random([batch * length, columns], 1);
  for (const [name, pieces, apart] of [
    ["5 + 1 + 17 + 64 and 23 steps", [5, 1, 17, 64], false],
    ["1 + 1 + 1 + 2 + 16 + 89, no steps", [1, 1, 1, 2, 16, 89], false],
    ["2 + 1 + 65 into other buffers", [2, 1, 65], true],
  ] as const) {
    for (const kind of ["software", "hardware"]) {
      it(`${name}, kernels for ${kind}`, { timeout: 60_000 }, async () => {
        const gpu = kind === "software" ? holder.gpu : asHardware(holder.gpu);
        const expected = reference(input, length);
        const actual = await generate(gpu, input, length, [...pieces], apart);
        expectClose("y", actual.y, expected.y, 1e-5);
        expectClose("state", actual.state, expected.state, 1e-5);
        const last = Float32Array.from({ length: batch * (width - 1) * channels }, (_, i) => {
          const [b, j, c] = [
            Math.floor(i / channels / (width - 1)),
            Math.floor(i / channels) % (width - 1),
            i % channels,
          ];
          return input[(b * length + length - width + 1 + j) * columns + column + c];
        });
        expect(actual.inputs).toEqual(last);
      });
    }
  }

  it("is refused in training, and with states of another size", () => {
    const { gpu } = holder;
    const tensor = (shape: number[]) => tensorFrom(gpu, shape, "t");
    const conv = (training: boolean, rows: number) =>
      convSilu(new Tape(new Recorder(gpu), new Arena(gpu), training), tensor([6, 4]), tensor([4, 1, 4]), undefined, {
        batch: 2,
        length: 3,
        column: 0,
        channels: 4,
        width: 4,
        initialState: tensor([2, rows, 4]),
      });
    expect(() => conv(true, 3)).toThrow("from an initial state in generation only");
    expect(() => conv(false, 4)).toThrow("The convolution keeps a state [2, 3, 4], not [2,4,4]");
    const scan = (training: boolean, n: number) =>
      ssd(
        new Tape(new Recorder(gpu), new Arena(gpu), training),
        tensor([6, 16]),
        tensor([6, 1]),
        ...([tensor([1]), tensor([1]), tensor([1])] as const),
        {
          ...{ batch: 2, length: 3, heads: 1, headDim: 8, state: 4, groups: 1, chunk: 16, dtColumn: 0 },
          initialState: tensor([2, 1, 8, n]),
        },
      );
    expect(() => scan(true, 4)).toThrow("from an initial state in generation only");
    expect(() => scan(false, 8)).toThrow("The SSM keeps a state [2, 1, 8, 4], not [2,1,8,8]");
  });
});

describe("decoding steps", () => {
  it("refuse a tape that records for training", () => {
    const { gpu } = holder;
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), true);
    const tensor = (shape: number[]) => tensorFrom(gpu, shape, "t");
    expect(() =>
      convSiluStep(tape, tensor([1, 4]), tensor([1, 3, 4]), tensor([4, 1, 4]), tensor([4]), {
        column: 0,
        channels: 4,
        width: 4,
      }),
    ).toThrow("no backward pass");
  });

  it("convolve without a bias as with one of zeros", async () => {
    const { gpu } = holder;
    const recorder = new Recorder(gpu);
    const tape = new Tape(recorder, new Arena(gpu), false);
    const input = tensorFrom(gpu, [3, 7], "in", random([3, 7], 1));
    const weight = tensorFrom(gpu, [5, 1, 3], "conv w", random([5, 3], 2));
    const step = (bias: Tensor | undefined) => {
      const kept = tensorFrom(gpu, [3, 2, 5], "state", random([3, 2, 5], 3));
      return convSiluStep(tape, input, kept, weight, bias, { column: 1, channels: 5, width: 3 });
    };
    const [without, zeros] = [step(undefined), step(tensorFrom(gpu, [5], "conv b"))];
    recorder.submit();
    expect(await download(gpu, without)).toEqual(await download(gpu, zeros));
  });

  it("say which state they need", () => {
    const { gpu } = holder;
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
    const tensor = (shape: number[]) => tensorFrom(gpu, shape, "t");
    const o = { heads: 2, headDim: 4, state: 8, groups: 1, dtColumn: 0 };
    expect(() =>
      ssdStep(tape, tensor([3, 24]), tensor([3, 2]), tensor([2, 2, 4, 8]), tensor([2]), tensor([2]), tensor([2]), o),
    ).toThrow("takes a state [3, 2, 4, 8], not [2,2,4,8]");
  });
});
