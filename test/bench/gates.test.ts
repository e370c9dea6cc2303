import { describe, expect, it } from "vitest";
import { copyRate } from "../../src/bench/copy.js";
import { decodeRates } from "../../src/bench/decode.js";
import { checkAgreement, checkLogits, checkLosses } from "../../src/bench/gates.js";
import { TrainContender } from "../../src/bench/train.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();

/** The same device, but what is read from it is changed on the way. */
function lying(change: (values: Float32Array) => void): Gpu {
  const read = async (...args: Parameters<Gpu["read"]>) => {
    const bytes = await holder.gpu.read(...args);
    change(new Float32Array(bytes));
    return bytes;
  };
  return Object.create(holder.gpu, { read: { value: read } });
}

describe("losses", () => {
  it("have to be finite and to fall", () => {
    expect(() => checkLosses("inter in f32", [5.5, 5.6, 5.2])).not.toThrow();
    expect(() => checkLosses("inter in f32", [5.5, 5.2, 5.5])).toThrow(
      "The losses of inter in f32 do not fall on a batch that it sees again and again (5.500, 5.200, 5.500): a kernel or the driver is at fault; nothing was timed.",
    );
    expect(() => checkLosses("inter in f32", [5.5, Number.NaN])).toThrow("are not finite (5.500, NaN)");
  });

  it("are looked at before a model is timed", async () => {
    const model = {
      name: "tiny",
      config: tinyConfig("T"),
      batch: { sequences: 2, length: 16 },
      precision: "f32",
    } as const;
    const opened = (change: (values: Float32Array) => void) => TrainContender.open(lying(change), model);
    await expect(opened((values) => values.fill(Number.NaN))).rejects.toThrow(
      "The losses of tiny in f32 are not finite",
    );
    await expect(opened((values) => values.fill(5))).rejects.toThrow("do not fall");
  });

  it("of mixed precision begin where those of f32 do", async () => {
    const exact = { loss: 5.55, norm: 2 };
    expect(() => checkAgreement("inter in mixed", { loss: 5.551, norm: 2.01 }, exact)).not.toThrow();
    expect(() => checkAgreement("inter in mixed", { loss: 5.6, norm: 2 }, exact)).toThrow(
      "The first step of inter in mixed has loss 5.6000 and gradient norm 2.000, but in f32 5.5500 and 2.000; nothing was timed.",
    );
    expect(() => checkAgreement("inter in mixed", { loss: 5.55, norm: 2.2 }, exact)).toThrow("gradient norm 2.200");
    expect(() => checkAgreement("inter in mixed", { loss: Number.NaN, norm: 2 }, exact)).toThrow("loss NaN");
  });
});

describe("a copy", () => {
  it("is refused when one element is wrong", async () => {
    const wrong = lying((values) => {
      values[12_345] = 0.5;
    });
    const small = Object.create(wrong, {
      limits: { value: { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 } },
    });
    await expect(copyRate(small)).rejects.toThrow("A kernel that copies 1048576 bytes gets element 12345 wrong");
    const right = Object.create(holder.gpu, {
      limits: { value: { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 } },
    });
    expect(await copyRate(right, { repeats: 1, seconds: 0 })).toMatchObject({
      bytes: 2 ** 20,
      gigabytes: expect.any(Number),
    });
  });
});

describe("decoding", () => {
  const options = { batches: [1, 3], prompts: [5], tokens: 2, repeats: 1 };

  it("is timed for each batch and prompt", async () => {
    const config = tinyConfig("MT");
    const rates = await decodeRates(holder.gpu, { name: "tiny", config }, options);
    expect(rates.map(({ batch, prompt }) => [batch, prompt])).toEqual([
      [1, 5],
      [3, 5],
    ]);
    expect(rates[1].cacheBytes).toBe(3 * rates[0].cacheBytes);
    for (const rate of rates)
      expect(rate.decodeTokensPerSecond).toBeCloseTo((1000 * rate.batch) / rate.millisecondsPerToken, 6);
  });

  it("is refused when caches give other logits", async () => {
    expect(() => checkLogits("tiny", Float32Array.of(1, 2), Float32Array.of(1, 2.1))).toThrow(
      /^Decoding tiny from its caches gives other logits than evaluating the whole text \(error 0\.043\); nothing was timed\.$/,
    );
    let reads = 0;
    // The first read is the whole text's.
    const wrong = lying((values) => {
      if (reads++ === 3) values[0] += 1;
    });
    await expect(decodeRates(wrong, { name: "tiny", config: tinyConfig("M") }, options)).rejects.toThrow(
      "Decoding tiny from its caches",
    );
  });
});
