/** An estimate of what training needs on the GPU, following what the operations keep (src/ops, src/model/layers.ts). */

import { countParameters, ssmWidths } from "../config/parameters.js";
import type { LayerKind, ModelConfig } from "../config/types.js";

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
 * reads again, summed over layers (`savedPerToken`); what exists while the backward pass works on one layer
 * (`scratchPerToken`, for the widest); the ends of the model; and a slice of logits. Partial sums of weight gradients are
 * left out: their size depends on the adapter, and is small for batches that fill it. Within 3 % of what the recorded step
 * allocates on a GPU; a software adapter scans in shorter chunks and takes up to a third more for Mamba layers.
 *
 * Throws when the pattern has a layer that cannot be built.
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
  const kinds = [...config.pattern] as LayerKind[];
  const saved = kinds.reduce((total, kind) => total + savedPerToken(config, kind), 0);
  const scratch = Math.max(...kinds.map((kind) => scratchPerToken(config, kind)));
  // The embedded tokens, the last norm, and the loss's gradient for it.
  const ends = 3 * config.dModel;
  const tokens = batch.sequences * batch.length;
  const logits = Math.min(tokens, Math.max(LEAST_ROWS, LOGIT_BYTES / F32 / config.vocabSize)) * config.vocabSize;
  const activations = F32 * (tokens * (saved + scratch + ends) + logits);
  return { weights, gradients: weights, optimizer: 2 * weights, activations, total: 4 * weights + activations };
}

/**
 * Numbers a token that one layer keeps for its backward pass: the outputs of both norms and of both residual additions
 * (4 dModel), the mixer's own, and the feed-forward network's gate, up and product (3 dFfn).
 */
function savedPerToken(config: ModelConfig, kind: LayerKind): number {
  return 4 * config.dModel + savedByMixer(config, kind) + 3 * config.ffn.dFfn;
}

function savedByMixer(config: ModelConfig, kind: LayerKind): number {
  const { attention, ssm } = config;
  if (kind === "M" && ssm) {
    const { nHeads, convDim, inProj } = ssmWidths(config);
    // The projected input, the convolved [x, B, C], two decays a head, each chunk's first state, the scan's output and
    // the gated norm's.
    return inProj + convDim + 2 * nHeads + chunkStates(config) + 2 * ssm.dSsm;
  }
  if (!attention) throw new Error(`attention: missing, but the pattern has a layer ${kind}, which needs it.`);
  // Rotated q, k and v, the output, and the log-sum-exp of each head's scores.
  return attention.headDim * 2 * (attention.heads + attention.kvHeads) + attention.heads;
}

/**
 * Numbers a token that exist only while a layer's backward pass runs: the gradients of the residual stream, of the
 * feed-forward network's gate, up and product, and of what the mixer keeps.
 */
function scratchPerToken(config: ModelConfig, kind: LayerKind): number {
  const { ssm } = config;
  // Mamba's scan also forms, in each chunk, the products of all pairs of tokens, and their gradients.
  const pairs = kind === "M" && ssm ? 2 * ssm.groups * ssm.chunk : 0;
  return config.dModel + 3 * config.ffn.dFfn + savedByMixer(config, kind) + pairs;
}

function chunkStates({ ssm }: ModelConfig): number {
  return ssm ? (ssm.dSsm * ssm.dState) / ssm.chunk : 0;
}
