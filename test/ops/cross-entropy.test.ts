import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import { crossEntropy, notScored, uploadTargets } from "../../src/ops/cross-entropy.js";
import { createTokenBuffers, embedding, uploadTokens } from "../../src/ops/embedding.js";
import { rmsNorm } from "../../src/ops/norm.js";
import { Tape } from "../../src/ops/tape.js";
import * as reference from "../reference/cross-entropy.js";
import { gather } from "../reference/embedding.js";
import { rmsNorm as rmsNormReference } from "../reference/norm.js";
import { asHardware, expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

type Values = Float32Array<ArrayBuffer>;
const targetsFor = (rows: number, vocabSize: number, ignored = 0.3) =>
  Uint32Array.from(random([rows], 7, 0.5, 0.5), (u) =>
    u < ignored ? notScored : Math.floor(((u - ignored) / (1 - ignored)) * vocabSize),
  );

/** Records a step over parameters named as in `values`, runs it, and returns what `build` made and the gradients. */
async function step(
  gpu: Gpu,
  training: boolean,
  values: Record<string, { shape: number[]; values: Values }>,
  build: (tape: Tape, tensors: Record<string, Tensor>) => { loss: Tensor; scored: Tensor },
  form: "software" | "hardware" = "software",
) {
  const tensors: Record<string, Tensor> = {};
  const gradients = new Map<Tensor, Tensor>();
  for (const [name, { shape, values: numbers }] of Object.entries(values)) {
    tensors[name] = tensorFrom(gpu, shape, name, numbers);
    const poison = new Float32Array(numbers.length).fill(Number.NaN);
    gradients.set(tensors[name], tensorFrom(gpu, shape, `d ${name}`, poison));
  }
  const recorder = new Recorder(gpu);
  const tape = new Tape(recorder, new Arena(gpu), training, { gradientOf: (tensor) => gradients.get(tensor) });
  // Not for the products, which have tests of their own.
  if (form === "hardware") Object.assign(tape, { gpu: asHardware(gpu) });
  const { loss, scored } = build(tape, tensors);
  tape.backward();
  recorder.submit();
  const read: Record<string, Float32Array> = {};
  for (const name of Object.keys(values)) read[name] = await download(gpu, gradients.get(tensors[name])!);
  return { loss: (await download(gpu, loss))[0], scored: await download(gpu, scored), gradients: read };
}

/** Central differences of `loss` at some elements of `values`, and what `actual` has there. */
function differences(values: Float64Array, actual: Float32Array, loss: () => number): [number[], number[]] {
  const [found, expected]: [number[], number[]] = [[], []];
  for (let i = 0; i < values.length; i += Math.max(1, Math.floor(values.length / 24))) {
    const value = values[i];
    values[i] = value + 1e-5;
    const above = loss();
    values[i] = value - 1e-5;
    expected.push((above - loss()) / 2e-5);
    values[i] = value;
    found.push(actual[i]);
  }
  return [found, expected];
}

interface Case {
  rows: number;
  width: number;
  vocabSize: number;
  chunk?: number;
  scale: number;
  logitScale?: number;
}
const software: Case[] = [
  { rows: 1, width: 4, vocabSize: 8, chunk: undefined, scale: 1 },
  { rows: 37, width: 12, vocabSize: 19, chunk: undefined, scale: 1 },
  { rows: 150, width: 8, vocabSize: 32, chunk: 64, scale: 2 },
  { rows: 70, width: 6, vocabSize: 259, chunk: 64, scale: 20 },
  { rows: 70, width: 7, vocabSize: 19, chunk: 64, scale: 2, logitScale: 1 / 6 },
];
// Each number of invocations a row: 16, 64, 256; and rows that are not read in vectors.
const onHardware: Case[] = [
  { rows: 37, width: 12, vocabSize: 19, chunk: undefined, scale: 1 },
  { rows: 70, width: 8, vocabSize: 64, chunk: 64, scale: 2 },
  { rows: 5, width: 8, vocabSize: 1000, chunk: undefined, scale: 2 },
  { rows: 3, width: 8, vocabSize: 2200, chunk: undefined, scale: 2 },
  { rows: 37, width: 12, vocabSize: 64, chunk: undefined, scale: 1, logitScale: 0.0390625 },
];

describe.each([
  ["software", software],
  ["hardware", onHardware],
] as const)("the %s form of cross-entropy agrees with float64", (form, cases) => {
  it.each<Case>(cases)(
    "at R$rows-D$width-V$vocabSize, chunks of $chunk, logits times $logitScale",
    async ({ rows, width, vocabSize, chunk, scale, logitScale }) => {
      const { gpu } = holder;
      const values = {
        hidden: { shape: [rows, width], values: random([rows, width], 1, scale) },
        table: { shape: [vocabSize, width], values: random([vocabSize, width], 2) },
      };
      const ids = targetsFor(rows, vocabSize);
      if (rows === 1) ids[0] = 3;
      // Every third one is asked for what is likeliest.
      const likeliest = reference.likeliest(values.hidden.values, values.table.values, width);
      for (let row = 1; row < rows; row += 3) ids[row] = likeliest[row];
      const targets = tensorFrom(gpu, [rows], "targets");
      uploadTargets(gpu, targets, ids, vocabSize);
      const perToken = tensorFrom(gpu, [rows], "losses per token");
      const hits = tensorFrom(gpu, [rows], "hits", new Float32Array(rows).fill(Number.NaN));
      const run = (training: boolean) =>
        step(
          gpu,
          training,
          values,
          (tape, { hidden, table }) =>
            crossEntropy(tape, hidden, table, targets, { chunk, perToken, hits, logitScale }),
          form,
        );
      const { loss, scored, gradients } = await run(true);
      const [hidden, table] = [Float64Array.from(values.hidden.values), Float64Array.from(values.table.values)];
      const exact = () => reference.crossEntropy(hidden, table, ids, width, logitScale);
      const n = ids.filter((id) => id !== notScored).length;
      expectClose("scored", scored, [n, 1 / n, 1 / n], 1e-6);
      expectClose("loss", [loss], [exact()], 1e-6);
      const exactLosses = reference.losses(hidden, table, ids, width, logitScale);
      expectClose("losses", await download(gpu, perToken), exactLosses, 1e-5);
      expect(Array.from(await download(gpu, hits))).toEqual(reference.hits(hidden, table, ids, width, logitScale));
      expectClose("gradient of hidden", ...differences(hidden, gradients.hidden, exact), 1e-4);
      expectClose("gradient of table", ...differences(table, gradients.table, exact), 1e-4);
      for (const name of ["hidden", "table"]) expect(gradients[name].every(Number.isFinite), name).toBe(true);
      // Evaluation: the same losses, and no gradient touched.
      const evaluated = await run(false);
      expect(evaluated.loss).toBe(loss);
      expectClose("losses", await download(gpu, perToken), exactLosses, 1e-5);
      expect(evaluated.gradients.table.every(Number.isNaN)).toBe(true);
    },
  );
});

describe("cross-entropy", () => {
  it("drives a tied embedding through the final norm: the table's gradient has both parts", async () => {
    const { gpu } = holder;
    const [rows, width, vocabSize] = [90, 8, 21];
    const ids = targetsFor(rows, vocabSize, 0);
    const next = targetsFor(rows, vocabSize).reverse();
    const tokens = createTokenBuffers(gpu, rows, vocabSize);
    uploadTokens(gpu, tokens, ids);
    const targets = tensorFrom(gpu, [rows], "targets", next);
    const values = {
      table: { shape: [vocabSize, width], values: random([vocabSize, width], 2) },
      norm: { shape: [width], values: random([width], 3, 0.5, 1) },
    };
    const run = (chunk: number) =>
      step(gpu, true, values, (tape, { table, norm }) =>
        crossEntropy(tape, rmsNorm(tape, embedding(tape, tokens, table), norm, 0.05), table, targets, { chunk }),
      );
    const { loss, gradients } = await run(64);
    const [table, norm] = [Float64Array.from(values.table.values), Float64Array.from(values.norm.values)];
    const exact = () =>
      reference.crossEntropy(rmsNormReference(gather(ids, table, width), norm, 0.05), table, next, width);
    expectClose("loss", [loss], [exact()], 1e-6);
    expectClose("gradient of table", ...differences(table, gradients.table, exact), 1e-4);
    expectClose("gradient of norm", ...differences(norm, gradients.norm, exact), 1e-4);
    expect(await run(64), "the same bits again").toEqual({ loss, gradients, scored: expect.anything() });
  });

  it("stays finite with logits in the thousands", async () => {
    const { gpu } = holder;
    const values = {
      hidden: { shape: [9, 4], values: random([9, 4], 1, 3000) },
      table: { shape: [12, 4], values: random([12, 4], 2) },
    };
    const targets = tensorFrom(gpu, [9], "targets", targetsFor(9, 12, 0));
    const { loss, gradients } = await step(gpu, true, values, (tape, { hidden, table }) =>
      crossEntropy(tape, hidden, table, targets),
    );
    const [hidden, table] = [Float64Array.from(values.hidden.values), Float64Array.from(values.table.values)];
    expectClose("loss", [loss], [reference.crossEntropy(hidden, table, targetsFor(9, 12, 0), 4)], 1e-6);
    expect(gradients.hidden.every(Number.isFinite) && gradients.table.every(Number.isFinite)).toBe(true);
  });

  it("is 0, with gradients of 0, when no row is scored", async () => {
    const { gpu } = holder;
    const values = {
      hidden: { shape: [5, 4], values: random([5, 4], 1) },
      table: { shape: [6, 4], values: random([6, 4], 2) },
    };
    const targets = tensorFrom(gpu, [5], "targets", new Uint32Array(5).fill(notScored));
    const { loss, gradients } = await step(gpu, true, values, (tape, { hidden, table }) =>
      crossEntropy(tape, hidden, table, targets),
    );
    expect(loss).toBe(0);
    expect([...gradients.hidden, ...gradients.table].every((value) => value === 0)).toBe(true);
  });

  it("names a target that is not in the vocabulary", () => {
    const targets = tensorFrom(holder.gpu, [2], "targets");
    expect(() => uploadTargets(holder.gpu, targets, Uint32Array.of(notScored, 300), 256)).toThrow(
      "Target 1 has id 300, but the vocabulary has 256 entries",
    );
  });

  it("says which shapes and chunks do not fit", () => {
    const { gpu } = holder;
    const tensor = (shape: number[]) => tensorFrom(gpu, shape, "t");
    const tape = () => new Tape(new Recorder(gpu), new Arena(gpu), true);
    expect(() => crossEntropy(tape(), tensor([5, 4]), tensor([6, 3]), tensor([5]))).toThrow(
      "hidden [5,4], table [6,3], targets [5] do not fit together",
    );
    expect(() => crossEntropy(tape(), tensor([99, 4]), tensor([6, 4]), tensor([99]), { chunk: 50 })).toThrow(
      "a chunk of 50 rows is not a multiple of 64",
    );
  });
});
