/** An estimate of what training needs on the GPU, following what the operations keep (src/ops, src/model/blocks). */

import { blocksOf } from "../config/blocks/table.js";
import { countParameters } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";

/** Bytes of each part. */
export interface TrainingMemory {
  weights: number;
  gradients: number;
  /** The two moments of AdamW. */
  optimizer: number;
  activations: number;
  total: number;
}

const F32 = 4;
/** The loss works on slices of at most this many bytes of logits, but of no fewer rows than `LEAST_ROWS`. */
const LOGIT_BYTES = 2 ** 28;
const LEAST_ROWS = 2048;

/**
 * Bytes to train a model in f32 on `sequences` sequences of `length` tokens a step.
 *
 * Weights, gradients and the two moments of AdamW take 4 bytes a weight each. Activations are what the backward pass
 * reads again, summed over layers (`perToken`); what exists while the backward pass works on one layer
 * (for the widest); the ends of the model; and a slice of logits. Partial sums of weight gradients are
 * left out: their size depends on the adapter, and is small for batches that fill it. Within 3 % of what the recorded step
 * allocates on a GPU, 5 % with J, P, Z or E, and too much rather than too little for a model of one or two layers; a software
 * adapter scans in shorter chunks and takes up to a third more for Mamba layers.
 *
 * Throws when the model cannot be built.
 */
export function estimateTrainingMemory(
  config: ModelConfig,
  batch: { sequences: number; length: number },
): TrainingMemory {
  for (const [name, value] of Object.entries(batch)) {
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`${name}: ${value} must be a whole number of at least 1.`);
  }
  const weights = F32 * countParameters(config).total;
  const layers = [...config.pattern].map((_, layer) => perToken(config, layer));
  const saved = layers.reduce((total, layer) => total + layer.saved, 0);
  const scratch = Math.max(...layers.map((layer) => layer.scratch));
  // The embedded tokens, the last norm, and the loss's gradient for it.
  const ends = 3 * config.dModel;
  const tokens = batch.sequences * batch.length;
  const logits = Math.min(tokens, Math.max(LEAST_ROWS, LOGIT_BYTES / F32 / config.vocabSize)) * config.vocabSize;
  const activations = F32 * (tokens * (saved + scratch + ends) + logits);
  return { weights, gradients: weights, optimizer: 2 * weights, activations, total: 4 * weights + activations };
}

/**
 * Numbers a token of one layer: those that its blocks keep for their backward passes, and those that exist only while
 * these run: the gradients of what is kept (of the four residual and normed streams, one at a time) and the blocks' own.
 */
function perToken(config: ModelConfig, layer: number): { saved: number; scratch: number } {
  const specs = blocksOf(config).flatMap((block) => (block.layer === layer ? [block.spec] : []));
  const saved = specs.reduce((total, spec) => total + spec.saved(config), 0);
  const own = specs.reduce((total, spec) => total + (spec.scratch?.(config) ?? 0), 0);
  return { saved, scratch: saved - (2 * specs.length - 1) * config.dModel + own };
}
