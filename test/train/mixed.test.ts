import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KNOWN, known } from "../../src/config/known/index.js";
import { batchAt } from "../../src/data/batches.js";
import { download, upload } from "../../src/gpu/arena.js";
import { initialValues } from "../../src/model/initialise.js";
import { readLossScale } from "../../src/ops/loss-scale.js";
import { CheckpointFolder } from "../../src/train/checkpoint.node.js";
import { TrainStep } from "../../src/train/step.js";
import { Stopped, train } from "../../src/train/trainer.js";
import type { TrainSpec } from "../../src/train/types.js";
import { tinyDataset, tinySpec } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();

const mixed = (pattern: string, steps: number): TrainSpec => ({ ...tinySpec(pattern, steps), precision: "mixed" });
/** One of each family: the others differ in their dimensions. */
const names = KNOWN.filter((model, i) => KNOWN.findIndex(({ family }) => family === model.family) === i).map(
  ({ name }) => name,
);

/** Losses and gradient norms of a few steps on one batch, at a constant rate. */
async function steps(spec: TrainSpec, count: number): Promise<{ losses: number[]; norms: number[] }> {
  const { gpu } = holder;
  const step = new TrainStep(gpu, spec);
  step.parameters.load(initialValues(step.parameters, spec.seed));
  const ids = Uint32Array.from({ length: 42 }, (_, i) => (i * i + 3 * i) % spec.config.vocabSize);
  const batch = { inputs: ids, targets: Uint32Array.of(...ids.subarray(1), 0) };
  const [losses, norms]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    step.run(batch, i, 1e-3);
    losses.push((await download(gpu, step.loss))[0]);
    norms.push((await download(gpu, step.norm))[0]);
  }
  step.destroy();
  return { losses, norms };
}

/** Where there is no f16, mixed precision is f32, which trainer.test.ts tests. */
const needsHalves = (skip: (why: string) => void) => {
  if (!holder.gpu.has("shader-f16")) skip("this adapter has no f16");
};

describe("mixed precision", () => {
  it.each(names)("follows f32 with %s, tiny", async (name) => {
    const config = known(name, { tiny: true });
    const spec = { ...tinySpec("T", 4), config, batch: { sequences: 2, length: 21 } };
    const exact = await steps(spec, 4);
    const half = await steps({ ...spec, precision: "mixed" }, 4);
    for (const [i, loss] of exact.losses.entries()) {
      // AdamW makes steps of one length of gradients near zero, whose signs differ: later norms drift apart.
      const most = i === 0 ? 0.01 : 0.15;
      const norms = `norm ${half.norms[i]} beside ${exact.norms[i]} at step ${i}`;
      expect(Math.abs(half.losses[i] - loss), `loss ${half.losses[i]} beside ${loss}`).toBeLessThan(5e-3);
      expect(Math.abs(half.norms[i] / exact.norms[i] - 1), norms).toBeLessThan(most);
    }
    if (holder.gpu.has("shader-f16")) expect(half.losses).not.toEqual(exact.losses);
    else expect(half).toEqual(exact);
  });

  it("skips a step whose gradients do not fit, halves the scale, and goes on", async ({ skip }) => {
    needsHalves(skip);
    const { gpu } = holder;
    const spec = mixed("M", 4);
    const step = new TrainStep(gpu, spec);
    const values = initialValues(step.parameters, spec.seed);
    step.parameters.load(values);
    const batch = batchAt(tinyDataset().train, { seed: spec.seed, step: 0, ...spec.batch });
    upload(gpu, step.lossScale!, Float32Array.of(2 ** 60, 5, 0, 0));
    step.run(batch, 0, 1e-3);
    expect(await readLossScale(gpu, step.lossScale!)).toEqual({ scale: 2 ** 59, skipped: 1 });
    expect(Array.from(await download(gpu, step.parameters.values))).toEqual(Array.from(values));
    upload(gpu, step.lossScale!, Float32Array.of(2 ** 10, 1999, 1, 0));
    step.run(batch, 1, 1e-3);
    expect(await readLossScale(gpu, step.lossScale!)).toEqual({ scale: 2 ** 11, skipped: 1 });
    expect(Array.from(await download(gpu, step.parameters.values))).not.toEqual(Array.from(values));
    step.destroy();
  });

  it("goes on after a stop with the bits of a run that was never stopped", async ({ skip }) => {
    needsHalves(skip);
    const folder = mkdtempSync(join(tmpdir(), "braid-checkpoints-"));
    const spec = mixed("MT", 6);
    const run = async (options: Parameters<typeof train>[3] = {}) => {
      let weights: number[] = [];
      const result = await train(holder.gpu, spec, tinyDataset(), {
        ...options,
        onFinish: async (step) => {
          weights = Array.from(await download(holder.gpu, step.parameters.values));
        },
      });
      return { result, weights };
    };
    const whole = await run();
    expect(whole.result.lossScale).toEqual({ scale: 2 ** 16, skipped: 0 });
    const stop = new AbortController();
    const checkpoints = new CheckpointFolder(folder, spec);
    const onProgress = ({ step }: { step: number }) => step >= 2 && stop.abort();
    await expect(run({ checkpoints, checkpointEvery: 2, signal: stop.signal, onProgress })).rejects.toThrow(Stopped);
    expect((await checkpoints.load())!.lossScale![1], "finite steps so far").toBeGreaterThan(0);
    expect((await run({ checkpoints })).weights).toEqual(whole.weights);
    rmSync(folder, { recursive: true });
  });
});
