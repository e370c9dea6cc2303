import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom, upload } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { sizeOf } from "../../src/gpu/tensor.js";
import { type AttentionOptions, attention } from "../../src/ops/attention.js";
import { attentionStep, createKvCache } from "../../src/ops/attention-decode.js";
import { Tape } from "../../src/ops/tape.js";
import { referenceAttention } from "../reference/attention.js";
import { asHardware, expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

/** Rows first..last-1 of every sequence of a [B, length, width] array. */
const cut = (values: Float32Array, length: number, width: number, first: number, last: number) =>
  values.filter((_, i) => {
    const t = Math.floor(i / width) % length;
    return t >= first && t < last;
  }) as Float32Array<ArrayBuffer>;

interface Run {
  /** Tokens fed at once, by `attention`. */
  prompt: number;
  /** Tokens a step of the rest, all by one recorded step. */
  chunk?: number;
  capacity: number;
}

/** The outputs of all tokens, o [B, T, heads*valueDim]. */
async function generate(
  gpu: Gpu,
  values: Float32Array,
  options: AttentionOptions,
  { prompt, chunk = 1, capacity }: Run,
) {
  const { batch, length, heads, kvHeads, headDim, valueHeads = kvHeads, valueDim = headDim } = options;
  const [width, outWidth] = [(heads + kvHeads) * headDim + valueHeads * valueDim, heads * valueDim];
  const cache = createKvCache(gpu, { ...options, capacity });
  // What is not filled yet must not matter.
  for (const tensor of [cache.k, cache.v]) upload(gpu, tensor, new Float32Array(sizeOf(tensor)).fill(Number.NaN));
  const all = new Float32Array(batch * length * outWidth);
  const put = (rows: Float32Array, first: number, count: number) => {
    for (let b = 0; b < batch; b++) {
      const part = rows.subarray(b * count * outWidth, (b + 1) * count * outWidth);
      all.set(part, (b * length + first) * outWidth);
    }
  };
  if (prompt > 0) {
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
    const qkv = tensorFrom(gpu, [batch * prompt, width], "qkv", cut(values, length, width, 0, prompt));
    const o = attention(tape, qkv, { ...options, length: prompt, cache });
    tape.recorder.submit();
    put(await download(gpu, o), 0, prompt);
  }
  const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
  const qkv = tensorFrom(gpu, [batch * chunk, width], "qkv");
  const position = tensorFrom(gpu, [1], "position");
  const o = attentionStep(tape, qkv, position, cache, { ...options, length: chunk });
  for (let t = prompt; t < length; t += chunk) {
    upload(gpu, qkv, cut(values, length, width, t, t + chunk));
    upload(gpu, position, Uint32Array.of(t));
    tape.recorder.submit();
    put(await download(gpu, o), t, chunk);
  }
  return all;
}

const shape = (batch: number, heads: number, kvHeads: number, headDim: number) => ({ batch, heads, kvHeads, headDim });
const rope = { theta: 10000 };
const valuesFor = (options: AttentionOptions) => {
  const { batch, length, heads, kvHeads, headDim, valueHeads = kvHeads, valueDim = headDim } = options;
  return random([batch * length, (heads + kvHeads) * headDim + valueHeads * valueDim], 3, 2);
};

describe("attention step by step, and after a prompt, equals the evaluation at once", () => {
  it.each([
    ["B2-T20-H4-K2-D8", { ...shape(2, 4, 2, 8), length: 20, rope, window: null }, [0, 7, 19]],
    ["B1-T12-H1-K1-D4-NoPE", { ...shape(1, 1, 1, 4), length: 12, rope: null, window: null }, [0, 3]],
    ["B2-T75-H2-K1-D20", { ...shape(2, 2, 1, 20), length: 75, rope, window: null }, [0, 60]],
    ["B3-T70-H6-K2-D32-W16+3", { ...shape(3, 6, 2, 32), length: 70, rope, window: { size: 16, sink: 3 } }, [0, 66]],
    ["B1-T30-H2-K2-D128-W8+0", { ...shape(1, 2, 2, 128), length: 30, rope, window: { size: 8, sink: 0 } }, [5]],
    ["B1-T40-H1-K1-D64-W1+30", { ...shape(1, 1, 1, 64), length: 40, rope, window: { size: 1, sink: 30 } }, [0, 33]],
    [
      "B2-T40-H4-K4-D12-V2x32, slow turns of 8, scale 0.3",
      {
        ...{ ...shape(2, 4, 4, 12), length: 40, valueHeads: 2, valueDim: 32, scale: 0.3, window: null },
        rope: { ...rope, dim: 8, scaling: { factor: 4, lowFrequency: 1, highFrequency: 4, originalContext: 64 } },
      },
      [0, 30],
    ],
    ["B1-T9-H2-K1-D160", { ...shape(1, 2, 1, 160), length: 9, rope, window: null }, [0]],
    [
      "B1-T9-H2-K2-D256-V1x12",
      { ...shape(1, 2, 2, 256), length: 9, valueHeads: 1, valueDim: 12, rope, window: null },
      [0],
    ],
    ["B1-T9-H2-K2-D4-V2x256", { ...shape(1, 2, 2, 4), length: 9, valueDim: 256, rope: null, window: null }, [0]],
  ] as [string, AttentionOptions, number[]][])("%s", async (_, options, prompts) => {
    const values = valuesFor(options);
    const expected = referenceAttention(Float64Array.from(values), options);
    for (const prompt of prompts) {
      const o = await generate(holder.gpu, values, options, { prompt, capacity: options.length + 5 });
      expectClose(`after a prompt of ${prompt}`, o, expected, 1e-5);
    }
  });

  it.each([
    ["B2-T20-H4-K2-D8", { ...shape(2, 4, 2, 8), length: 20, rope, window: null }, 0, 5],
    ["B2-T75-H2-K1-D20, after a prompt", { ...shape(2, 2, 1, 20), length: 75, rope, window: null }, 8, 67],
    ["B3-T70-H6-K2-D32-W16+3", { ...shape(3, 6, 2, 32), length: 70, rope, window: { size: 16, sink: 3 } }, 4, 33],
    [
      "B2-T39-H4-K4-D12-V2x32, 4 elements turning",
      {
        ...{ ...shape(2, 4, 4, 12), length: 39, valueHeads: 2, valueDim: 32 },
        ...{ rope: { ...rope, dim: 4 }, window: { size: 5, sink: 0 } },
      },
      12,
      9,
    ],
  ] as [string, AttentionOptions, number, number][])("%s, many tokens a step", async (_, options, prompt, chunk) => {
    const values = valuesFor(options);
    const o = await generate(holder.gpu, values, options, { prompt, chunk, capacity: options.length });
    expectClose("output", o, referenceAttention(Float64Array.from(values), options), 1e-5);
  });

  it.each([
    ["B2-T140-H4-K2-D8", { ...shape(2, 4, 2, 8), length: 140, rope, window: null }, 0, 70],
    [
      "B1-T179-H2-K2-D8-V1x12-W30+9",
      { ...shape(1, 2, 2, 8), length: 179, valueHeads: 1, valueDim: 12, rope, window: { size: 30, sink: 9 } },
      47,
      66,
    ],
  ] as [string, AttentionOptions, number, number][])(
    "%s, many tokens a step, in tiles",
    async (_, options, prompt, chunk) => {
      const values = valuesFor(options);
      const o = await generate(asHardware(holder.gpu), values, options, {
        prompt,
        chunk,
        capacity: options.length + 3,
      });
      expectClose("output", o, referenceAttention(Float64Array.from(values), options), 1e-5);
    },
  );

  it.each([
    [null, 1],
    [{ size: 300, sink: 70 }, 1],
    [null, 5],
  ])("with the keys split over parts, window %o, %i tokens a step", async (window, chunk) => {
    const options: AttentionOptions = { ...shape(1, 2, 1, 16), length: 600, rope, window };
    const values = valuesFor(options);
    const expected = referenceAttention(Float64Array.from(values), options);
    const o = await generate(asHardware(holder.gpu), values, options, { prompt: 580, chunk, capacity: 1000 });
    expectClose("output", o, expected, 1e-5);
  });
});

describe("decoding refuses", () => {
  const options: AttentionOptions = { ...shape(1, 2, 1, 8), length: 9, rope, window: null };
  it("a prompt longer than the cache", async () => {
    const run = generate(holder.gpu, random([9, 32], 1), options, { prompt: 9, capacity: 8 });
    await expect(run).rejects.toThrow("A prompt of 9 tokens does not fit a key-value cache of 8 positions.");
  });
  it("a cache of another shape", () => {
    const { gpu } = holder;
    const cache = createKvCache(gpu, { batch: 2, capacity: 8, kvHeads: 1, headDim: 8 });
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
    const [qkv, position] = [tensorFrom(gpu, [1, 32], "qkv"), tensorFrom(gpu, [1], "position")];
    const one = { ...options, length: 1 };
    expect(() => attentionStep(tape, qkv, position, cache, one)).toThrow("does not serve 1 sequences");
    const wide = createKvCache(gpu, { batch: 1, capacity: 8, kvHeads: 1, headDim: 8, valueDim: 16 });
    expect(() => attentionStep(tape, qkv, position, wide, one)).toThrow("values of 16 a token");
    const small = createKvCache(gpu, { batch: 1, capacity: 8, kvHeads: 1, headDim: 8 });
    const rows = tensorFrom(gpu, [9, 32], "qkv");
    expect(() => attentionStep(tape, rows, position, small, options)).toThrow("A step of 9 tokens does not fit");
  });
});
