import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { download } from "../../src/gpu/arena.js";
import { CheckpointFolder } from "../../src/train/checkpoint.node.js";
import { isDone, progressText, type TrainProgress } from "../../src/train/progress.js";
import { Stopped, type TrainOptions, train } from "../../src/train/trainer.js";
import type { TrainResult, TrainSpec } from "../../src/train/types.js";
import { tinyDataset, tinySpec } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();

async function trained(
  spec: TrainSpec,
  options: TrainOptions = {},
): Promise<{ result: TrainResult; weights: number[] }> {
  let weights: number[] = [];
  const result = await train(holder.gpu, spec, tinyDataset(), {
    ...options,
    onFinish: async (step) => {
      weights = Array.from(await download(holder.gpu, step.parameters.values));
    },
  });
  return { result, weights };
}

const losses = ({ curve }: TrainResult) => curve.map(({ step, train, validation }) => ({ step, train, validation }));

describe("train", () => {
  it("gives the same bits twice, and others with another seed", async () => {
    const spec = tinySpec("MTS", 6);
    const [first, second] = [await trained(spec), await trained(spec)];
    expect(second.weights).toEqual(first.weights);
    expect(losses(second.result)).toEqual(losses(first.result));
    expect((await trained({ ...spec, seed: 6 })).weights).not.toEqual(first.weights);
  });

  it("in mixed precision comes near to f32, and has its bits where the adapter has no f16", async () => {
    const spec = tinySpec("MT", 6);
    const [exact, mixed] = [await trained(spec), await trained({ ...spec, precision: "mixed" })];
    expect(Math.abs(mixed.result.trainLoss - exact.result.trainLoss)).toBeLessThan(0.02);
    expect(mixed.weights.every(Number.isFinite)).toBe(true);
    if (!holder.gpu.has("shader-f16")) expect(mixed.weights).toEqual(exact.weights);
  });

  it("learns: the synthetic language becomes likelier than by its letters alone", async () => {
    const { result } = await trained(tinySpec("MT", 60, { optimizer: { ...tinySpec("M", 1).optimizer, lr: 1e-2 } }));
    expect(result.curve[0].train).toBeGreaterThan(5);
    expect(result.validation.nllPerToken).toBeLessThan(2.9);
    expect(result.validation.nllPerToken).toBeGreaterThan(tinyDataset().floor!);
    expect(result.validation.nllPerByte).toBeCloseTo(result.validation.nllPerToken, 6);
  });

  it("goes on after a stop with the bits of a run that was never stopped", async () => {
    const folder = mkdtempSync(join(tmpdir(), "braid-checkpoints-"));
    const spec = tinySpec("MTS", 9);
    const whole = await trained(spec);
    const controller = new AbortController();
    const stopping = trained(spec, {
      checkpoints: new CheckpointFolder(folder, spec),
      checkpointEvery: 2,
      signal: controller.signal,
      onProgress: ({ step }) => step >= 4 && controller.abort(),
    });
    await expect(stopping).rejects.toThrow(Stopped);
    expect(readdirSync(folder)).toHaveLength(1);
    const resumed = await trained(spec, { checkpoints: new CheckpointFolder(folder, spec) });
    expect(resumed.weights).toEqual(whole.weights);
    expect(losses(resumed.result)).toEqual(losses(whole.result));
    const other = new CheckpointFolder(folder, { ...spec, seed: 9 });
    await expect(trained({ ...spec, seed: 9 }, { checkpoints: other })).rejects.toThrow("seed was 5 and is now 9");
    rmSync(folder, { recursive: true });
  });

  it("stops in a validation, and makes up for it when it goes on", async () => {
    const spec = tinySpec("MT", 6, { validation: { tokens: 256, every: 3 } });
    const whole = await trained(spec);
    for (const at of [3, 6]) {
      const folder = mkdtempSync(join(tmpdir(), "braid-checkpoints-"));
      const controller = new AbortController();
      let shares = 0;
      const stopping = trained(spec, {
        checkpoints: new CheckpointFolder(folder, spec),
        signal: controller.signal,
        onProgress: ({ step, validating }) => {
          if (step !== at || validating === undefined) return;
          shares++;
          controller.abort();
        },
      });
      await expect(stopping).rejects.toThrow(`stopped at step ${at} of 6`);
      expect(shares).toBe(1);
      const resumed = await trained(spec, { checkpoints: new CheckpointFolder(folder, spec) });
      expect(resumed.weights).toEqual(whole.weights);
      expect(resumed.result.curve).toEqual(whole.result.curve);
      expect(resumed.result.validation).toEqual(whole.result.validation);
      rmSync(folder, { recursive: true });
    }
  });

  it("stops at once when the loss is not finite, naming the step and the learning rate", async () => {
    const { optimizer } = tinySpec("M", 1);
    const wild = tinySpec("MT", 40, {
      optimizer: { ...optimizer, lr: 1e20, clip: 0 },
      schedule: { warmup: 0, cooldown: 0 },
    });
    await expect(trained(wild)).rejects.toThrow(
      /at step \d+ of 40: lower the learning rate \(now 100000000000000000000\)/,
    );
  });

  it("refuses data that is not the spec's", async () => {
    const spec = tinySpec("M", 1);
    const sha256 = tinyDataset().sha256;
    await expect(trained({ ...spec, data: { ...spec.data, sha256: "0" } })).rejects.toThrow(
      `The run reads "synthetic[:20000]", but the data given is "synthetic[:20000]": SHA-256 of the training text is ${sha256}, not 0.`,
    );
    await expect(trained({ ...spec, data: { ...spec.data, name: "corpus[:9]" } })).rejects.toThrow(
      "part of the training text is [:20000], not [:9]",
    );
  });

  it("tells its progress up to the last step", async () => {
    const seen: TrainProgress[] = [];
    const { result } = await trained(tinySpec("M", 4), { onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ step: 4, validation: result.validation.nllPerToken });
    expect(seen.filter(isDone)).toHaveLength(1);
    expect(progressText(seen.at(-1)!)).toMatch(/^step 4\/4, loss \d\.\d{3}, validation \d\.\d{3}, .*tok\/s, done$/);
    const shares = seen.flatMap(({ validating }) => validating ?? []);
    expect(shares.length).toBeGreaterThan(1);
    expect(shares).toEqual(shares.map((_, batch) => batch / shares.length));
    expect(progressText({ ...seen[0], validating: 0.379 })).toMatch(/tok\/s, validating, 37 %$/);
  });
});
