import { describe, expect, it } from "vitest";
import { matmulRates, Product } from "../../src/bench/matmul.js";
import { productError } from "../../src/bench/product-check.js";
import { random, useGpu } from "../ops/harness.js";

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

  it("in f16 is refused where there are no matrices for it, and checked where there are", async () => {
    const { gpu } = holder;
    if (gpu.info.matrices) {
      const [{ precision, error }] = await matmulRates(gpu, "mixed", { most: 256 });
      expect(precision).toBe("mixed");
      expect(error).toBeLessThan(1e-2);
    } else await expect(matmulRates(gpu, "mixed")).rejects.toThrow("This adapter has no matrices of f16.");
  });

  it("is not measured where the product is wrong", async () => {
    // A device that gives back something else than it computed.
    const wrong = Object.create(holder.gpu, {
      read: {
        value: async (_buffer: GPUBuffer, _offset: number, size: number) => new Float32Array(size).fill(1).buffer,
      },
    });
    const product = new Product(wrong, "f32", 64);
    await expect(product.check()).rejects.toThrow(/The f32 matrix product is wrong on this adapter \(relative error/);
    product.destroy();
  });
});

describe("the check of a product", () => {
  const n = 64;
  const [a, b] = [random([n, n], 1), random([n, n], 2)];
  const c = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let l = 0; l < n; l++) c[i * n + j] += a[i * n + l] * b[l * n + j];

  it("passes the right one", () => {
    expect(productError(a, b, c, n)).toBeLessThan(1e-5);
  });

  it("shows one wrong element, NaN, and another product", () => {
    const wrong = c.slice();
    wrong[n * 17 + 5] += 1;
    expect(productError(a, b, wrong, n)).toBeGreaterThan(1e-2);
    wrong[n * 17 + 5] = Number.NaN;
    expect(productError(a, b, wrong, n)).toBeNaN();
    expect(productError(b, a, c, n)).toBeGreaterThan(0.1);
  });
});
