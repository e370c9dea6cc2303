/** Takes about 5 s. */
import type { ColumnTable } from "arquero";
import { expect, it } from "vitest";
import type { ModelConfig } from "../../src/config/types.js";
import { Rng } from "../../src/data/rng.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { lookInside, observe } from "../../src/inspect/look.js";
import { attentionMaps, mambaAttention } from "../../src/inspect/maps.js";
import { attentionSummary } from "../../src/inspect/summary.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { selectiveScan } from "../../src/ops/selective-scan.js";
import { ssd } from "../../src/ops/ssd.js";
import { tinyConfig } from "../model/fixtures.js";
import { expectClose, useGpu } from "../ops/harness.js";

const holder = useGpu();
const length = 37;
const text = Array.from({ length }, (_, i) => (i * 37 + 11) % 256);

/** A tiny model whose weights are large enough for heads to differ. */
function model(gpu: Gpu, pattern: string, change: Partial<ModelConfig> = {}): Parameters {
  const parameters = new Parameters(gpu, tinyConfig(pattern, change), false);
  const values = initialValues(parameters, 3);
  for (const { name, offset, size } of parameters.table) {
    if (/proj\.weight|conv1d/.test(name)) for (let i = offset; i < offset + size; i++) values[i] *= 8;
  }
  const rng = new Rng(1, "D");
  for (const { name, offset, size } of parameters.table) {
    if (name.endsWith(".D")) for (let i = offset; i < offset + size; i++) values[i] = rng.normal(0, 1);
  }
  parameters.load(values);
  return parameters;
}

/** The map [T, T] of one head, from the tidy rows. */
function matrixOf(maps: ColumnTable, layer: number, head: number): Float64Array {
  const matrix = new Float64Array(length * length);
  for (const row of maps.objects({ limit: Number.POSITIVE_INFINITY }) as Record<string, number>[]) {
    if (row.layer === layer && row.head === head) matrix[row.query * length + row.key] = row.weight;
  }
  return matrix;
}

