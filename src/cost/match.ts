import type { ModelConfig } from "../config/types.js";
import { cost } from "./cost.js";

/**
 * The number of training tokens that costs a model `flops` at a context length, rounded to whole tokens: compared models
 * then get the same training compute (the equal-FLOPs rows of Tables 9 and 10).
 * Throws when `flops` is not positive.
 */
export function matchFlops(config: ModelConfig, flops: number, context: number): number {
  if (!(flops > 0) || !Number.isFinite(flops)) throw new Error(`flops: ${flops} must be a positive number.`);
  return Math.round(flops / cost(config, { context, tokens: 1 }).flopsPerToken);
}
