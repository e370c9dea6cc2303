/** Making compared models equal: in weights (by the feed-forward width) or in training FLOPs (by the token count). */

import { countParameters } from "./parameters.js";
import type { ModelConfig } from "./types.js";

/**
 * Feed-forward widths are whole multiples of this: f16 matrix units and 16-byte loads want rows of 8 numbers, and at nano
 * scale one step is about 1 % of the weights, so that half a step still matches models within 0.5 %.
 */
const FFN_STEP = 8;
/** The difference in non-embedding weights beyond which two models are not compared (design §3). */
const TOLERANCE = 0.02;

/**
 * The same config with the `dFfn` that brings its non-embedding weights nearest to `target`.
 * Throws when even the nearest width differs by 2 % or more: the pattern then needs other layer counts.
 */
export function matchParameters(config: ModelConfig, target: number): ModelConfig {
  if (!(target > 0)) throw new Error(`target: ${target} must be a positive number of non-embedding parameters.`);
  const { ffn } = config;
  if (!ffn) throw new Error("ffn: missing; models are matched by the width of their dense feed-forward networks.");
  const withFfn = (dFfn: number): ModelConfig => ({ ...config, ffn: { ...ffn, dFfn } });
  const count = (dFfn: number) => countParameters(withFfn(dFfn)).nonEmbedding;
  // The count is linear in dFfn: two points give the line.
  const perStep = count(2 * FFN_STEP) - count(FFN_STEP);
  const steps = Math.max(1, 1 + Math.round((target - count(FFN_STEP)) / perStep));
  const matched = withFfn(steps * FFN_STEP);
  const reached = countParameters(matched).nonEmbedding;
  const difference = Math.abs(reached - target) / target;
  if (difference >= TOLERANCE) {
    throw new Error(
      `pattern: ${config.pattern} cannot have ${target} non-embedding parameters by its feed-forward width; ` +
        `dFfn ${steps * FFN_STEP} gives ${reached} (${(100 * difference).toFixed(1)} % off), so change the number of layers.`,
    );
  }
  return matched;
}
