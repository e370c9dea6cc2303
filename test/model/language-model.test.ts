import { describe, expect, it } from "vitest";
import { batchAt } from "../../src/data/batches.js";
import { Arena, download, tensorFrom, upload } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { initialValues } from "../../src/model/initialise.js";
import { headWeight, languageModel } from "../../src/model/language-model.js";
import { crossEntropy, uploadTargets } from "../../src/ops/cross-entropy.js";
import { createTokenBuffers, uploadTokens } from "../../src/ops/embedding.js";
import { Tape } from "../../src/ops/tape.js";
import { TrainStep } from "../../src/train/step.js";
import { useGpu } from "../ops/harness.js";
import { tinyDataset, tinySpec } from "./fixtures.js";

const holder = useGpu();

/** The loss of a training step's batch and weights by a forward pass alone, which costs a third of the step. */
function forwardLoss(step: TrainStep): () => Promise<number> {
  const { gpu } = holder;
  const { config, seed, batch } = step.spec;
  const rows = batch.sequences * batch.length;
  const tokens = createTokenBuffers(gpu, rows, config.vocabSize);
  const targets = tensorFrom(gpu, [rows], "targets");
  const recorder = new Recorder(gpu);
  const tape = new Tape(recorder, new Arena(gpu), false);
  const hidden = languageModel(tape, step.parameters, tokens, { batch: batch.sequences, length: batch.length });
  const { loss } = crossEntropy(tape, hidden, headWeight(step.parameters), targets, {});
  const data = batchAt(tinyDataset().train, { seed, step: 0, ...batch });
  uploadTokens(gpu, tokens, data.inputs);
  uploadTargets(gpu, targets, data.targets, config.vocabSize);
  return async () => {
    recorder.submit();
    return (await download(gpu, loss))[0];
  };
}

describe("the gradient of the whole model", () => {
  // One pattern a mixer, and one that mixes them, so that a failure names its block.
  it.each(["T", "S", "M", "MTSM"])("is that of its loss, weight by weight, for %s", async (pattern) => {
    const step = new TrainStep(holder.gpu, tinySpec(pattern, 1));
    const values = initialValues(step.parameters, 3);
    upload(holder.gpu, step.parameters.values, values);
    const lossOf = forwardLoss(step);
    const loss = await lossOf();
    expect(loss).toBeGreaterThan(4);
    expect(loss).toBeLessThan(8);
    const { seed, batch } = step.spec;
    step.run(batchAt(tinyDataset().train, { seed, step: 0, ...batch }), 0, 0);
    expect((await download(holder.gpu, step.loss))[0], "the training step's own loss").toBe(loss);
    const gradient = await download(holder.gpu, step.parameters.gradients!);
    for (const { name, offset, size } of step.parameters.table) {
      const part = gradient.subarray(offset, offset + size);
      const norm = Math.sqrt(part.reduce((sum, value) => sum + value * value, 0));
      expect(norm, `${name} has a gradient`).toBeGreaterThan(1e-7);
      // Along its own gradient the loss must rise by the gradient's norm; the step is sized to lift it over rounding, which
      // still leaves an error of a few 1e-7 / h.
      const h = Math.min(0.2, 4e-3 / norm);
      const moved = (sign: number) => {
        const copy = values.slice();
        for (let i = 0; i < size; i++) copy[offset + i] += (sign * h * part[i]) / norm;
        upload(holder.gpu, step.parameters.values, copy);
        return lossOf();
      };
      const slope = ((await moved(1)) - (await moved(-1))) / (2 * h);
      const error = Math.abs(slope - norm);
      expect(error, `${name}: slope ${slope}, gradient norm ${norm}`).toBeLessThan(0.02 * norm + 1e-6 / h);
    }
    step.destroy();
  });
});
