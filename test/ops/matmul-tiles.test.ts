import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { loadChoices, saveChoices } from "../../src/gpu/choices.node.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { ElementType } from "../../src/gpu/tensor.js";
import { matmul, matrix } from "../../src/ops/matmul.js";
import { planProduct, productKey, productsOf, tilesOf } from "../../src/ops/matmul-plan.js";
import { timeProducts } from "../../src/ops/time-products.js";
import { asHardware, expectClose, half, random, useGpu } from "./harness.js";

const holder = useGpu();

/** The device as a GPU with choices of its own, and what was kept of them. */
function chooser(): { gpu: Gpu; kept: number[] } {
  const kept: number[] = [];
  const choices = new Map<string, readonly number[]>();
  const keepChoices = () => kept.push(choices.size);
  return {
    gpu: Object.create(asHardware(holder.gpu), { choices: { value: choices }, keepChoices: { value: keepChoices } }),
    kept,
  };
}

/** A product whose K is split, recorded on `gpu`. */
function record(gpu: Gpu) {
  const [m, n, k] = [130, 70, 600];
  const recorder = new Recorder(gpu);
  const c = tensorFrom(gpu, [m, n], "c");
  matmul(recorder, new Arena(gpu), {
    a: matrix(tensorFrom(gpu, [k, m], "a", random([k, m], 1))),
    b: matrix(tensorFrom(gpu, [k, n], "b", random([k, n], 2))),
    c: matrix(c),
    transposeA: true,
  });
  return { recorder, c };
}

describe("the tile of a product", () => {
  it("changes none of its bits", async () => {
    const { gpu } = chooser();
    const [shape] = productsOf(record(gpu).recorder);
    expect(planProduct(gpu, shape).parts).toBeGreaterThan(1);
    const tiles = tilesOf(gpu, shape);
    expect(tiles).toHaveLength(8);
    const results: number[][] = [];
    for (const tile of tiles) {
      gpu.choices.set(productKey(shape), tile);
      expect(planProduct(gpu, shape).tile).toEqual(tile);
      const { recorder, c } = record(gpu);
      recorder.submit();
      results.push(Array.from(await download(gpu, c)));
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it("is timed once, and kept", async () => {
    const { gpu, kept } = chooser();
    const shapes = productsOf(record(gpu).recorder);
    expect(await timeProducts(gpu, shapes)).toBe(1);
    expect(tilesOf(gpu, shapes[0])).toContainEqual(gpu.choices.get(productKey(shapes[0])));
    expect(await timeProducts(gpu, shapes)).toBe(0);
    expect(kept).toEqual([1]);
  });

  it("is the likeliest where what was kept is none of those there are", () => {
    const { gpu } = chooser();
    const [shape] = productsOf(record(gpu).recorder);
    gpu.choices.set(productKey(shape), [7, 7]);
    expect(planProduct(gpu, shape).tile).toEqual(tilesOf(gpu, shape)[0]);
  });

  it("is not chosen on a software adapter, which has one", async () => {
    if (!holder.gpu.info.software) return;
    const { recorder } = record(holder.gpu);
    expect(await timeProducts(holder.gpu, productsOf(recorder))).toBe(0);
  });
});

/** A product of halves that every tile divides, whichever way its operands lie; its K is split. */
function recordEven(
  gpu: Gpu,
  transposeA: boolean,
  transposeB: boolean,
  types: [ElementType, ElementType, ElementType],
) {
  const [m, n, k] = [256, 256, 1056];
  const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n], [m, n]];
  const recorder = new Recorder(gpu, "mixed");
  const [a, b, c] = shapes.map((shape, i) =>
    tensorFrom(
      gpu,
      shape,
      "abc"[i],
      i < 2 ? half({ shape, values: random(shape, i + 1) }).values : undefined,
      types[i],
    ),
  );
  matmul(recorder, new Arena(gpu), { a: matrix(a), b: matrix(b), c: matrix(c), transposeA, transposeB });
  return { recorder, c, a, b };
}

describe("the tile of a product on subgroup matrices", () => {
  const orders = [
    ["NN", false, false, ["f16", "f16", "f16"]],
    ["NT", false, true, ["f16", "f16", "f32"]],
    ["TN", true, false, ["f32", "f16", "f16"]],
    ["TT", true, true, ["f16", "f32", "f32"]],
  ] as [string, boolean, boolean, [ElementType, ElementType, ElementType]][];
  for (const [order, transposeA, transposeB, types] of orders) {
    const test = async ({ skip }: { skip: (why: string) => void }) => {
      const { gpu } = chooser();
      if (!gpu.info.matrices) skip("this adapter has no subgroup matrices");
      const [shape] = productsOf(recordEven(gpu, transposeA, transposeB, types).recorder);
      const tiles = tilesOf(gpu, shape);
      expect(planProduct(gpu, shape).kernel).toBe("tensor");
      expect(tiles.length).toBeGreaterThanOrEqual(5);
      const results: number[][] = [];
      for (const tile of tiles) {
        gpu.choices.set(productKey(shape), tile);
        const { recorder, c } = recordEven(gpu, transposeA, transposeB, types);
        recorder.submit();
        results.push(Array.from(await download(gpu, c)));
      }
      const { a, b } = recordEven(gpu, transposeA, transposeB, types);
      const [left, right] = [await download(gpu, a), await download(gpu, b)];
      const { m, n, k } = shape;
      const exact = Array.from({ length: m * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum += left[transposeA ? l * m + i : i * k + l] * right[transposeB ? j * k + l : l * n + j];
        return sum;
      });
      expectClose("product", results[0], exact, 1e-3);
      for (const result of results) expect(result).toEqual(results[0]);
    };
    it(`changes none of its bits, ${order}`, test, 600_000);
  }
});

describe("choices on disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "braid-choices-"));
  const before = process.env.BRAID_CACHE;
  beforeAll(() => {
    process.env.BRAID_CACHE = folder;
  });
  const info = () => holder.gpu.info;
  const file = join(folder, "choices.json");
  afterEach(() => rmSync(file, { force: true }));
  afterAll(() => {
    if (before === undefined) delete process.env.BRAID_CACHE;
    else process.env.BRAID_CACHE = before;
    rmSync(folder, { recursive: true });
  });

  it("are there for the next process on the same adapter, beside those of others", () => {
    const other = { ...info(), device: "another" };
    saveChoices(info(), new Map([["one", [1, 2]]]));
    saveChoices(other, new Map([["two", [3, 4]]]));
    saveChoices(info(), new Map([["three", [5, 6]]]));
    expect(Object.fromEntries(loadChoices(info()))).toEqual({ one: [1, 2], three: [5, 6] });
    expect(Object.fromEntries(loadChoices(other))).toEqual({ two: [3, 4] });
  });

  it("are made anew where the file is broken, or of another version", () => {
    writeFileSync(file, "{");
    expect(loadChoices(info()).size).toBe(0);
    saveChoices(info(), new Map([["one", [1, 2]]]));
    writeFileSync(file, readFileSync(file, "utf8").replace(/"version":\d+/, '"version":0'));
    expect(loadChoices(info()).size).toBe(0);
  });
});
