import { beforeAll, describe, expect, it } from "vitest";
import { logitsOf } from "../../src/evaluate/logits.js";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { familyOf, familyTypes } from "../../src/model/families/table.js";
import { tensorsOf } from "../../src/model/families/weights.js";
import { type LoadedModel, loadModel } from "../../src/model/folder.node.js";
import { headWeight, languageModel } from "../../src/model/language-model.js";
import { Parameters } from "../../src/model/parameters.js";
import { crossEntropy, notScored, uploadTargets } from "../../src/ops/cross-entropy.js";
import { createTokenBuffers, uploadTokens } from "../../src/ops/embedding.js";
import { Tape } from "../../src/ops/tape.js";
import { expectClose, relativeError, useGpu } from "../ops/harness.js";
import { expectedOf, fixtures, folderOf } from "./fixtures.js";

const holder = useGpu();

/** RMS of the error over RMS of what transformers gives (issue 3). */
const logitTolerance = 1e-4;
const gradientTolerance = 1e-3;

function built({ config, values }: LoadedModel, training: boolean): Parameters {
  const parameters = new Parameters(holder.gpu, config, training);
  parameters.load(values);
  return parameters;
}

const rowsAt = (logits: Float32Array, width: number, positions: number[]) =>
  positions.flatMap((position) => [...logits.subarray(position * width, (position + 1) * width)]);

it("covers every family", () => {
  expect(familyTypes().filter((type) => !fixtures.some((name) => name.startsWith(`${type}-`)))).toEqual([]);
});

describe.each(fixtures)("%s computes what transformers computes:", (fixture) => {
  const expected = expectedOf(fixture);
  let model: LoadedModel;
  beforeAll(() => {
    model = loadModel(folderOf(fixture));
  });

  it("logits at lengths 1, 7, 64 and 300, and of a padded batch", async () => {
    const parameters = built(model, false);
    const { vocabSize } = model.config;
    for (const length of [1, 7, 64, 300]) {
      const [logits] = await logitsOf(holder.gpu, parameters, [expected.integers(`ids.${length}`)]);
      const rows = rowsAt(logits, vocabSize, expected.integers(`positions.${length}`));
      expectClose(`logits at length ${length}`, rows, expected.floats(`logits.${length}`).values, logitTolerance);
    }
    const lengths = expected.integers("batch.lengths");
    const ids = expected.integers("batch.ids");
    const longest = ids.length / lengths.length;
    const batch = await logitsOf(
      holder.gpu,
      parameters,
      lengths.map((length, i) => ids.slice(i * longest, i * longest + length)),
    );
    const places = expected.integers("batch.positions");
    const rows = Array.from({ length: places.length / 2 }, (_, i) =>
      rowsAt(batch[places[2 * i]], vocabSize, [places[2 * i + 1]]),
    ).flat();
    expectClose("logits of a padded batch", rows, expected.floats("batch.logits").values, logitTolerance);
    parameters.destroy();
  });

  it("the loss of 64 tokens and its gradient for every weight", async () => {
    const { gpu } = holder;
    const { config } = model;
    const parameters = built(model, true);
    const ids = Uint32Array.from(expected.integers("ids.64"));
    const tokens = createTokenBuffers(gpu, ids.length, config.vocabSize);
    const targets = tensorFrom(gpu, [ids.length], "targets");
    const recorder = new Recorder(gpu);
    const arena = new Arena(gpu);
    const tape = new Tape(recorder, arena, true, parameters);
    const hidden = languageModel(tape, parameters, tokens, { batch: 1, length: ids.length });
    const { loss } = crossEntropy(tape, hidden, headWeight(parameters), targets, {
      logitScale: config.multipliers?.logits,
    });
    tape.backward();
    uploadTokens(gpu, tokens, ids);
    uploadTargets(gpu, targets, Uint32Array.of(...ids.subarray(1), notScored), config.vocabSize);
    recorder.submit();
    expectClose("loss", await download(gpu, loss), expected.floats("loss.64").values, 1e-5);
    const family = familyOf(model.type)!;
    const gradients = tensorsOf(family, config, await download(gpu, parameters.gradients!));
    const names = expected.under("grad.");
    expect(names.length).toBeGreaterThan(5);
    const wrong: string[] = [];
    for (const name of names) {
      const ours = gradients.get(name);
      const theirs = expected.floats(`grad.${name}`).values;
      const error = ours ? relativeError(ours.values, theirs) : Number.NaN;
      if (!(error <= gradientTolerance)) wrong.push(`${name}: ${error}`);
    }
    expect(wrong, "gradients off by more than a thousandth").toEqual([]);
    parameters.destroy();
  });
});
