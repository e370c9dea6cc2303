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

/** A product, one whose K is split by default, recorded on `gpu`. */
function record(gpu: Gpu, [m, n, k] = [130, 70, 600]) {
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
    expect(tiles).toHaveLength(6);
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
    const shapes = productsOf(record(gpu, [9, 10, 11]).recorder);
    expect(await timeProducts(gpu, shapes, { signal: AbortSignal.abort() })).toBe(0);
    const told: number[][] = [];
    expect(await timeProducts(gpu, shapes, { onTimed: (...count) => told.push(count) })).toBe(1);
    expect(told).toEqual([
      [0, 1],
      [1, 1],
    ]);
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

  it("is not chosen on a software adapter, which has one", async ({ skip }) => {
    if (!holder.gpu.info.software) skip("this adapter is none");
    const { recorder } = record(holder.gpu);
    expect(await timeProducts(holder.gpu, productsOf(recorder))).toBe(0);
  });
});

interface Even {
  order: string;
  size: [m: number, n: number, k: number];
  types: [ElementType, ElementType, ElementType];
}

/** A product that every tile divides, whichever way its operands lie; its K is split. */
function recordEven(gpu: Gpu, { order, size: [m, n, k], types }: Even) {
  const [transposeA, transposeB] = [order[0] === "T", order[1] === "T"];
  const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n], [m, n]];
  const recorder = new Recorder(gpu, types.includes("f16") ? "mixed" : "f32");
  const [a, b, c] = shapes.map((shape, i) => {
    const values = i < 2 ? half({ shape, values: random(shape, i + 1) }).values : undefined;
    return tensorFrom(gpu, shape, "abc"[i], values, types[i]);
  });
  matmul(recorder, new Arena(gpu), { a: matrix(a), b: matrix(b), c: matrix(c), transposeA, transposeB });
  return { recorder, a, b, c };
}

describe("the tile of a product that it divides", () => {
  const [single, mixed]: Even["size"][] = [
    [128, 128, 528],
    [256, 256, 1056],
  ];
  const cases: Even[] = [
    { order: "NN", size: single, types: ["f32", "f32", "f32"] },
    { order: "TT", size: single, types: ["f32", "f32", "f32"] },
    { order: "NN", size: mixed, types: ["f16", "f16", "f16"] },
    { order: "NT", size: mixed, types: ["f16", "f16", "f32"] },
    { order: "TN", size: mixed, types: ["f32", "f16", "f16"] },
    { order: "TT", size: mixed, types: ["f16", "f32", "f32"] },
  ];
  for (const one of cases) {
    const { order, size, types } = one;
    const test = async ({ skip }: { skip: (why: string) => void }) => {
      const { gpu } = chooser();
      const halves = types.includes("f16");
      if (halves && !gpu.info.matrices) skip("this adapter has no subgroup matrices");
      const first = recordEven(gpu, one);
      const [shape] = productsOf(first.recorder);
      expect(planProduct(gpu, shape)).toMatchObject({ kernel: halves ? "tensor" : "tiled", parts: 2 });
      const results: number[][] = [];
      for (const tile of tilesOf(gpu, shape)) {
        gpu.choices.set(productKey(shape), tile);
        const { recorder, c } = recordEven(gpu, one);
        recorder.submit();
        results.push(Array.from(await download(gpu, c)));
      }
      const [left, right] = [await download(gpu, first.a), await download(gpu, first.b)];
      const [m, n, k] = size;
      const exact = Array.from({ length: m * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum += left[shape.transposeA ? l * m + i : i * k + l] * right[shape.transposeB ? j * k + l : l * n + j];
        return sum;
      });
      expectClose("product", results[0], exact, halves ? 1e-3 : 1e-6);
      for (const result of results) expect(result).toEqual(results[0]);
    };
    it(`changes none of its bits, ${order} of ${types}`, test, 600_000);
  }
});

describe("a product that writes SwiGLU as well", () => {
  for (const order of ["NT", "NN"]) {
    it(`has the same bits, and halves of those, whatever its tile, ${order}`, async ({ skip }) => {
      const { gpu } = chooser();
      if (!gpu.info.matrices) skip("this adapter has no subgroup matrices");
      const [m, n, k] = [128, 256, 96];
      const transposeB = order === "NT";
      const given = (shape: number[], seed: number) =>
        tensorFrom(gpu, shape, "operand", half({ shape, values: random(shape, seed) }).values, "f16");
      const [a, b] = [given([m, k], 1), given(transposeB ? [n, k] : [k, n], 2)];
      const product = async (silu: boolean) => {
        const recorder = new Recorder(gpu, "mixed");
        const [c, y] = [n, n / 2].map((columns) => tensorFrom(gpu, [m, columns], "result", undefined, "f16"));
        const options = { a: matrix(a), b: matrix(b), c: matrix(c), transposeB, silu: silu ? matrix(y) : undefined };
        const written = matmul(recorder, new Arena(gpu), options);
        recorder.submit();
        const [shape] = productsOf(recorder);
        return { shape, written, c: Array.from(await download(gpu, c)), y: Array.from(await download(gpu, y)) };
      };
      const { shape, written, c } = await product(false);
      expect(written).toBe(false);
      const exact = Array.from({ length: (m * n) / 2 }, (_, at) => {
        const gate = Math.floor(at / (n / 2)) * n + (at % (n / 2));
        return (c[gate] / (1 + Math.exp(-c[gate]))) * c[gate + n / 2];
      });
      let first: number[] | undefined;
      const tiles = tilesOf(gpu, shape);
      for (const tile of transposeB ? tiles : tiles.slice(0, 1)) {
        gpu.choices.set(productKey(shape), tile);
        const result = await product(true);
        expect(result.written).toBe(transposeB);
        expect(result.c).toEqual(c);
        if (!transposeB) continue;
        expectClose("SwiGLU", result.y, exact, 1e-3);
        first ??= result.y;
        expect(result.y).toEqual(first);
      }
    });
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
