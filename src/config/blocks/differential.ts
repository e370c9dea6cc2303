/**
 * `D`, differential attention (Ye et al. 2024, arXiv:2410.05258): of each pair of heads the first softmax less λ times the
 * second weighs values of double width; then each pair is divided by its root mean square, times 1 - λ_init. As transformers'
 * DiffLlama has it: heads h and h + heads / 2 are a pair, λ is one for the layer, and the norm has no weights.
 */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { visiblePairs } from "../visible-pairs.js";
import { cheap, dear, onto, product } from "./activations.js";
import { attended, attention, attentionSection, attentionWidths } from "./attention.js";
import { type BlockSpec, type Section, section } from "./block.js";
import { requireQuads } from "./fields.js";
import { lambdaParameters } from "./lambda.js";

export interface DifferentialConfig {
  /** "subtract" (default), or "add": first + λ · second, a row of Table 18. */
  fusion?: "subtract" | "add";
}

declare module "../types.js" {
  interface ModelConfig {
    /** Read by D and N; left out, they subtract. */
    differential?: DifferentialConfig;
  }
}

export const differentialSection: Section = {
  schema: z.strictObject({ fusion: z.enum(["subtract", "add"]).optional() }),
  check({ pattern, attention }) {
    if (!pattern.includes("D") || !attention || attention.kvHeads % 2 === 0) return;
    throw new Error(`attention.kvHeads: ${attention.kvHeads}, but D pairs heads; it must be even.`);
  },
};

/** Whether the second part is taken from the first or added to it. */
export const differentialFusion = (config: ModelConfig) => config.differential?.fusion ?? "subtract";

/**
 * The attention of D, before its difference: half as many value heads as key heads, each of double width. Value head k goes with
 * the key heads k and k + kvHeads / 2, and so with both queries of a pair.
 */
export function differentialHeads(config: ModelConfig) {
  const attention = section(config, "attention");
  const { kvHeads, headDim, valueDim = headDim } = attention;
  return { ...attention, valueHeads: kvHeads / 2, valueDim: 2 * valueDim };
}

export const differential: BlockSpec = {
  letter: "D",
  meaning: "differential attention",
  role: "mixer",
  needs: { attention: attentionSection },
  uses: { differential: differentialSection },
  requireBuildable(config) {
    const { headDim, valueDim } = differentialHeads(config);
    requireQuads("attention.headDim", headDim, 256);
    requireQuads("twice attention.valueDim", valueDim, 256);
  },
  /** Those of T, and the four vectors of λ. */
  parameters(config, place) {
    const { headDim } = section(config, "attention");
    return [...attention.parameters(config, place), ...lambdaParameters(`${place.prefix}.self_attn`, headDim)];
  },
  /** As T, but that each head's product with the values is twice as wide. */
  cost(config, context) {
    const { q, k, v, out } = attentionWidths(section(config, "attention"));
    return {
      weights: config.dModel * (q + k + v + out),
      extraFlops: 6 * (q + 2 * out) * visiblePairs(context, context),
      cacheElements: (k + v) * context,
    };
  },
  activations(config) {
    const d = config.dModel;
    const { q, k, v, out } = attentionWidths(section(config, "attention"));
    return [
      dear("normed", d, ["x"]),
      product("qkv", q + k + v, ["normed"]),
      attended(differentialHeads(config)),
      cheap("difference", out, ["attended"]),
      cheap("heads normed", out, ["difference"]),
      onto("x", "stream", d, ["heads normed"]),
    ];
  },
};
