import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { type ElementType, elements } from "../../src/gpu/tensor.js";
import { type MatmulOptions, matmul, matrix } from "../../src/ops/matmul.js";
import { random, relativeError, useGpu } from "./harness.js";

const holder = useGpu();

interface Case {
  m: number;
  n: number;
  k: number;
  transposeA?: boolean;
  transposeB?: boolean;
  more?: "add" | "bias" | "accumulate";
}

/** c = [c | d | bias] + op(a)·op(b) with either precision, and in float64. */
async function product(
  o: Case,
  mixed: boolean,
  type: ElementType = "f32",
): Promise<{ actual: Float32Array; expected: Float64Array }> {
  const { gpu } = holder;
  const { m, n, k, transposeA = false, transposeB = false, more } = o;
  const shapes = { a: transposeA ? [k, m] : [m, k], b: transposeB ? [n, k] : [k, n], c: [m, n], bias: [n] };
  const values = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, random(shape, i + 1)]));
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      tensorFrom(gpu, shape, name, values[name], name === "bias" ? "f32" : type),
    ]),
  );
  const d = tensorFrom(gpu, [m, n], "d", values.c);
  const recorder = new Recorder(gpu, mixed ? "mixed" : "f32");
  const arena = new Arena(gpu);
  const options: MatmulOptions = {
    a: matrix(tensors.a),
    b: matrix(tensors.b),
    c: matrix(tensors.c),
    transposeA,
    transposeB,
    ...(more === "add" && { add: matrix(d) }),
    ...(more === "bias" && { bias: tensors.bias }),
    accumulate: more === "accumulate",
  };
  matmul(recorder, arena, options);
  recorder.submit();
  const actual = await download(gpu, tensors.c);
  const expected = new Float64Array(elements([m, n]));
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = more === "add" || more === "accumulate" ? values.c[i * n + j] : more === "bias" ? values.bias[j] : 0;
      for (let l = 0; l < k; l++)
        sum += values.a[transposeA ? l * m + i : i * k + l] * values.b[transposeB ? j * k + l : l * n + j];
      expected[i * n + j] = sum;
    }
  arena.destroy();
  recorder.destroy();
  return { actual, expected };
}

const cases: Case[] = [
  { m: 1, n: 1, k: 1 },
  { m: 37, n: 21, k: 5, transposeB: true },
  { m: 64, n: 64, k: 32 },
  { m: 130, n: 70, k: 45, transposeA: true },
  { m: 129, n: 260, k: 100, transposeA: true, transposeB: true, more: "add" },
  { m: 300, n: 132, k: 64, transposeB: true, more: "bias" },
  { m: 65, n: 66, k: 67, more: "accumulate" },
  { m: 1100, n: 1030, k: 40, transposeB: true },
  { m: 40, n: 60, k: 3000, transposeA: true },
  { m: 40, n: 60, k: 3000, transposeA: true, more: "accumulate" },
];

describe("products in mixed precision", () => {
  for (const o of cases) {
    const { m, n, k, transposeA, transposeB, more = "" } = o;
    it(`M${m}-N${n}-K${k} ${transposeA ? "A" : ""}${transposeB ? "B" : ""} ${more}`, async () => {
      const { actual, expected } = await product(o, true);
      const error = relativeError(actual, expected);
      // f16 has eleven bits; where there are no matrices for it, the product is that of f32.
      const most = holder.gpu.info.matrices ? 1e-3 : 1e-5;
      expect(error <= most, `relative error ${error}`).toBe(true);
      if (!holder.gpu.info.matrices) expect(actual).toEqual((await product(o, false)).actual);
    });
  }

  for (const o of cases) {
    const { m, n, k, transposeA, transposeB, more = "" } = o;
    const name = `M${m}-N${n}-K${k} ${transposeA ? "A" : ""}${transposeB ? "B" : ""} ${more}, kept in f16`;
    it(name, async ({ skip }) => {
      if (!holder.gpu.has("shader-f16")) skip("this adapter has no f16");
      const { actual, expected } = await product(o, true, "f16");
      const error = relativeError(actual, expected);
      expect(error <= 1.5e-3, `relative error ${error}`).toBe(true);
    });
  }
});
