import { describe, expect, it } from "vitest";
import { alternate, type Contender, gpuBurst, median, timingOf } from "../../src/bench/timing.js";
import type { Gpu } from "../../src/gpu/gpu.js";

describe("the median", () => {
  it("is the middle one, or lies between the middle two", () => {
    expect([median([3]), median([9, 1, 2]), median([4, 1, 3, 2])]).toEqual([3, 2, 2.5]);
    expect(() => median([])).toThrow("no median of nothing");
  });

  it("of bursts is that of their seconds a repetition", () => {
    const bursts = [1, 4, 2].map((each) => ({ repetitions: 10, seconds: 10 * each }));
    expect(timingOf(bursts)).toEqual({ median: 2, least: 1, most: 4 });
  });
});

describe("contenders", () => {
  it("take turns", async () => {
    const turns: string[] = [];
    const contender = (name: string, each: number): Contender => ({
      name,
      burst: async (seconds) => {
        turns.push(`${name} ${seconds}`);
        return { repetitions: 2, seconds: 2 * each };
      },
    });
    const timings = await alternate([contender("a", 1), contender("b", 3)], { repeats: 3, seconds: 0.5 });
    expect(turns).toEqual(["a 0.5", "b 0.5", "a 0.5", "b 0.5", "a 0.5", "b 0.5"]);
    expect(timings.map((timing) => timing.median)).toEqual([1, 3]);
  });
});

describe("a burst on a device", () => {
  it("counts what was submitted bar the first, and lasts as long as asked", async () => {
    let [submitted, waits] = [0, 0];
    const idle = async () => {
      waits++;
      await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const burst = await gpuBurst({ idle } as Gpu, () => submitted++, 0.05);
    expect(burst.repetitions).toBe(submitted - 1);
    expect(burst.seconds).toBeGreaterThanOrEqual(0.05);
    // Several are submitted before each wait.
    expect(waits).toBeLessThan(submitted);
  });
});
