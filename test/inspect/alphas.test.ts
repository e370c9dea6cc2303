/** Takes about 3 s. */
import { expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.js";
import { alphas } from "../../src/inspect/alphas.js";
import { attentionMaps, mambaAttention } from "../../src/inspect/maps.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const text = Array.from({ length: 19 }, (_, i) => (i * 37 + 11) % 256);

function hybrid(gpu: Gpu, change: (name: string) => number): Parameters {
  const config = tinyConfig("MHTH", {
    hybrid: { heads: 4, kvHeads: 2, dQk: 16, dSsm: 32, valueDim: 8, scale: "alpha", fusion: "add", output: "joint" },
  });
  const parameters = new Parameters(gpu, config, false);
  const values = initialValues(parameters, 3);
  for (const { name, offset, size } of parameters.table) {
    for (let i = offset; i < offset + size; i++) values[i] *= change(name);
  }
  parameters.load(values);
  return parameters;
}

type Rows = Record<string, number>[];

it("gives α of each hybrid layer, token and head", async () => {
  const table = await alphas(
    holder.gpu,
    hybrid(holder.gpu, () => 1),
    text,
  );
  const rows = table.objects({ limit: Number.POSITIVE_INFINITY }) as Rows;
  expect(table.columnNames()).toEqual(["layer", "token", "head", "alpha"]);
  expect(rows.length).toBe(2 * text.length * 4);
  expect([...new Set(rows.map(({ layer }) => layer))]).toEqual([1, 3]);
  expect(rows[5]).toMatchObject({ layer: 1, token: 1, head: 1 });
  expect(rows.every(({ alpha }) => alpha > 0 && alpha < 1)).toBe(true);
  expect(new Set(rows.map(({ alpha }) => alpha)).size, "differs from token to token").toBeGreaterThan(100);
});

it("is one half where the layer's projection to α is zero", async () => {
  const still = hybrid(holder.gpu, (name) => (name.includes("layers.1.") && name.includes("alpha") ? 0 : 1));
  const rows = (await alphas(holder.gpu, still, text)).objects({ limit: Number.POSITIVE_INFINITY }) as Rows;
  expect(rows.filter(({ layer }) => layer === 1).every(({ alpha }) => alpha === 0.5)).toBe(true);
  expect(rows.filter(({ layer }) => layer === 3).some(({ alpha }) => alpha !== 0.5)).toBe(true);
});

it("has both maps of a hybrid layer", async () => {
  const parameters = hybrid(holder.gpu, () => 1);
  const layersOf = (table: { array(name: string): ArrayLike<unknown> }) => [
    ...new Set(Array.from(table.array("layer"))),
  ];
  expect(layersOf(await attentionMaps(holder.gpu, parameters, text))).toEqual([1, 2, 3]);
  expect(layersOf(await mambaAttention(holder.gpu, parameters, text))).toEqual([0, 1, 3]);
});

it("says that a model has none", async () => {
  const parameters = new Parameters(holder.gpu, tinyConfig("MT"), false);
  await expect(alphas(holder.gpu, parameters, text)).rejects.toThrow("No layer of the pattern MT has an α");
});
