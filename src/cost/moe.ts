import type { ModelConfig } from "../config/types.js";
import { linearWeights } from "./cost.js";

/** Experts in place of each feed-forward network, each of half its inner width (Table 4). */
export interface ExpertCounts {
  /** Experts that every token passes. */
  shared: number;
  routed: number;
  /** Routed experts that a token passes. */
  topK: number;
}

/** One shared expert and the best of eight: the paper's mixture. */
export const PAPER_EXPERTS: ExpertCounts = { shared: 1, routed: 8, topK: 1 };

/**
 * Linear weights of a model whose feed-forward networks became mixtures of experts, and of those the ones that a token
 * uses. The router is left out, as in Table 4 (8 * dModel weights a layer). Mixtures can be costed, not built yet.
 */
export function expertParameters(config: ModelConfig, experts: ExpertCounts = PAPER_EXPERTS) {
  const layers = config.pattern.length;
  if (!config.ffn) throw new Error("ffn: missing; there is no dense network that experts could take the place of.");
  const expert = (3 * config.dModel * config.ffn.dFfn) / 2;
  const mixers = linearWeights(config) - layers * 2 * expert;
  return {
    total: mixers + layers * expert * (experts.shared + experts.routed),
    active: mixers + layers * expert * (experts.shared + experts.topK),
  };
}
