import { describe, expect, it } from "vitest";
import { download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { halfBits, halfMatmul, matmulRates, productError } from "../../src/ops/bench-matmul.js";
import { expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

describe("the matmul rate", () => {
  it("is measured on a product that was checked", async () => {
    const rates = await matmulRates(holder.gpu, "f32", { most: 256 });
    expect(rates).toHaveLength(1);
    const [{ precision, size, gflops, milliseconds, error }] = rates;
    expect([precision, size]).toEqual(["f32", 256]);
    expect(gflops).toBeCloseTo((2 * 256 ** 3) / milliseconds / 1e6, 6);
    expect(error).toBeLessThan(1e-5);
  });

  it("in f16 is refused where there is none, and checked where there is", async () => {
    const { gpu } = holder;
    if (gpu.has("shader-f16")) {
      const [{ precision, error }] = await matmulRates(gpu, "f16", { most: 256 });
      expect(precision).toBe("f16");
      expect(error).toBeLessThan(1e-2);
    } else await expect(matmulRates(gpu, "f16")).rejects.toThrow("This adapter has no shader-f16.");
  });
});

describe("the check of a product", () => {
  const n = 64;
  const [a, b] = [random([n, n], 1), random([n, n], 2)];
  const c = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let l = 0; l < n; l++) c[i * n + j] += a[i * n + l] * b[l * n + j];

  it("passes the right one", () => {
    expect(productError(a, b, c, n, false)).toBeLessThan(1e-5);
  });

  it("shows one wrong element, NaN, and a product of the transposed matrix", () => {
    const wrong = c.slice();
    wrong[n * 17 + 5] += 1;
    expect(productError(a, b, wrong, n, false)).toBeGreaterThan(1e-2);
    wrong[n * 17 + 5] = Number.NaN;
    expect(productError(a, b, wrong, n, false)).toBeNaN();
    expect(productError(a, b, c, n, true)).toBeGreaterThan(0.1);
  });
});

describe("the kernel that is timed in f16", () => {
  it("computes aᵀ·b when run in f32", async () => {
    const { gpu } = holder;
    const n = 64;
    const [a, b] = [random([n, n], 1), random([n, n], 2)];
    const c = tensorFrom(gpu, [n, n], "c");
    const recorder = new Recorder(gpu);
    halfMatmul(recorder, [tensorFrom(gpu, [n, n], "a", a), tensorFrom(gpu, [n, n], "b", b), c], n, "f32");
    recorder.submit();
    const expected = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let l = 0; l < n; l++) expected[i * n + j] += a[l * n + i] * b[l * n + j];
    expectClose("product", await download(gpu, c), expected, 1e-5);
  });

  it("gets its values as the f16 that they are", () => {
    for (let k = -64; k < 64; k++) {
      const bits = halfBits(k / 64);
      const exponent = (bits >> 10) & 31;
      const value = exponent === 0 ? 0 : 2 ** (exponent - 15) * (1 + (bits & 1023) / 1024);
      expect(bits >> 15 ? -value : value).toBe(k / 64);
    }
  });
});
