/** Takes about 10 s. */
import { expect, it } from "vitest";
import { Arena, download } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { influence, receptiveField } from "../../src/inspect/receptive-field.js";
import { initialValues } from "../../src/model/initialise.js";
import { languageModel } from "../../src/model/language-model.js";
import { Parameters } from "../../src/model/parameters.js";
import { createTokenBuffers, uploadTokens } from "../../src/ops/embedding.js";
import { Tape } from "../../src/ops/tape.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const length = 48;
const text = Array.from({ length }, (_, i) => (i * 37 + 11) % 256);

function model(gpu: Gpu, pattern: string, vocabSize = 256): Parameters {
  const parameters = new Parameters(gpu, tinyConfig(pattern, { vocabSize }), false);
  parameters.load(initialValues(parameters, 3));
  return parameters;
}

type Rows = Record<string, number>[];

it("ends with the window and the sink in a layer of sliding-window attention", async () => {
  const rows = (await influence(holder.gpu, model(holder.gpu, "S"), text, { positions: 6 })).objects() as Rows;
  const queries = new Set(rows.map(({ query }) => query));
  expect([...queries]).toEqual([47, 43, 39, 35, 31, 27]);
  // The window is 12 tokens, the sink 2.
  const seen = rows.filter(({ key, distance }) => distance < 12 || key < 2);
  const unseen = rows.filter(({ key, distance }) => distance >= 12 && key >= 2);
  expect(Math.min(...seen.map(({ gradient }) => gradient))).toBeGreaterThan(1e-6);
  expect(unseen.length).toBeGreaterThan(50);
  expect(Math.max(...unseen.map(({ gradient }) => gradient)), "exactly nothing beyond").toBe(0);
});

it("decays in Mamba, and does not in full attention", async () => {
  const share = async (pattern: string) => {
    const field = await receptiveField(holder.gpu, model(holder.gpu, pattern), text);
    const rows = field.objects() as Rows;
    expect(rows.map(({ distance }) => distance)).toEqual(text.map((_, i) => i));
    expect(rows.reduce((sum, row) => sum + row.share, 0)).toBeCloseTo(1, 6);
    expect(rows[0].positions).toBe(8);
    expect(rows.at(-1)!.positions).toBe(1);
    const mean = (from: number, to: number) =>
      rows.slice(from, to).reduce((sum, row) => sum + row.gradient, 0) / (to - from);
    return mean(16, 24) / mean(1, 4);
  };
  expect(await share("M")).toBeLessThan(0.2);
  expect(await share("T")).toBeGreaterThan(0.5);
});

it("is, on average over projections, the size of the derivative of the hidden state", async () => {
  const { gpu } = holder;
  const short = text.slice(0, 9);
  const parameters = model(gpu, "MT");
  const [query, key] = [8, 5];
  const mean = await Promise.all(
    Array.from({ length: 24 }, async (_, seed) => {
      const rows = (await influence(gpu, parameters, short, { positions: 1, seed })).objects() as Rows;
      return rows.find((row) => row.query === query && row.key === key)!.gradient ** 2;
    }),
  ).then((squares) => squares.reduce((sum, square) => sum + square, 0) / squares.length);

  // Frobenius norm by central differences: token 5 gets an id of its own, whose embedding is moved.
  const own = 255;
  const ids = short.map((id, i) => (i === key ? own : id));
  const values = initialValues(parameters, 3);
  const table = parameters.table.find(({ name }) => name === "model.embed_tokens.weight")!;
  const { dModel } = parameters.config;
  const rowAt = (id: number) => table.offset + id * dModel;
  values.copyWithin(rowAt(own), rowAt(short[key]), rowAt(short[key] + 1));
  const hidden = async (column: number, step: number) => {
    const moved = values.slice();
    moved[rowAt(own) + column] += step;
    parameters.load(moved);
    const [recorder, arena] = [new Recorder(gpu), new Arena(gpu)];
    const tokens = createTokenBuffers(gpu, ids.length, 256);
    uploadTokens(gpu, tokens, Uint32Array.from(ids));
    const out = languageModel(new Tape(recorder, arena, false), parameters, tokens, { batch: 1, length: ids.length });
    recorder.submit();
    const row = (await download(gpu, out)).slice(query * dModel, (query + 1) * dModel);
    arena.destroy();
    return row;
  };
  let square = 0;
  const h = 1e-3;
  for (let column = 0; column < dModel; column++) {
    const [above, below] = [await hidden(column, h), await hidden(column, -h)];
    for (let i = 0; i < dModel; i++) square += ((above[i] - below[i]) / (2 * h)) ** 2;
  }
  expect(Math.sqrt(mean / square)).toBeGreaterThan(0.85);
  expect(Math.sqrt(mean / square)).toBeLessThan(1.15);
});

it("says what is wrong with the tokens and the positions", async () => {
  const { gpu } = holder;
  const parameters = model(gpu, "T");
  await expect(receptiveField(gpu, parameters, [1])).rejects.toThrow("takes two tokens or more, not 1");
  await expect(receptiveField(gpu, parameters, text, { positions: 30 })).rejects.toThrow(
    "positions: 30 is not a whole number from 1 to 24",
  );
  await expect(receptiveField(gpu, parameters, [1, 300], { positions: 1 })).rejects.toThrow("Token 1 has id 300");
});
