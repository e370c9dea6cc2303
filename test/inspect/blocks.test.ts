/** Every block that mixes tokens can be looked into. Takes about 20 s. */
import type { ColumnTable } from "arquero";
import { expect, it } from "vitest";
import { known } from "../../src/config/known/index.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { attentionMaps, mambaAttention } from "../../src/inspect/maps.js";
import { receptiveField } from "../../src/inspect/receptive-field.js";
import { attentionSummary } from "../../src/inspect/summary.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const text = Array.from({ length: 21 }, (_, i) => (i * 37 + 11) % 256);

function tiny(gpu: Gpu, name: string): Parameters {
  const parameters = new Parameters(gpu, known(name, { tiny: true }), false);
  parameters.load(initialValues(parameters, 3));
  return parameters;
}

const layersOf = (table: ColumnTable) => [...new Set(Array.from(table.array("layer") as ArrayLike<number>))];

it.each([
  // J, T, and mixtures of experts.
  { name: "jamba-v0.1", attends: [4], scans: [0, 1, 2, 3, 5, 6, 7] },
  // P.
  { name: "falcon-h1-0.5b", attends: [0, 1], scans: [0, 1] },
  // M and Z, which reads the embedding once more.
  { name: "zamba2-1.2b", attends: [1, 3, 5], scans: [0, 1, 2, 3, 4, 5] },
  // H and W.
  { name: "hymba-1.5b", attends: [0, 1, 2, 3, 4], scans: [0, 1, 2, 3, 4] },
])("$name", async ({ name, attends, scans }) => {
  const { gpu } = holder;
  const parameters = tiny(gpu, name);
  const attention = await attentionMaps(gpu, parameters, text);
  const mamba = await mambaAttention(gpu, parameters, text, { heads: [0, 1], normalise: true });
  expect(layersOf(attention)).toEqual(attends);
  expect(layersOf(mamba)).toEqual(scans);
  for (const maps of [attention, mamba]) {
    const sums = new Map<string, number>();
    for (const row of maps.objects({ limit: Number.POSITIVE_INFINITY }) as Record<string, number>[]) {
      const key = `${row.layer} ${row.head} ${row.query}`;
      sums.set(key, (sums.get(key) ?? 0) + row.weight);
    }
    for (const sum of sums.values()) expect(sum).toBeCloseTo(1, 5);
    for (const { evenness } of attentionSummary(maps).objects() as { evenness: number }[]) {
      expect(evenness).toBeGreaterThan(0);
      expect(evenness).toBeLessThanOrEqual(1 + 1e-6);
    }
  }
  const field = (await receptiveField(gpu, parameters, text, { positions: 2 })).objects() as { share: number }[];
  expect(field.length).toBe(text.length);
  expect(field.every(({ share }) => share > 0 && share < 1)).toBe(true);
});
