import { expect } from "vitest";
import type { ModelConfig } from "../../../src/config/types.js";
import { batchAt } from "../../../src/data/batches.js";
import { logitsOf } from "../../../src/evaluate/logits.js";
import { Arena, download, tensorFrom, upload } from "../../../src/gpu/arena.js";
import type { Gpu } from "../../../src/gpu/gpu.js";
import { Recorder } from "../../../src/gpu/recorder.js";
import { initialValues } from "../../../src/model/initialise.js";
import { headWeight, languageModel } from "../../../src/model/language-model.js";
import { Parameters } from "../../../src/model/parameters.js";
import { crossEntropy, uploadTargets } from "../../../src/ops/cross-entropy.js";
import { createTokenBuffers, uploadTokens } from "../../../src/ops/embedding.js";
import { Tape } from "../../../src/ops/tape.js";
import { TrainStep } from "../../../src/train/step.js";
import type { TrainSpec } from "../../../src/train/types.js";
import { tinyDataset, tinySpec } from "../fixtures.js";

/** A training step of a config on the tiny data set. */
export function specOf(config: ModelConfig, steps: number): TrainSpec {
  return { ...tinySpec("T", steps), config, batch: { sequences: 2, length: 21 } };
}

/** Expects the losses of a few steps on one batch to fall, and returns them. */
export async function expectToLearn(gpu: Gpu, config: ModelConfig, steps = 4, seed = 3): Promise<number[]> {
  const step = new TrainStep(gpu, specOf(config, steps));
  upload(gpu, step.parameters.values, initialValues(step.parameters, seed));
  const { seed: order, batch } = step.spec;
  const data = batchAt(tinyDataset().train, { seed: order, step: 0, ...batch });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    step.run(data, i, 3e-3);
    losses.push((await download(gpu, step.loss))[0]);
  }
  step.destroy();
  expect(losses[0]).toBeGreaterThan(4);
  expect(losses[0]).toBeLessThan(8);
  expect(
    losses.every((loss, i) => i === 0 || loss < losses[i - 1]),
    `losses ${losses}`,
  ).toBe(true);
  return losses;
}

/** Expects the gradient of every weight that `wanted` names to be that of the loss, by differences along it. */
export async function expectGradients(
  gpu: Gpu,
  config: ModelConfig,
  wanted: (name: string) => boolean = () => true,
): Promise<void> {
  const step = new TrainStep(gpu, specOf(config, 1));
  const values = initialValues(step.parameters, 3);
  upload(gpu, step.parameters.values, values);
  const { seed, batch } = step.spec;
  const data = batchAt(tinyDataset().train, { seed, step: 0, ...batch });
  const rows = batch.sequences * batch.length;
  const tokens = createTokenBuffers(gpu, rows, config.vocabSize);
  const targets = tensorFrom(gpu, [rows], "targets");
  const recorder = new Recorder(gpu);
  const tape = new Tape(recorder, new Arena(gpu), false);
  const hidden = languageModel(tape, step.parameters, tokens, { batch: batch.sequences, length: batch.length });
  const { loss } = crossEntropy(tape, hidden, headWeight(step.parameters), targets, {});
  uploadTokens(gpu, tokens, data.inputs);
  uploadTargets(gpu, targets, data.targets, config.vocabSize);
  const lossOf = async () => {
    recorder.submit();
    return (await download(gpu, loss))[0];
  };
  step.run(data, 0, 0);
  expect((await download(gpu, step.loss))[0], "the training step's own loss").toBe(await lossOf());
  const gradient = await download(gpu, step.parameters.gradients!);
  const checked: string[] = [];
  for (const { name, offset, size } of step.parameters.table) {
    if (!wanted(name)) continue;
    checked.push(name);
    const part = gradient.subarray(offset, offset + size);
    const norm = Math.sqrt(part.reduce((sum, value) => sum + value * value, 0));
    expect(norm, `${name} has a gradient`).toBeGreaterThan(1e-7);
    // Sized to lift the loss over its rounding, which still leaves an error of a few 1e-7 / h.
    const h = Math.min(0.05, 1e-3 / norm);
    const moved = (sign: number) => {
      const copy = values.slice();
      for (let i = 0; i < size; i++) copy[offset + i] += (sign * h * part[i]) / norm;
      upload(gpu, step.parameters.values, copy);
      return lossOf();
    };
    const slope = ((await moved(1)) - (await moved(-1))) / (2 * h);
    expect(Math.abs(slope - norm), `${name}: slope ${slope}, gradient norm ${norm}`).toBeLessThan(
      0.02 * norm + 1e-6 / h,
    );
  }
  expect(checked.length).toBeGreaterThan(0);
  step.destroy();
}

/** Logits of a text after weights by name were edited; weights of one name begin alike in all models. */
export async function logitsWith(
  gpu: Gpu,
  config: ModelConfig,
  edit: (weights: Map<string, Float32Array>) => void = () => undefined,
): Promise<Float32Array> {
  const parameters = new Parameters(gpu, config, false);
  const values = initialValues(parameters, 2);
  edit(new Map(parameters.table.map(({ name, offset, size }) => [name, values.subarray(offset, offset + size)])));
  parameters.load(values);
  const [logits] = await logitsOf(gpu, parameters, [Array.from({ length: 19 }, (_, i) => (i * 37 + 11) % 256)]);
  parameters.destroy();
  return logits;
}
