import { describe, expect, it } from "vitest";
import { download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { ropeTable, rotate } from "../../src/ops/rope.js";
import { checkRope, type Rope, ropeFrequencies } from "../../src/ops/rope-frequencies.js";
import { turned } from "../reference/rope.js";
import { expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

describe("rope", () => {
  const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 64 };
  it.each([
    ["B1-T1-H1-D4", 1, 1, 1, 4, {}],
    ["B2-T37-H3-D12", 2, 37, 3, 12, {}],
    ["B2-T70-H6-D32", 2, 70, 6, 32, {}],
    ["B1-T5-H2-D128", 1, 5, 2, 128, {}],
    ["B2-T9-H3-D12, of each head 4", 2, 9, 3, 12, { dim: 4 }],
    ["B2-T70-H2-D32, of each head 16, slowed down", 2, 70, 2, 32, { dim: 16, scaling }],
  ])("%s turns the first heads as Llama does, and back", async (_, batch, length, heads, headDim, more) => {
    const rope: Rope = { theta: 500000, ...more };
    const { gpu } = holder;
    // One more head that stays, as the values' do.
    const width = (heads + 1) * headDim;
    const values = random([batch * length, width], 1);
    const x = tensorFrom(gpu, [batch * length, width], "x", values);
    const options = { ...rope, headDim, length, heads };
    const recorder = new Recorder(gpu);
    rotate(recorder, x, options);
    recorder.submit();
    const expected = Float64Array.from(values);
    for (let row = 0; row < batch * length; row++) {
      for (let h = 0; h < heads; h++) {
        const at = row * width + h * headDim;
        expected.set(turned(expected.slice(at, at + headDim), row % length, rope), at);
      }
    }
    expectClose("turned", await download(gpu, x), expected, 1e-6);
    const back = new Recorder(gpu);
    rotate(back, x, { ...options, inverse: true });
    back.submit();
    expectClose("turned back", await download(gpu, x), values, 1e-6);
  });

  it("has exact angles at positions of tens of thousands", async () => {
    const table = await download(holder.gpu, ropeTable(holder.gpu, { theta: 10000, headDim: 8 }, 32768));
    const [t, i] = [32767, 1];
    const angle = t * 10000 ** (-2 / 8);
    expect(table[(t * 4 + i) * 2]).toBe(Math.fround(Math.cos(angle)));
    expect(table[(t * 4 + i) * 2 + 1]).toBe(Math.fround(Math.sin(angle)));
  });

  it("keeps one table for all shorter lengths", () => {
    const options = { theta: 10000, headDim: 8 };
    const long = ropeTable(holder.gpu, options, 100);
    expect(ropeTable(holder.gpu, options, 50)).toBe(long);
    expect(ropeTable(holder.gpu, { ...options, theta: 500000 }, 50)).not.toBe(long);
    expect(ropeTable(holder.gpu, { ...options, dim: 4 }, 50)).not.toBe(long);
    const slowed = ropeTable(holder.gpu, { ...options, scaling }, 100);
    expect(slowed).not.toBe(long);
    for (const name of Object.keys(scaling) as (keyof typeof scaling)[]) {
      const other = { ...options, scaling: { ...scaling, [name]: scaling[name] + 0.5 } };
      expect(ropeTable(holder.gpu, other, 50)).not.toBe(slowed);
    }
  });
});

describe("rope frequencies", () => {
  // inv_freq of transformers 5.17's `_compute_llama3_parameters`, which computes in f32.
  const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 512 };
  const llama32 = { factor: 32, lowFrequency: 1, highFrequency: 4, originalContext: 8192 };
  it.each([
    [
      "Llama 3.2 1B, pairs 0, 1, 14-17 and 31",
      { theta: 500000, scaling: llama32 },
      64,
      [0, 1, 14, 15, 16, 17, 31],
      [
        1.0, 0.663601279258728, 0.0032114461064338684, 0.0012905480107292533, 0.000429556705057621,
        9.708286233944818e-5, 9.418306490260875e-8,
      ],
    ],
    [
      "a short context",
      { theta: 10000, scaling },
      16,
      [0, 1, 2, 3, 4, 5, 6, 7],
      [
        1.0, 0.3162277638912201, 0.10000000149011612, 0.01849667727947235, 0.0012499999720603228,
        0.00039528473280370235, 0.0001250000059371814, 3.9528473280370235e-5,
      ],
    ],
  ])("are those of transformers for %s", (_, rope, dim, pairs, expected) => {
    const found = ropeFrequencies(rope, dim);
    expect(found).toHaveLength(dim / 2);
    for (const [n, i] of pairs.entries()) expect(Math.abs(found[i] / expected[n] - 1)).toBeLessThan(1e-6);
  });

  it.each([
    [{ theta: 0 }, "rope.theta must be positive, not 0"],
    [{ theta: 1e4, dim: 36 }, "up to headDim (32), not 36"],
    [{ theta: 1e4, scaling: { ...scaling, highFrequency: 1 } }, "0 < lowFrequency < highFrequency"],
  ])("refuse %o", (rope, message) => {
    expect(() => checkRope(rope, 32)).toThrow(message);
  });
});
