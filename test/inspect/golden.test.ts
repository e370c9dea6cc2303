/** The model of notebooks/90-inside.ipynb, looked into: as data/golden has it, on any adapter. Takes about 5 s. */
import { fileURLToPath } from "node:url";
import type { ColumnTable } from "arquero";
import { expect, it } from "vitest";
import { alphas } from "../../src/inspect/alphas.js";
import { attentionMaps, mambaAttention } from "../../src/inspect/maps.js";
import { openModel } from "../../src/inspect/open.node.js";
import { attentionSummary } from "../../src/inspect/summary.js";
import { expectGolden } from "../findings/golden.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const folder = fileURLToPath(new URL("../../data/inside", import.meta.url));
const text = "Beglur's house is gand. The shoul kurs. What is Beglur's house? It is gand.";

type Rows = Record<string, number>[];
const rowsOf = (table: ColumnTable) => table.objects({ limit: Number.POSITIVE_INFINITY }) as Rows;
const rounded = (value: number) => Number(value.toFixed(4));

it("looks as evenly and as far as recorded, head by head, with the recorded α", async () => {
  const { gpu } = holder;
  const { parameters, codec } = await openModel(gpu, folder);
  const ids = codec.encode(text);
  const branches = [
    { branch: "attention", maps: await attentionMaps(gpu, parameters, ids) },
    { branch: "mamba", maps: await mambaAttention(gpu, parameters, ids, { normalise: true, skip: false }) },
  ];
  const share = rowsOf(await alphas(gpu, parameters, ids));
  const alphaOf = (layer: number, head: number) => {
    const own = share.filter((row) => row.layer === layer && row.head === head);
    return own.length > 0 ? rounded(own.reduce((sum, { alpha }) => sum + alpha, 0) / own.length) : null;
  };
  const rows = branches.flatMap(({ branch, maps }) =>
    rowsOf(attentionSummary(maps)).map(({ layer, head, entropy, evenness, distance }) => ({
      ...{ branch, layer, head },
      ...{ entropy: rounded(entropy), evenness: rounded(evenness), distance: rounded(distance) },
      alpha: alphaOf(layer, head),
    })),
  );
  expect(rows.length).toBe(2 * 4 * 4);
  expectGolden("inside-heads", rows, 0.005);
});
