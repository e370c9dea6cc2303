import type { ModelConfig } from "../../../src/config/types.js";
import { Generator } from "../../../src/generate/generator.js";
import type { Gpu } from "../../../src/gpu/gpu.js";
import { initialValues } from "../../../src/model/initialise.js";
import { Parameters } from "../../../src/model/parameters.js";
import { expectClose } from "../../ops/harness.js";

/**
 * Expects the same logits after 41 tokens however they are read: at once, in pieces (of one token, shorter than a
 * convolution, over a chunk of a scan), and token by token.
 */
export async function expectPiecesToAgree(gpu: Gpu, config: ModelConfig): Promise<void> {
  const parameters = new Parameters(gpu, config, false);
  parameters.load(initialValues(parameters, 2));
  const model = new Generator(gpu, parameters, 64);
  const prompt = Array.from({ length: 41 }, (_, i) => (i * 37 + 11) % config.vocabSize);
  const whole = await model.prefill(prompt);
  for (const cuts of [[1, 3, 20], [34]]) {
    let logits = await model.prefill(prompt.slice(0, cuts[0]));
    for (const [i, cut] of cuts.entries()) logits = await model.extend(prompt.slice(cut, cuts[i + 1]));
    expectClose(`logits after pieces ending at ${cuts}`, logits, whole, 1e-4);
  }
  let logits = await model.prefill(prompt.slice(0, 5));
  for (const id of prompt.slice(5)) logits = await model.decode(id);
  expectClose("logits after 5 + 36", logits, whole, 1e-4);
  model.destroy();
  parameters.destroy();
}
