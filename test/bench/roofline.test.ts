import { describe, expect, it } from "vitest";
import { kernelRates, leastTime, roofOf } from "../../src/bench/roofline.js";
import { TrainContender } from "../../src/bench/train.js";
import { visiblePairs } from "../../src/config/visible-pairs.js";
import { activeWeights } from "../../src/cost/cost.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const rate = (precision: "f32" | "mixed", gflops: number) => ({
  precision,
  size: 512,
  gflops,
  milliseconds: 1,
  error: 0,
});

describe("the roof", () => {
  const ceilings = {
    copy: { bytes: 1, gigabytes: 10 },
    f32: [rate("f32", 20), rate("f32", 40)],
    mixed: [rate("mixed", 100)],
  };

  it("is the best product of the precision, and the copy", () => {
    expect(roofOf(ceilings, "f32")).toEqual({ gflops: 40, gigabytes: 10 });
    expect(roofOf(ceilings, "mixed")).toEqual({ gflops: 100, gigabytes: 10 });
    expect(roofOf({ ...ceilings, mixed: [] }, "mixed")).toEqual({ gflops: 40, gigabytes: 10 });
  });

  it("bounds by products or by bytes, whichever take longer", () => {
    const roof = { gflops: 40, gigabytes: 10 };
    expect(leastTime({ flops: 80e6, bytes: 1e6 }, roof)).toBe(2);
    expect(leastTime({ flops: 0, bytes: 30e6 }, roof)).toBe(3);
    const rows = [
      { label: "ffn", dispatches: 2, milliseconds: 4, flops: 80e6, bytes: 1e6 },
      { label: "norm", dispatches: 1, milliseconds: 12, flops: 0, bytes: 30e6 },
    ];
    expect(kernelRates(rows, roof)).toEqual([
      { ...rows[0], share: 0.25, gflopsPerSecond: 20, gigabytesPerSecond: 0.25, roofline: 0.5 },
      { ...rows[1], share: 0.75, gflopsPerSecond: 0, gigabytesPerSecond: 2.5, roofline: 0.25 },
    ]);
  });
});

describe("the work of a recorded step", () => {
  it("is that of the model's products", async (context) => {
    if (!holder.gpu.has("timestamp-query")) return context.skip();
    const config = tinyConfig("T");
    const batch = { sequences: 2, length: 24 };
    const contender = await TrainContender.open(holder.gpu, { name: "T", config, batch, precision: "f32" });
    const rows = await contender.profile();
    contender.destroy();
    const tokens = batch.sequences * batch.length;
    // Attention's gradients compute its scores twice more: 5 products along keys and 4 along values, forward and backward.
    const pairs = batch.sequences * config.attention!.heads * visiblePairs(batch.length, batch.length);
    const expected = 6 * (activeWeights(config) + config.vocabSize * config.dModel) * tokens + 2 * pairs * 9 * 8;
    expect(rows.reduce((sum, { flops }) => sum + flops, 0)).toBe(expected);
    const adamw = rows.find(({ label }) => label === "adamw")!;
    // Weights, gradients and two moments: seven passes, and a flag for each 64.
    expect(adamw.bytes / 4 / (7 + 1 / 64)).toBe(contender.bytes.parameters / 16);
  });

  it("of the scan counts causal pairs of each chunk", async (context) => {
    if (!holder.gpu.has("timestamp-query")) return context.skip();
    const config = tinyConfig("M");
    const { dSsm, dState, groups } = config.ssm!;
    const batch = { sequences: 2, length: 24 };
    const contender = await TrainContender.open(holder.gpu, { name: "M", config, batch, precision: "f32" });
    const rows = await contender.profile();
    contender.destroy();
    const flops = (label: string) => rows.find((row) => row.label === label)!.flops;
    // Chunks of 16 and of 8 tokens.
    const pairs = 2 * ((16 * 17) / 2 + (8 * 9) / 2);
    const through = 2 * 48 * dSsm * dState;
    // Forward and again backward.
    expect(flops("ssd/scores")).toBe(2 * 2 * pairs * groups * dState);
    expect(flops("ssd/states")).toBe(through);
    expect(flops("ssd/output")).toBe(through + 2 * pairs * dSsm);
    expect(flops("ssd/dC")).toBe(through + 2 * pairs * groups * dState);
  });
});
