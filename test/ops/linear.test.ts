import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { slice, type Tensor } from "../../src/gpu/tensor.js";
import { linear } from "../../src/ops/linear.js";
import { matmul, matrix } from "../../src/ops/matmul.js";
import { scale } from "../../src/ops/scale.js";
import { Tape } from "../../src/ops/tape.js";
import { asHardware, checkOp, expectClose, input, random, useGpu } from "./harness.js";

const holder = useGpu();

/** y = x · Wᵀ in float64, the definition. */
function reference(x: Float64Array, w: Float64Array, k: number): Float64Array {
  const rows = x.length / k;
  const n = w.length / k;
  const y = new Float64Array(rows * n);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < n; j++) for (let l = 0; l < k; l++) y[i * n + j] += x[i * k + l] * w[j * k + l];
  return y;
}

describe("linear agrees with float64, forward and backward", () => {
  it.each([
    [1, 1, 1],
    [1, 8, 5],
    [7, 3, 4],
    [33, 20, 17],
    [64, 64, 64],
    [65, 36, 130],
  ])("at %i rows, K %i, N %i", async (rows, k, n) => {
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, k], 1), w: input([n, k], 2) },
      build: (tape, { x, w }) => linear(tape, x, [w], "linear"),
      reference: ({ x, w }) => reference(x, w, k),
    });
  });

  it("with several weights and a residual", async () => {
    const [rows, k] = [9, 12];
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, k], 1), u: input([8, k], 2), w: input([5, k], 3), residual: input([rows, 13], 4) },
      build: (tape, { x, u, w, residual }) => linear(tape, x, [u, w], "linear", residual),
      // The residual of a model is an activation; here it is an input whose gradient is handed over in place.
      gradients: ["x", "u", "w"],
      reference: ({ x, u, w, residual }) => {
        const [a, b] = [reference(x, u, k), reference(x, w, k)];
        return residual.map((value, i) => {
          const [row, column] = [Math.floor(i / 13), i % 13];
          return value + (column < 8 ? a[row * 8 + column] : b[row * 5 + column - 8]);
        });
      },
    });
  });
});

