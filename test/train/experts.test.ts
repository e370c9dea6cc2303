import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withExperts } from "../../src/config/experts.js";
import { parseConfig } from "../../src/config/schema.js";
import { download } from "../../src/gpu/arena.js";
import { CheckpointFolder } from "../../src/train/checkpoint.node.js";
import { train } from "../../src/train/trainer.js";
import type { TrainSpec } from "../../src/train/types.js";
import { tinyConfig, tinyDataset, tinySpec } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const steps = 14;

function spec(step: number): TrainSpec {
  const config = withExperts(tinyConfig("T"), { shared: 1, routed: 4, topK: 1 });
  return { ...tinySpec("T", steps), config: parseConfig({ ...config, moe: { ...config.moe, balance: { step } } }) };
}

/** Trains and gives the result with the expert bias. */
async function trained(step: number) {
  let bias = new Float32Array();
  const result = await train(holder.gpu, spec(step), tinyDataset(), {
    onFinish: async ({ parameters }) => {
      bias = (await download(holder.gpu, parameters.get("model.layers.0.mlp.expert_bias"))) as typeof bias;
    },
  });
  return { result, bias: [...bias] };
}

const worst = (load: number[]) => Math.max(...load) * load.length;

describe("training with experts", () => {
  it("records every router's load and entropy, and balances the load by the bias", async () => {
    const free = await trained(0);
    const balanced = await trained(0.02);
    for (const { result } of [free, balanced]) {
      expect(result.routers!.map(({ layer }) => layer)).toEqual([0]);
      for (const { load, entropy } of result.routers!) {
        expect(load).toHaveLength(4);
        expect(load.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
        expect(entropy).toBeGreaterThan(0);
        expect(entropy).toBeLessThanOrEqual(Math.log(4) + 1e-6);
      }
      expect(result.trainLoss).toBeLessThan(result.curve[0].train);
    }
    expect(free.bias, "a step of 0 leaves the bias as it is").toEqual([0, 0, 0, 0]);
    expect(balanced.bias.some((value) => value > 0.01) && balanced.bias.some((value) => value < -0.01)).toBe(true);
    const [without, with_] = [free, balanced].map(({ result }) => worst(result.routers![0].load));
    expect(with_, `most loaded expert: ${with_} times its share, ${without} without balancing`).toBeLessThan(without);
  });

  it("reports the routers of a run that is taken up after its last step", async () => {
    const folder = mkdtempSync(join(tmpdir(), "braid-experts-"));
    try {
      const checkpoints = new CheckpointFolder(folder, spec(0.02));
      const take = () => train(holder.gpu, spec(0.02), tinyDataset(), { checkpoints });
      const whole = await take();
      expect(whole.routers).toHaveLength(1);
      expect((await take()).routers).toEqual(whole.routers);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has no routers to report for dense models", async () => {
    const result = await train(holder.gpu, tinySpec("T", 2), tinyDataset());
    expect(result.routers).toBeUndefined();
  });
});
