/** The cost of a whole model: weights, training FLOPs, decoding cache. Pure functions of its config. */

import { countParameters, type ParameterCount } from "../config/parameters.js";
import type { LayerKind, ModelConfig } from "../config/types.js";
import { type MixerCost, mixerCost } from "./layers.js";

export interface CostOptions {
  /** Tokens in a sequence; the paper's tables use 8192. */
  context: number;
  /** Tokens of the whole training run. */
  tokens: number;
  /** Bytes of a number in the decoding cache; default 2 (bfloat16), as in the paper. */
  cacheElementBytes?: number;
}

export interface Cost {
  params: ParameterCount;
  /** FLOPs of the whole run, forward and backward. */
  trainFlops: number;
  flopsPerToken: number;
  flopsPerSequence: number;
  /** Bytes kept while decoding one sequence, after `context` tokens. */
  cacheBytes: number;
}

/** Table 1 counts sequences of 8192 tokens; Tables 9 and 10 train on 60 billion. */
export const PAPER_CONTEXT = 8192;
export const PAPER_TOKENS = 60e9;

/**
 * Costs by the paper's counting (Appendix C): training FLOPs are 6 per linear weight and token, without the embedding and
 * the output product, plus the products of activations; the cache is in bfloat16 unless `cacheElementBytes` says otherwise.
 *
 * Throws one sentence when `context` or `tokens` is not positive.
 */
export function cost(config: ModelConfig, options: CostOptions): Cost {
  const { context, tokens, cacheElementBytes = 2 } = options;
  if (!Number.isInteger(context) || context < 1)
    throw new Error(`context: ${context} must be a whole number of tokens.`);
  if (!(tokens > 0) || !Number.isFinite(tokens)) throw new Error(`tokens: ${tokens} must be a positive number.`);
  const mixers = mixerCosts(config, context);
  const flopsPerSequence = 6 * linearWeights(config) * context + sum(mixers, (mixer) => mixer.extraFlops);
  const flopsPerToken = flopsPerSequence / context;
  return {
    params: parameters(config),
    trainFlops: tokens * flopsPerToken,
    flopsPerToken,
    flopsPerSequence,
    cacheBytes: cacheElementBytes * sum(mixers, (mixer) => mixer.cacheElements),
  };
}

/**
 * The paper's N: weights of mixers and feed-forward networks, without embedding, norms, biases and D. It is a little
 * smaller than the built model's own count, `countParameters`: at 1B by 0.007 % for attention and 0.02 % for Mamba.
 */
export function linearWeights(config: ModelConfig): number {
  const ffn = 3 * config.dModel * config.ffn.dFfn;
  return sum(mixerCosts(config, 1), (mixer) => mixer.weights + ffn);
}

/** Every weight of the built model; for patterns with `H`, which cannot be built yet, the linear weights. */
function parameters(config: ModelConfig): ParameterCount {
  if (!config.pattern.includes("H")) return countParameters(config);
  const embedding = config.vocabSize * config.dModel * (config.tieEmbeddings ? 1 : 2);
  const nonEmbedding = linearWeights(config);
  return { total: nonEmbedding + embedding, nonEmbedding, embedding };
}

function mixerCosts(config: ModelConfig, context: number): MixerCost[] {
  return [...config.pattern].map((letter) => mixerCost(config, letter as LayerKind, context));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
