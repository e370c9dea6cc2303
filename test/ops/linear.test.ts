import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { linear } from "../../src/ops/linear.js";
import { matmul, matrix } from "../../src/ops/matmul.js";
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
