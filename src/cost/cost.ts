/** The cost of a whole model: weights, training FLOPs, decoding cache. Pure functions of its config. */

import { countParameters, type ParameterCount } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";
import { blockCosts } from "./layers.js";

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
  const blocks = blockCosts(config, context);
  const active = sum(blocks, (block) => block.activeWeights ?? block.weights);
  const flopsPerSequence = 6 * active * context + sum(blocks, (block) => block.extraFlops);
  const flopsPerToken = flopsPerSequence / context;
  return {
    params: countParameters(config),
    trainFlops: tokens * flopsPerToken,
    flopsPerToken,
    flopsPerSequence,
    cacheBytes: cacheElementBytes * sum(blocks, (block) => block.cacheElements),
  };
}

/**
 * The paper's N: weights of mixers and feed-forward networks, without embedding, norms, biases and D. It is a little
 * smaller than the built model's own count, `countParameters`: at 1B by 0.007 % for attention and 0.02 % for Mamba.
 */
export function linearWeights(config: ModelConfig): number {
  return sum(blockCosts(config, 1), (block) => block.weights);
}

/**
 * The linear weights that one token passes: fewer than all of them where the feed-forward networks are mixtures, more where
 * layers share weights, which then count at each use.
 */
export function activeWeights(config: ModelConfig): number {
  return sum(blockCosts(config, 1), (block) => block.activeWeights ?? block.weights);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