describe.each(["software", "hardware"])("the %s form of linear agrees with float64", (form) => {
  const device = () => (form === "hardware" ? asHardware(holder.gpu) : holder.gpu);
  // In software the hardware form takes seconds a shape to compile.
  const some = <Case>(cases: Case[]): Case[] => (form === "hardware" ? cases.slice(-2) : cases);

  it.each(
    some([
      [1, 1, 1],
      [7, 3, 4],
      [300, 5, 33],
      [11, 600, 8],
    ]),
  )("with a scale, at %i rows, K %i, N %i", async (rows, k, n) => {
    await checkOp(device(), {
      inputs: { x: input([rows, k], 1), w: input([n, k], 2) },
      build: (tape, { x, w }) => linear(tape, x, [w], "linear", undefined, { scale: -0.22 }),
      reference: ({ x, w }) => reference(x, w, k).map((value) => -0.22 * value),
    });
  });

  it.each(
    some([
      [1, 1, 1, 1],
      [7, 3, 4, 12],
      [300, 5, 33, 1],
      [65, 36, 70, 0.5],
    ]),
  )("with a bias, at %i rows, K %i, N %i, scale %f", async (rows, k, n, factor) => {
    await checkOp(device(), {
      inputs: { x: input([rows, k], 1), w: input([n, k], 2), b: input([n], 3) },
      build: (tape, { x, w, b }) => linear(tape, x, [w], "linear", undefined, { scale: factor, bias: [b] }),
      reference: ({ x, w, b }) => reference(x, w, k).map((value, i) => factor * (value + b[i % n])),
    });
  });

  it.each([
    [8, 4],
    [5, 9],
  ])("with biases, a scale and a residual, at N %i and %i", async (n, m) => {
    const [rows, k] = [41, 12];
    await checkOp(device(), {
      inputs: {
        x: input([rows, k], 1),
        u: input([n, k], 2),
        w: input([m, k], 3),
        a: input([n], 4),
        b: input([m], 5),
        residual: input([rows, n + m], 6),
      },
      // The residual is an activation, so that its gradient can be handed over.
      build: (tape, { x, u, w, a, b, residual }) =>
        linear(tape, x, [u, w], "linear", scale(tape, residual, 2), { scale: 0.22, bias: [a, b] }),
      reference: ({ x, u, w, a, b, residual }) => {
        const [left, right] = [reference(x, u, k), reference(x, w, k)];
        return residual.map((value, i) => {
          const [row, column] = [Math.floor(i / (n + m)), i % (n + m)];
          const sum = column < n ? left[row * n + column] + a[column] : right[row * m + column - n] + b[column - n];
          return 2 * value + 0.22 * sum;
        });
      },
    });
  });

  it("makes one product of weights and biases that lie side by side, with the same bits", async () => {
    const gpu = device();
    const [rows, k, n] = [40, 4, 64];
    const values = {
      x: random([rows, k], 1),
      w: random([2 * n, k], 2),
      b: random([2 * n], 3),
      dy: random([rows, 2 * n], 4),
    };
    const run = async (together: boolean) => {
      const whole = (shape: number[], numbers: Float32Array) => {
        const tensor = tensorFrom(gpu, shape, "parameter", numbers);
        const gradient = tensorFrom(gpu, shape, "gradient", new Float32Array(numbers.length).fill(Number.NaN));
        return { tensor, gradient };
      };
      const gradients = new Map<Tensor, Tensor>();
      const parts = (name: "w" | "b", shape: number[]) => {
        const size = values[name].length / 2;
        const all = together ? whole([2 * size], values[name]) : undefined;
        return [0, size].map((start) => {
          const one = all
            ? { tensor: slice(all.tensor, start, shape), gradient: slice(all.gradient, start, shape) }
            : whole(shape, values[name].slice(start, start + size));
          gradients.set(one.tensor, one.gradient);
          return one;
        });
      };
      const [x, w, b] = [whole([rows, k], values.x), parts("w", [n, k]), parts("b", [n])];
      gradients.set(x.tensor, x.gradient);
      const recorder = new Recorder(gpu);
      const tape = new Tape(recorder, new Arena(gpu), true, { gradientOf: (tensor) => gradients.get(tensor) });
      const tensors = (list: { tensor: Tensor }[]) => list.map(({ tensor }) => tensor);
      const y = linear(tape, x.tensor, tensors(w), "linear", undefined, { bias: tensors(b) });
      const kept = tensorFrom(gpu, y.shape, "kept");
      recorder.copy(y, kept);
      recorder.copy(tensorFrom(gpu, y.shape, "dy", values.dy), tape.gradientOf(y).gradient);
      tape.backward();
      recorder.submit();
      const read = [kept, ...[...w, ...b].map(({ gradient }) => gradient)];
      return { dispatches: recorder.dispatches, results: await Promise.all(read.map((t) => download(gpu, t))) };
    };
    const [apart, together] = [await run(false), await run(true)];
    expect(together.results).toEqual(apart.results);
    expect(together.results.flatMap((result) => [...result]).every(Number.isFinite)).toBe(true);
    expect(together.dispatches).toBeLessThan(apart.dispatches);
  });
});

describe("linear", () => {
  it("says which biases do not fit", () => {
    const { gpu } = holder;
    const tensor = (shape: number[]) => tensorFrom(gpu, shape, "t");
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), true);
    const project = (options: { scale?: number; bias?: Tensor[] }) =>
      linear(tape, tensor([2, 3]), [tensor([4, 3])], "qkv", undefined, options);
    expect(() => project({ bias: [] })).toThrow("Projection qkv: 0 biases for 1 weights");
    expect(() => project({ bias: [tensor([5])] })).toThrow("Product qkv: a bias [5] for 4 columns");
    expect(() => project({ scale: Number.NaN })).toThrow("A multiplier of NaN is not a finite number");
  });
});

