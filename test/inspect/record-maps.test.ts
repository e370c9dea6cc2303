/** Maps as a small file, of the model of data/inside. Takes about 10 s. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/maps.js";
import { recordedMaps } from "../../src/findings/maps.node.js";
import { evennessFigure, keptMapsFigure, mapRows } from "../../src/findings/maps-figures.js";
import { type MapsFile, mapTable, packWeights, unpackWeights } from "../../src/inspect/map-file.js";
import { attentionMaps } from "../../src/inspect/maps.js";
import { openModel } from "../../src/inspect/open.node.js";
import { recordMaps } from "../../src/inspect/record-maps.js";
import { attentionSummary } from "../../src/inspect/summary.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const folder = fileURLToPath(new URL("../../data/inside", import.meta.url));
const text = "Beglur's house is gand. The shoul kurs. What is Beglur's house? It is gand.";

it("packs weights into bytes that keep small ones apart", () => {
  const weights = Array.from({ length: 1001 }, (_, i) => i / 1000);
  const back = unpackWeights(packWeights(weights));
  for (const [i, weight] of weights.entries()) {
    expect(Math.abs(back[i] - weight)).toBeLessThan(weight <= 0.06 ? 0.001 : 0.004);
  }
  expect(Array.from(unpackWeights(packWeights([0, 1])))).toEqual([0, 1]);
});

it("keeps summaries of all tokens and maps of the first ones", async () => {
  const { parameters, codec } = await openModel(holder.gpu, folder);
  const model = { name: "inside", parameters, codec };
  const kept = await recordMaps(holder.gpu, model, text, { read: 48, drawn: 16, layers: [2, 5], heads: [1] });
  expect(kept).toMatchObject({ name: "inside", pattern: parameters.config.pattern, read: 48 });
  const ids = codec.encode(text);
  expect(kept.tokens).toEqual(Array.from(ids.slice(0, 16)));
  const whole = attentionSummary(await attentionMaps(holder.gpu, parameters, ids.slice(0, 48), { heads: [1] }));
  const own = kept.summaries.filter(({ branch }) => branch === "attention");
  expect(own.map(({ layer }) => layer)).toEqual(Array.from(whole.array("layer") as ArrayLike<number>));
  for (const [i, entropy] of Array.from(whole.array("entropy") as ArrayLike<number>).entries()) {
    expect(own[i].entropy).toBeCloseTo(entropy, 4);
  }
  const short = await attentionMaps(holder.gpu, parameters, ids.slice(0, 16), { layers: [2, 5], heads: [1] });
  const table = mapTable(kept, "attention");
  expect(table.numRows()).toBe(short.numRows());
  for (const column of ["layer", "head", "query", "key"]) {
    expect(Array.from(table.array(column) as number[])).toEqual(Array.from(short.array(column) as number[]));
  }
  const [stored, exact] = [table, short].map((known) => Array.from(known.array("weight") as ArrayLike<number>));
  expect(Math.max(...stored.map((weight, i) => Math.abs(weight - exact[i])))).toBeLessThan(0.004);
  await expect(recordMaps(holder.gpu, model, text, { read: 48, layers: [6] })).rejects.toThrow("has no layer 6");
  await expect(recordMaps(holder.gpu, model, text, { read: 480 })).rejects.toThrow("75 tokens for inside, and 480");
  expect(() => mapTable({ ...kept, tokens: [97] }, "attention")).toThrow("has 136 weights, but 1 tokens make 1 pairs");
});

it("writes a file by the command, which figures and the table are made of", async () => {
  const place = mkdtempSync(join(tmpdir(), "braid-maps-"));
  writeFileSync(join(place, "text.txt"), text.repeat(4));
  const out = join(place, "maps.json");
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const program = new Command();
  register(program);
  const args = ["maps", folder, "--text", join(place, "text.txt"), "--out", out, "--read", "96"];
  await program.parseAsync(["node", "braid", ...args]);
  write.mockRestore();
  const file = JSON.parse(readFileSync(out, "utf8")) as MapsFile;
  expect(file.text).toBe("text.txt");
  const [model] = file.models;
  expect(model).toMatchObject({ name: "inside", run: expect.stringMatching(/^[0-9a-f]{16}$/), read: 96 });
  expect(model.tokens).toHaveLength(64);
  // Four heads a branch: Mamba-2 in the first layer, attention in the third, both in the last.
  expect(model.maps).toHaveLength(16);
  const rows = mapRows(file);
  expect(rows.length).toBe(new Set(model.summaries.map(({ layer, branch }) => `${layer} ${branch}`)).size);
  expect(rows[0]).toMatchObject({ model: "inside", layer: 1, branch: "Mamba-2", heads: 4 });
  const drawn = evennessFigure(file, figureDocument()).outerHTML;
  for (const words of [`inside (${model.pattern})`, "first 96 tokens of text.txt", "One run a model."]) {
    expect(drawn.replace(/\s+/g, " ")).toContain(words);
  }
  const foreign = { ...file, models: [{ ...model, run: undefined }] };
  expect(evennessFigure(foreign, figureDocument()).outerHTML).not.toContain("One run a model.");
  expect(keptMapsFigure(file, figureDocument()).outerHTML).toContain(">inside, layer 1 (Mamba-2)</text>");
  const other = { ...file, models: [model, { ...model, name: "other", tokens: [120] }] };
  expect(() => keptMapsFigure(other, figureDocument())).toThrow("other has other tokens than inside");
  await expect(program.parseAsync(["node", "braid", ...args, folder])).rejects.toThrow("two folders are called inside");
});

it("are not there until they are recorded", () => {
  expect(recordedMaps("nothing")).toBeUndefined();
});
