/** An estimate of what training needs on the GPU, to be checked against the measured peak. */

import { countParameters, ssmWidths } from "../config/parameters.js";
import type { LayerKind, ModelConfig } from "../config/types.js";

export interface TrainingMemory {
  /** Bytes of each part. */
  weights: number;
  gradients: number;
  optimizer: number;
  activations: number;
  total: number;
}

const F32 = 4;

/**
 * Bytes to train a model in f32 on `sequences` sequences of `length` tokens a step.
 *
 * Weights, gradients and the two moments of AdamW take 4 bytes a weight each. Activations are what the backward pass
 * reads again, summed over layers (`savedPerToken`), plus what exists only while one layer is worked on (`scratchPerToken`).
 * Logits are not counted: the loss works on slices of them.
 *
 * Throws when the pattern has a layer that cannot be built.
 */
export function estimateTrainingMemory(
  config: ModelConfig,
  batch: { sequences: number; length: number },
): TrainingMemory {
  const { sequences, length } = batch;
  for (const [name, value] of Object.entries({ sequences, length })) {
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`${name}: ${value} must be a whole number of at least 1.`);
  }
  const weights = F32 * countParameters(config).total;
  const kinds = [...config.pattern] as LayerKind[];
  const saved = kinds.reduce((total, kind) => total + savedPerToken(config, kind), 0);
  const scratch = Math.max(...kinds.map((kind) => scratchPerToken(config, kind)));
  // The input of the last norm, its output, and the loss's gradient for it stay until the layers' backward pass begins.
  const atTheEnd = 3 * config.dModel;
  const activations = F32 * sequences * length * (saved + scratch + atTheEnd);
  return { weights, gradients: weights, optimizer: 2 * weights, activations, total: 4 * weights + activations };
}

/**
 * Numbers a token that one layer keeps for its backward pass:
 * both norms' inputs and outputs (4 dModel); the mixer's; the feed-forward network's gate, up and their product (3 dFfn).
 */
function savedPerToken(config: ModelConfig, kind: LayerKind): number {
  return 4 * config.dModel + savedByMixer(config, kind) + 3 * config.ffn.dFfn;
}

function savedByMixer(config: ModelConfig, kind: LayerKind): number {
  const { attention, ssm } = config;
  if (kind === "M" && ssm) {
    const { nHeads, convDim, inProj } = ssmWidths(config);
    // Projected input, convolved [x, B, C], softplus(dt), the state at each chunk's start, the scan's output and the
    // gated norm's.
    return inProj + convDim + nHeads + (ssm.dSsm * ssm.dState) / ssm.chunk + 2 * ssm.dSsm;
  }
  if (!attention) throw new Error(`attention: missing, but the pattern has a layer ${kind}, which needs it.`);
  // Rotated q and k, v, the output before its projection, and the log-sum-exp of each head's scores.
  return attention.headDim * (2 * attention.heads + 2 * attention.kvHeads) + attention.heads;
}

/**
 * Numbers a token that exist only while a layer's backward pass runs: the gradients of the residual stream and of a
 * norm's output (2 dModel), and of the widest of what the mixer or the feed-forward network keeps.
 */
function scratchPerToken(config: ModelConfig, kind: LayerKind): number {
  return 2 * config.dModel + Math.max(savedByMixer(config, kind), 3 * config.ffn.dFfn);
}
