/**
 * THE list of a model's weights: names, shapes, order. The GPU model allocates from it, checkpoints are written in its
 * order, and the parameter counts of the cost model are sums over it. Names follow Hugging Face checkpoints.
 */

import type { ParameterSpec } from "./blocks/block.js";
import { blocksOf } from "./blocks/table.js";
import { drawn, normal, ones } from "./blocks/weights.js";
import { requireBuildable } from "./buildable.js";
import type { ModelConfig } from "./types.js";

export type { ParameterSpec } from "./blocks/block.js";

/** Counts of single numbers, not tensors. `embedding` includes the output layer when it is not tied. */
export interface ParameterCount {
  total: number;
  nonEmbedding: number;
  embedding: number;
}

/**
 * All weights of a buildable model, in the fixed order: embedding, layers (norm, mixer, norm, feed-forward), last norm,
 * and the output layer when it is not tied to the embedding.
 *
 * Weight decay goes to the matrices: not to norms, biases, A_log, D and dt_bias.
 *
 * Throws when the kernels cannot take the config's sizes (see `requireBuildable`).
 */
export function parameterTable(config: ModelConfig): ParameterSpec[] {
  requireBuildable(config);
  return allParameters(config);
}

function allParameters(config: ModelConfig): ParameterSpec[] {
  const { vocabSize, dModel } = config;
  const list = [drawn("model.embed_tokens.weight", [vocabSize, dModel], normal(0.02), true)];
  for (const { spec, layer, prefix } of blocksOf(config)) list.push(...spec.parameters(config, { layer, prefix }));
  list.push(ones("model.norm.weight", dModel));
  if (!config.tieEmbeddings) list.push(drawn("lm_head.weight", [vocabSize, dModel], normal(0.02), true));
  // A weight that several layers name is one weight, in the place of the first.
  const named = new Map<string, ParameterSpec>();
  for (const spec of list) if (!named.has(spec.name)) named.set(spec.name, spec);
  return [...named.values()];
}

/** The number of weights of the model: everything that `parameterTable` would list. */
export function countParameters(config: ModelConfig): ParameterCount {
  let total = 0;
  let embedding = 0;
  for (const { name, shape } of allParameters(config)) {
    const size = shape.reduce((product, n) => product * n, 1);
    total += size;
    if (name === "model.embed_tokens.weight" || name === "lm_head.weight") embedding += size;
  }
  return { total, nonEmbedding: total - embedding, embedding };
}
