import { describe, expect, it } from "vitest";
import { download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { ropeTable, rotate } from "../../src/ops/rope.js";
import { turned } from "../reference/attention.js";
import { expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();

describe("rope", () => {
  it.each([
    ["B1-T1-H1-D4", 1, 1, 1, 4],
    ["B2-T37-H3-D12", 2, 37, 3, 12],
    ["B2-T70-H6-D32", 2, 70, 6, 32],
    ["B1-T5-H2-D128", 1, 5, 2, 128],
  ])("%s turns the first heads as Llama does, and back", async (_, batch, length, heads, headDim) => {
    const { gpu } = holder;
    // One more head that stays, as the values' do.
    const width = (heads + 1) * headDim;
    const values = random([batch * length, width], 1);
    const x = tensorFrom(gpu, [batch * length, width], "x", values);
    const options = { theta: 500000, headDim, length, heads };
    const recorder = new Recorder(gpu);
    rotate(recorder, x, options);
    recorder.submit();
    const expected = Float64Array.from(values);
    for (let row = 0; row < batch * length; row++) {
      for (let h = 0; h < heads; h++) {
        const at = row * width + h * headDim;
        expected.set(turned(expected.slice(at, at + headDim), row % length, 500000), at);
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
  });
});