describe("matmul", () => {
  const shapes: [number, number, number][] = [
    [5, 7, 3],
    [64, 64, 16],
    [70, 129, 33],
    [130, 100, 300],
    [36, 12, 1100],
  ];
  for (const kernels of ["chosen", "tiled"] as const) {
    for (const [m, n, k] of shapes) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ]) {
        it(`M${m}-N${n}-K${k}-${transposeA ? "T" : "N"}${transposeB ? "T" : "N"}, ${kernels} kernels`, async () => {
          const { gpu } = holder;
          // The tiled kernels are meant for real GPUs, but have to be right everywhere.
          const as = kernels === "tiled" ? asHardware(gpu) : gpu;
          const [a, b] = [random([m, k], 1), random([k, n], 2)];
          const aT = Float32Array.from(a, (_, i) => a[(i % m) * k + Math.floor(i / m)]);
          const bT = Float32Array.from(b, (_, i) => b[(i % k) * n + Math.floor(i / k)]);
          const before = random([m, n], 3);
          const recorder = new Recorder(as);
          const arena = new Arena(gpu);
          const c = tensorFrom(gpu, [m, n], "c", before);
          matmul(recorder, arena, {
            a: matrix(transposeA ? tensorFrom(gpu, [k, m], "a", aT) : tensorFrom(gpu, [m, k], "a", a)),
            b: matrix(transposeB ? tensorFrom(gpu, [n, k], "b", bT) : tensorFrom(gpu, [k, n], "b", b)),
            c: matrix(c),
            transposeA,
            transposeB,
            accumulate: true,
          });
          recorder.submit();
          const expected = Float64Array.from(before, (value, i) => {
            const [row, column] = [Math.floor(i / n), i % n];
            let sum = value;
            for (let l = 0; l < k; l++) sum += a[row * k + l] * b[l * n + column];
            return sum;
          });
          expectClose("product", await download(gpu, c), expected, 1e-5);
        });
      }
    }
  }

  it("adds a residual on hardware, at a K that is split without one", async () => {
    const { gpu } = holder;
    const hardware = asHardware(gpu);
    const [m, n, k] = [10, 8, 640];
    const [a, b, d] = [random([m, k], 1), random([n, k], 2), random([m, n], 3)];
    const recorder = new Recorder(hardware);
    const c = tensorFrom(gpu, [m, n], "c");
    matmul(recorder, new Arena(gpu), {
      a: matrix(tensorFrom(gpu, [m, k], "a", a)),
      b: matrix(tensorFrom(gpu, [n, k], "b", b)),
      c: matrix(c),
      transposeB: true,
      add: matrix(tensorFrom(gpu, [m, n], "d", d)),
    });
    recorder.submit();
    const product = reference(Float64Array.from(a), Float64Array.from(b), k);
    expectClose(
      "sum",
      await download(gpu, c),
      product.map((value, i) => value + d[i]),
      1e-5,
    );
  });

  it("multiplies by alpha what it adds to c and to a residual, where K is split and where it is not", async () => {
    const { gpu } = holder;
    const [m, n, k] = [10, 8, 640];
    const [a, b, c, d] = [random([m, k], 1), random([n, k], 2), random([m, n], 3), random([m, n], 4)];
    const product = reference(Float64Array.from(a), Float64Array.from(b), k);
    for (const as of [gpu, asHardware(gpu)]) {
      for (const add of [undefined, matrix(tensorFrom(gpu, [m, n], "d", d))]) {
        const recorder = new Recorder(as);
        const into = tensorFrom(gpu, [m, n], "c", c);
        matmul(recorder, new Arena(gpu), {
          a: matrix(tensorFrom(gpu, [m, k], "a", a)),
          b: matrix(tensorFrom(gpu, [n, k], "b", b)),
          c: matrix(into),
          transposeB: true,
          alpha: 0.1,
          accumulate: !add,
          add,
        });
        recorder.submit();
        const expected = product.map((value, i) => 0.1 * value + (add ? d : c)[i]);
        expectClose("sum", await download(gpu, into), expected, 1e-5);
      }
    }
  });

  it("says which shapes do not fit", () => {
    const { gpu } = holder;
    const tensor = (shape: number[]) => matrix(tensorFrom(gpu, shape, "t"));
    expect(() =>
      matmul(new Recorder(gpu), new Arena(gpu), {
        a: tensor([2, 3]),
        b: tensor([4, 5]),
        c: tensor([2, 5]),
        label: "qk",
      }),
    ).toThrow("Product qk: [2, 3] · [4, 5] into [2, 5]");
  });
});
