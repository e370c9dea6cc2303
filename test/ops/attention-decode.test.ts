import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom, upload } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
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

/** Feeds `prompt` tokens at once and the others one by one, all through one recorded step; o [B, T, heads*headDim]. */
async function generate(gpu: Gpu, values: Float32Array, options: AttentionOptions, prompt: number, capacity: number) {
  const { batch, length, heads, kvHeads, headDim } = options;
  const [width, outWidth] = [(heads + 2 * kvHeads) * headDim, heads * headDim];
  const cache = createKvCache(gpu, { batch, capacity, kvHeads, headDim });
  // What is not filled yet must not matter.
  for (const tensor of [cache.k, cache.v])
    upload(gpu, tensor, new Float32Array(batch * capacity * kvHeads * headDim).fill(Number.NaN));
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
  const qkv = tensorFrom(gpu, [batch, width], "qkv");
  const position = tensorFrom(gpu, [1], "position");
  const o = attentionStep(tape, qkv, position, cache, options);
  for (let t = prompt; t < length; t++) {
    upload(gpu, qkv, cut(values, length, width, t, t + 1));
    upload(gpu, position, Uint32Array.of(t));
    tape.recorder.submit();
    put(await download(gpu, o), t, 1);
  }
  return all;
}

const shape = (batch: number, heads: number, kvHeads: number, headDim: number) => ({ batch, heads, kvHeads, headDim });
const rope = { theta: 10000 };

describe("attention step by step, and after a prompt, equals the evaluation at once", () => {
  it.each([
    ["B2-T20-H4-K2-D8", { ...shape(2, 4, 2, 8), length: 20, rope, window: null }, [0, 7, 19]],
    ["B1-T12-H1-K1-D4-NoPE", { ...shape(1, 1, 1, 4), length: 12, rope: null, window: null }, [0, 3]],
    ["B2-T75-H2-K1-D20", { ...shape(2, 2, 1, 20), length: 75, rope, window: null }, [0, 60]],
    ["B3-T70-H6-K2-D32-W16+3", { ...shape(3, 6, 2, 32), length: 70, rope, window: { size: 16, sink: 3 } }, [0, 66]],
    ["B1-T30-H2-K2-D128-W8+0", { ...shape(1, 2, 2, 128), length: 30, rope, window: { size: 8, sink: 0 } }, [5]],
    ["B1-T40-H1-K1-D64-W1+30", { ...shape(1, 1, 1, 64), length: 40, rope, window: { size: 1, sink: 30 } }, [0, 33]],
  ] as [string, AttentionOptions, number[]][])("%s", async (_, options, prompts) => {
    const { batch, length, heads, kvHeads, headDim } = options;
    const values = random([batch * length, (heads + 2 * kvHeads) * headDim], 3, 2);
    const expected = referenceAttention(Float64Array.from(values), options);
    for (const prompt of prompts) {
      const o = await generate(holder.gpu, values, options, prompt, length + 5);
      expectClose(`after a prompt of ${prompt}`, o, expected, 1e-5);
    }
  });

  it.each([null, { size: 300, sink: 70 }])("with the keys split over parts, window %o", async (window) => {
    const { gpu } = holder;
    const as: Gpu = asHardware(gpu);
    const options: AttentionOptions = { ...shape(1, 2, 1, 16), length: 600, rope, window };
    const values = random([600, 64], 3, 2);
    const expected = referenceAttention(Float64Array.from(values), options);
    const o = await generate(as, values, options, 580, 1000);
    expectClose("output", o, expected, 1e-5);
  });
});

describe("decoding refuses", () => {
  const options: AttentionOptions = { ...shape(1, 2, 1, 8), length: 9, rope, window: null };
  it("a prompt longer than the cache", async () => {
    const run = generate(holder.gpu, random([9, 32], 1), options, 9, 8);
    await expect(run).rejects.toThrow("A prompt of 9 tokens does not fit a key-value cache of 8 positions.");
  });
  it("a cache of another shape", () => {
    const { gpu } = holder;
    const cache = createKvCache(gpu, { batch: 2, capacity: 8, kvHeads: 1, headDim: 8 });
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
    const [qkv, position] = [tensorFrom(gpu, [1, 32], "qkv"), tensorFrom(gpu, [1], "position")];
    expect(() => attentionStep(tape, qkv, position, cache, options)).toThrow("does not serve 1 sequences");
  });
});
