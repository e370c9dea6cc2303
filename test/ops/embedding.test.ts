import { describe, expect, it } from "vitest";
import { createTokenBuffers, embedding, uploadTokens } from "../../src/ops/embedding.js";
import { gather } from "../reference/embedding.js";
import { asHardware, checkOp, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

/** Ids below `vocabSize`, about `share` of them the id 2. */
const skewed = (rows: number, vocabSize: number, share: number) =>
  Uint32Array.from(random([rows], 9, 0.5, 0.5), (u) =>
    u < share ? Math.min(2, vocabSize - 1) : Math.floor(((u - share) / (1 - share)) * vocabSize),
  );

interface Case {
  name: string;
  rows: number;
  vocabSize: number;
  width: number;
  share: number;
  scale?: number;
}
const cases: Case[] = [
  { name: "one token", rows: 1, vocabSize: 5, width: 4, share: 0 },
  { name: "one entry", rows: 70, vocabSize: 1, width: 4, share: 0 },
  { name: "even ids", rows: 37, vocabSize: 50, width: 12, share: 0 },
  { name: "odd width", rows: 100, vocabSize: 19, width: 7, share: 0.2 },
  { name: "skewed ids", rows: 1300, vocabSize: 40, width: 32, share: 0.6 },
  { name: "a multiplier", rows: 200, vocabSize: 19, width: 7, share: 0.5, scale: -12 },
  { name: "a multiplier in vectors", rows: 200, vocabSize: 30, width: 8, share: 0.5, scale: 5.65685424949238 },
  { name: "one id alone", rows: 1000, vocabSize: 300, width: 8, share: 1 },
];

describe.each(["software", "hardware"])("the %s form of the embedding agrees with the definition", (form) => {
  const device = () => (form === "hardware" ? asHardware(holder.gpu) : holder.gpu);

  // In software the hardware form takes seconds a shape to compile.
  it.each(form === "hardware" ? cases.slice(-3) : cases)(
    "$name: R$rows-V$vocabSize-D$width",
    async ({ rows, vocabSize, width, share, scale = 1 }) => {
      const gpu = device();
      const ids = skewed(rows, vocabSize, share);
      const tokens = createTokenBuffers(gpu, rows, vocabSize);
      // The buffers serve every step: what an earlier one left must not show.
      uploadTokens(gpu, tokens, new Uint32Array(rows));
      uploadTokens(gpu, tokens, ids);
      const table = input([vocabSize, width], 1);
      await checkOp(gpu, {
        inputs: { table },
        build: (tape, { table }) => embedding(tape, tokens, table, scale),
        reference: ({ table }) => gather(ids, table, width).map((value) => scale * value),
      });
      // The gradient is a sum with few terms in float64.
      const upstream = (shape: readonly number[]) => random(shape, 5);
      const dy = upstream([rows, width]);
      for (const before of [false, true]) {
        const run = () =>
          runOp(
            gpu,
            { table },
            (tape, { table }) => {
              if (before) tape.recorder.copy(table, tape.gradientOf(table).gradient);
              return embedding(tape, tokens, table, scale);
            },
            upstream,
          );
        const expected = Float64Array.from(table.values, (value) => (before ? value : 0));
        for (const [i, value] of dy.entries())
          expected[ids[Math.floor(i / width)] * width + (i % width)] += scale * value;
        const { gradients } = await run();
        expectClose("gradient of table", gradients.table, expected, 1e-6);
        expect((await run()).gradients.table, "the same bits again").toEqual(gradients.table);
      }
    },
  );
});

describe("uploadTokens", () => {
  it("names a token that is not in the vocabulary", () => {
    const tokens = createTokenBuffers(holder.gpu, 3, 256);
    expect(() => uploadTokens(holder.gpu, tokens, Uint32Array.of(1, 256, 3))).toThrow(
      "Token 1 has id 256, but the vocabulary has 256 entries (0 to 255)",
    );
  });

  it("wants a whole step of tokens", () => {
    const tokens = createTokenBuffers(holder.gpu, 3, 256);
    expect(() => uploadTokens(holder.gpu, tokens, Uint32Array.of(1))).toThrow("takes 3 tokens a step, not 1");
  });
});