it("maps attention as the softmax of the queries and keys that the layer had", async () => {
  const parameters = model(holder.gpu, "MTS");
  const maps = await attentionMaps(holder.gpu, parameters, text);
  expect(maps.columnNames()).toEqual(["layer", "head", "query", "key", "weight"]);
  expect(maps.numRows()).toBe((2 * 3 * length * (length + 1)) / 2);
  const { heads, headDim } = { heads: 3, headDim: 8 };
  const shown = await observe(holder.gpu, parameters, text, (name) => name === "qkv");
  expect(shown.map(({ layer }) => layer)).toEqual([1, 2]);
  for (const { layer, shape, values } of shown) {
    expect(shape).toEqual([length, (heads + 2) * headDim]);
    const width = shape[1];
    for (let head = 0; head < heads; head++) {
      const expected = new Float64Array(length * length);
      for (let t = 0; t < length; t++) {
        // Layer 2 is a sliding window of 12 with a sink of 2.
        const sees = (s: number) => s <= t && (layer === 1 || t - s < 12 || s < 2);
        const scores = Array.from({ length }, (_, s) => {
          let score = 0;
          for (let k = 0; k < headDim; k++) {
            score += values[t * width + head * headDim + k] * values[s * width + heads * headDim + k];
          }
          return sees(s) ? Math.exp(score / Math.sqrt(headDim)) : 0;
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        scores.forEach((score, s) => {
          expected[t * length + s] = score / total;
        });
      }
      expectClose(`layer ${layer}, head ${head}`, matrixOf(maps, layer, head), expected, 1e-5);
    }
  }
});

it("maps Mamba-2 to a matrix by which the inputs of the scan give its outputs", async () => {
  const { gpu } = holder;
  const parameters = model(gpu, "TM");
  const maps = await mambaAttention(gpu, parameters, text);
  const [{ inputs, outputs }] = await lookInside(gpu, parameters, text, ({ tensor, mixing }, copy, tape) => {
    if (mixing?.kind !== "ssd") return undefined;
    const inputs = copy(tensor);
    const outputs = copy(ssd(tape, tensor, mixing.dtSource, ...mixing.weights, mixing.options));
    return () => ({ inputs: inputs.values, outputs: outputs.values });
  });
  // dSsm 48 in heads of 12; B and C of two groups with states of 8.
  const [heads, headDim, row] = [4, 12, 48 + 2 * 2 * 8];
  const product = new Float64Array(length * 48);
  for (let head = 0; head < heads; head++) {
    const matrix = matrixOf(maps, 1, head);
    for (let t = 0; t < length; t++)
      for (let s = 0; s <= t; s++)
        for (let p = head * headDim; p < (head + 1) * headDim; p++) {
          product[t * 48 + p] += matrix[t * length + s] * inputs[s * row + p];
        }
  }
  expectClose("M x", product, outputs, 1e-5);
  const earlier = matrixOf(maps, 1, 0).filter((_, i) => i % length < Math.floor(i / length));
  expect(Math.max(...earlier.map(Math.abs)), "earlier tokens count").toBeGreaterThan(1e-3);
});

it.each([true, false])("maps Mamba-1 likewise, channel by channel, up to its gate (norms: %s)", async (innerNorms) => {
  const { gpu } = holder;
  const mamba1 = { dInner: 8, dState: 4, conv: 4, dtRank: 4, dtRange: [0.001, 0.1] as [number, number], innerNorms };
  const parameters = model(gpu, "J", { mamba1 });
  const maps = await mambaAttention(gpu, parameters, text);
  const [{ x, z, outputs }] = await lookInside(gpu, parameters, text, ({ mixing }, copy, tape) => {
    if (mixing?.kind !== "selective scan") return undefined;
    const [x, z] = [copy(mixing.inputs.x), copy(mixing.inputs.z.source)];
    const outputs = copy(selectiveScan(tape, mixing.inputs, mixing.weights, mixing.options));
    return () => ({ x: x.values, z: z.values, outputs: outputs.values });
  });
  const product = new Float64Array(length * 8);
  for (let channel = 0; channel < 8; channel++) {
    const matrix = matrixOf(maps, 0, channel);
    for (let t = 0; t < length; t++) {
      const gate = z[t * 16 + 8 + channel];
      for (let s = 0; s <= t; s++) product[t * 8 + channel] += matrix[t * length + s] * x[s * 8 + channel];
      product[t * 8 + channel] *= gate / (1 + Math.exp(-gate));
    }
  }
  expectClose("M x", product, outputs, 1e-5);
});

it("normalises |M| by rows, without D where asked", async () => {
  const parameters = model(holder.gpu, "M");
  const raw = matrixOf(await mambaAttention(holder.gpu, parameters, text, { heads: [2], skip: false }), 0, 2);
  const normal = matrixOf(
    await mambaAttention(holder.gpu, parameters, text, { heads: [2], skip: false, normalise: true }),
    0,
    2,
  );
  for (let t = 0; t < length; t++) {
    const [before, after] = [raw, normal].map((matrix) => Array.from(matrix.subarray(t * length, (t + 1) * length)));
    const total = before.reduce((sum, weight) => sum + Math.abs(weight), 0);
    expectClose(
      `row ${t}`,
      after,
      before.map((weight) => Math.abs(weight) / total),
      1e-12,
    );
  }
  expect(
    raw.some((weight) => weight < 0),
    "some weights are negative",
  ).toBe(true);
});

it("summarises how even and how far heads look", async () => {
  const parameters = model(holder.gpu, "T");
  // Queries of zeros look at everything alike.
  const values = initialValues(parameters, 3);
  for (const { name, offset, size } of parameters.table) {
    if (name.includes("q_proj")) values.fill(0, offset, offset + size);
  }
  parameters.load(values);
  const even = attentionSummary(await attentionMaps(holder.gpu, parameters, text));
  const rows = even.objects() as Record<string, number>[];
  expect(rows.map(({ layer, head }) => [layer, head])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
  ]);
  const counts = Array.from({ length: length - 1 }, (_, i) => i + 2);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (const { entropy, evenness, distance } of rows) {
    expect(entropy).toBeCloseTo(mean(counts.map(Math.log)), 5);
    expect(evenness).toBeCloseTo(1, 5);
    expect(distance).toBeCloseTo(mean(counts.map((count) => (count - 1) / 2)), 4);
  }
});

it("says which layer or head is not there", async () => {
  const { gpu } = holder;
  const parameters = model(gpu, "MT");
  await expect(attentionMaps(gpu, parameters, text, { layers: [0] })).rejects.toThrow(
    "layers: layer 0 has no map of attention: it is M (Mamba-2).",
  );
  await expect(mambaAttention(gpu, parameters, text, { layers: [7] })).rejects.toThrow(
    "layer 7 has no map of Mamba: it is not in the pattern MT.",
  );
  await expect(attentionMaps(gpu, parameters, text, { heads: [3] })).rejects.toThrow(
    "heads: there is no head 3 in every layer: layer 1 has 3.",
  );
  await expect(mambaAttention(gpu, model(gpu, "T"), text)).rejects.toThrow("No layer of the pattern T has Mamba.");
  await expect(attentionMaps(gpu, parameters, [])).rejects.toThrow("give at least one token");
  await expect(attentionMaps(gpu, parameters, [256])).rejects.toThrow("Token 0 has id 256");
});
