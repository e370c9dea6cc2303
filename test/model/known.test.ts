import { describe, expect, it } from "vitest";
import { KNOWN, known, knownModel } from "../../src/config/known/index.js";
import { download } from "../../src/gpu/arena.js";
import { initialValues } from "../../src/model/initialise.js";
import { TrainStep } from "../../src/train/step.js";
import { useGpu } from "../ops/harness.js";
import { expectPiecesToAgree } from "./blocks/pieces.js";
import { tinySpec } from "./fixtures.js";

const holder = useGpu();

/** One of each family: the others differ in their dimensions. */
const names = KNOWN.filter((model, i) => KNOWN.findIndex(({ family }) => family === model.family) === i).map(
  ({ name }) => name,
);

/** Their tiny checkpoints decode in test/families. */
const withFixtures = [
  "Llama 3.2",
  "Mamba",
  "Mamba-2",
  "Jamba",
  "Bamba",
  "Granite 4.0-H",
  "Nemotron-H",
  "Zamba2",
  "Falcon-H1",
];

describe.each(names)("%s, tiny,", (name) => {
  const config = known(name, { tiny: true });

  it("learns a batch", async () => {
    const spec = { ...tinySpec("T", 1), config, batch: { sequences: 2, length: 24 } };
    const step = new TrainStep(holder.gpu, spec);
    step.parameters.load(initialValues(step.parameters, 1));
    const ids = Uint32Array.from({ length: 48 }, (_, i) => (i * i + 3 * i) % config.vocabSize);
    const batch = { inputs: ids, targets: Uint32Array.of(...ids.subarray(1), 0) };
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) {
      step.run(batch, i, 3e-3);
      losses.push((await download(holder.gpu, step.loss))[0]);
    }
    expect(losses.every(Number.isFinite), `losses ${losses}`).toBe(true);
    expect(losses.at(-1), `losses ${losses}`).toBeLessThan(losses[0] - 0.02);
    step.destroy();
  });

  if (!withFixtures.includes(knownModel(name).family))
    it("decodes in pieces and token by token what it evaluates whole", () => expectPiecesToAgree(holder.gpu, config));
});
