/** An estimate of what training needs on the GPU, following what the operations keep (src/ops, src/model/blocks). */

import { blocksOf } from "../config/blocks/table.js";
import { countParameters } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";
import { planBuffers, planBytes } from "../memory/buffers.js";
import type { Recompute } from "../memory/recompute.js";
import { Rehearsal, splitBytes } from "./rehearsal.js";

/** Bytes of each part. */
export interface TrainingMemory {
  weights: number;
  gradients: number;
  /** The two moments of AdamW. */
  optimizer: number;
  activations: number;
  total: number;
}

export interface MemoryOptions {
  /** What is computed again in the backward pass rather than kept: "none" by default. */
  recompute?: Recompute;
  /** "mixed" keeps activations in f16, the residual stream and sums aside, and a copy of the weights: "f32" by default. */
  precision?: "f32" | "mixed";
}

const F32 = 4;
/** The loss works on slices of at most this many bytes of logits, but of no fewer rows than `LEAST_ROWS`. */
const LOGIT_BYTES = 2 ** 28;
const LEAST_ROWS = 2048;
/** Positions of one id whose gradients are summed in one go (`src/ops/embedding.ts`). */
const SEGMENT = 32;

/**
 * Bytes to train a model on `sequences` sequences of `length` tokens a step.
 *
 * Weights, gradients and the two moments of AdamW take 4 bytes a weight each, in mixed precision the weights' copy in f16 2 more. Activations are the buffers of a step that is
 * played through on paper: what each block says that its operations give, their gradients, and what their kernels work
 * with, on a GPU (a software adapter scans in shorter chunks, and takes up to a third more for Mamba layers).
 *
 * Throws when the model cannot be built.
 */
export function estimateTrainingMemory(
  config: ModelConfig,
  batch: { sequences: number; length: number },
  options: MemoryOptions = {},
): TrainingMemory {
  for (const [name, value] of Object.entries(batch)) {
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`${name}: ${value} must be a whole number of at least 1.`);
  }
  const master = F32 * countParameters(config).total;
  const weights = options.precision === "mixed" ? 1.5 * master : master;
  const activations = activationBytes(config, batch.sequences * batch.length, options);
  const total = weights + 3 * master + activations;
  return { weights, gradients: master, optimizer: 2 * master, activations, total };
}

function activationBytes(config: ModelConfig, tokens: number, options: MemoryOptions): number {
  const { recompute = "none", precision } = options;
  const { dModel, vocabSize } = config;
  const step = new Rehearsal(tokens, recompute, precision === "mixed" ? 2 : F32);
  const blocks = blocksOf(config).map(({ spec }) => spec.activations(config));
  const embedding = step.value(dModel);
  const readsEmbedding = blocks.some((block) => block.some(({ reads }) => reads.includes("embedded")));
  const embedded = readsEmbedding ? step.value(dModel) : undefined;
  let stream = embedding;
  for (const block of blocks) stream = step.forward(block, { x: stream, ...(embedded && { embedded }) });
  const hidden = step.value(dModel, false);

  step.gradientOf(hidden);
  const rows = Math.min(tokens, Math.max(LEAST_ROWS, LOGIT_BYTES / F32 / vocabSize));
  step.use(F32 * rows * vocabSize, F32 * tokens, splitBytes(vocabSize, dModel, rows));
  step.gradientOf(stream);
  step.end(hidden);
  for (const _ of blocks) step.backward();
  if (embedded) step.end(embedded);
  step.use(F32 * dModel * (tokens / SEGMENT + Math.min(vocabSize, tokens)));
  step.end(embedding);
  return planBytes(planBuffers(step.stays));
}
