import { type ExpertCounts, PAPER_EXPERTS, withExperts } from "../config/experts.js";
import type { ModelConfig } from "../config/types.js";
import { activeWeights, linearWeights } from "./cost.js";

/**
 * Linear weights of a model whose feed-forward networks became mixtures of experts, and of those the ones that a token
 * uses. The router is left out, as in Table 4 (8 * dModel weights a layer).
 */
export function expertParameters(config: ModelConfig, experts: ExpertCounts = PAPER_EXPERTS) {
  const mixture = withExperts(config, experts);
  return { total: linearWeights(mixture), active: activeWeights(mixture) };
}
