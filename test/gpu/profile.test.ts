import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Profile } from "../../src/gpu/profile.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { matmul, matrix } from "../../src/ops/matmul.js";
import { random, useGpu } from "../ops/harness.js";

const holder = useGpu();

function products(counts: Record<string, number>, n = 32) {
  const { gpu } = holder;
  const recorder = new Recorder(gpu);
  const a = matrix(tensorFrom(gpu, [n, n], "a", random([n, n], 1)));
  const c = tensorFrom(gpu, [n, n], "c", random([n, n], 2));
  for (const [label, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) {
      matmul(recorder, new Arena(gpu), { a, b: a, c: matrix(c), accumulate: true, label });
    }
  }
  return { recorder, c };
}

describe("a profile", () => {
  it("adds up the dispatches of a label, and changes no result", async (context) => {
    const { gpu } = holder;
    if (!gpu.has("timestamp-query")) return context.skip();
    const [plain, timed] = [products({ qk: 3, ffn: 2 }), products({ qk: 3, ffn: 2 })];
    plain.recorder.submit();
    const profile = new Profile(gpu);
    const start = performance.now();
    timed.recorder.submit(profile);
    const rows = await profile.rows();
    const wall = performance.now() - start;
    expect(Object.fromEntries(rows.map(({ label, dispatches }) => [label, dispatches]))).toEqual({ qk: 3, ffn: 2 });
    const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(wall);
    expect(rows[0].milliseconds).toBeGreaterThanOrEqual(rows[1].milliseconds);
    expect(await download(gpu, timed.c)).toEqual(await download(gpu, plain.c));
  });

  it("takes more dispatches than one query set holds", async (context) => {
    const { gpu } = holder;
    if (!gpu.has("timestamp-query")) return context.skip();
    const { recorder } = products({ many: 2100 }, 4);
    const profile = new Profile(gpu);
    recorder.submit(profile);
    // Each product of 4 × 4 reads two matrices, and reads and writes the one that it adds to.
    const work = { flops: 2100 * 2 * 4 ** 3, bytes: 2100 * 4 * 64 };
    expect(await profile.rows()).toEqual([
      { label: "many", dispatches: 2100, milliseconds: expect.any(Number), ...work },
    ]);
  });

  it("is refused where the adapter has no timestamps", () => {
    const without = Object.create(holder.gpu, { has: { value: () => false } });
    expect(() => new Profile(without)).toThrow("This adapter has no timestamp queries, so it can't be profiled.");
  });
});
