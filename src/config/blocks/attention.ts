/** `T`, full causal attention, and `S`, attention in a sliding window with a sink (design §4; paper Table 1). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { visiblePairs } from "../visible-pairs.js";
import { type Activation, dear, onto, product } from "./activations.js";
import { type BlockCost, type BlockSpec, type Place, type Section, section } from "./block.js";
import { count, positive, requireDivisible, requireQuads } from "./fields.js";
import { ones, projection, residualProjection } from "./weights.js";

/** Llama 3's stretching of low frequencies; transformers calls it rope_type "llama3". */
export interface RopeScaling {
  factor: number;
  lowFrequency: number;
  highFrequency: number;
  originalContext: number;
}

/** Rotary position embedding: angle of pair i at position t is `t * theta^(-2i / dim)`. */
export interface RopeConfig {
  theta: number;
  /** Elements of a head that turn, from the first; default: all of them. */
  dim?: number;
  scaling?: RopeScaling;
}

export interface AttentionConfig {
  /** Query heads. */
  heads: number;
  /** Key/value heads; divides `heads`. */
  kvHeads: number;
  /** Width of a query and of a key. */
  headDim: number;
  /** Width of a value; default: headDim. */
  valueDim?: number;
  /** `null` means no position embedding. */
  rope: RopeConfig | null;
  /** What scores are multiplied by; default: 1 / √headDim. */
  scale?: number;
}

/** Key j is visible to query i when `i - size < j <= i` or (`j < sink` and `j <= i`). */
export interface WindowConfig {
  size: number;
  sink: number;
  rope: RopeConfig | null;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by T and S. */
    attention?: AttentionConfig;
    /** Needed by S. */
    window?: WindowConfig;
  }
}

const even = z.int().min(2).multipleOf(2);
export const rope = z
  .strictObject({
    theta: positive,
    dim: even.optional(),
    scaling: z
      .strictObject({ factor: positive, lowFrequency: positive, highFrequency: positive, originalContext: count })
      .optional(),
  })
  .nullable();

export const attentionSection: Section = {
  schema: z.strictObject({
    heads: count,
    kvHeads: count,
    headDim: count,
    valueDim: count.optional(),
    rope,
    scale: positive.optional(),
  }),
  check({ attention, window }) {
    if (!attention) return;
    requireDivisible("attention.heads", attention.heads, "kvHeads", attention.kvHeads);
    checkRope("attention.rope", attention.rope, "attention.headDim", attention.headDim);
    if (window) checkRope("window.rope", window.rope, "attention.headDim", attention.headDim);
  },
};

export const windowSection: Section = {
  schema: z.strictObject({ size: count, sink: z.int().min(0), rope }),
};

/** Throws one sentence when a rotation does not fit heads of `headDim`. */
export function checkRope(
  field: string,
  rope: RopeConfig | null | undefined,
  headField: string,
  headDim: number,
): void {
  if (!rope) return;
  if (rope.dim === undefined && headDim % 2 !== 0) {
    throw new Error(`${headField}: ${headDim} is odd, but ${field} rotates pairs; make it even or set rope to null.`);
  }
  if (rope.dim !== undefined && rope.dim > headDim) {
    throw new Error(`${field}.dim: ${rope.dim} is more than ${headField}, ${headDim}.`);
  }
  const { lowFrequency = 0, highFrequency = 1 } = rope.scaling ?? {};
  // What lies between is blended, by a quotient of their difference.
  if (lowFrequency >= highFrequency) {
    throw new Error(
      `${field}.scaling.lowFrequency: ${lowFrequency} must be less than highFrequency, ${highFrequency}.`,
    );
  }
}

/** Widths of q, k, v and of what the heads give. */
export function attentionWidths(attention: AttentionConfig): { q: number; k: number; v: number; out: number } {
  const { heads, kvHeads, headDim, valueDim = headDim } = attention;
  return { q: heads * headDim, k: kvHeads * headDim, v: kvHeads * valueDim, out: heads * valueDim };
}

function parameters(config: ModelConfig, { prefix }: Place) {
  const { dModel } = config;
  const { q, k, v, out } = attentionWidths(section(config, "attention"));
  return [
    ones(`${prefix}.input_layernorm.weight`, dModel),
    projection(`${prefix}.self_attn.q_proj.weight`, q, dModel),
    projection(`${prefix}.self_attn.k_proj.weight`, k, dModel),
    projection(`${prefix}.self_attn.v_proj.weight`, v, dModel),
    residualProjection(`${prefix}.self_attn.o_proj.weight`, dModel, out, config),
  ];
}

/** Table 1, rows 1 and 2. A query sees at most `visible` keys: the whole context, or window + sink. */
function attentionCost(config: ModelConfig, context: number, visible: number): BlockCost {
  const { q, k, v, out } = attentionWidths(section(config, "attention"));
  return {
    weights: config.dModel * (q + k + v + out),
    // Two products (QK and PV), 2 FLOPs a multiply-add, three times that with the backward pass.
    extraFlops: 6 * (q + out) * visiblePairs(context, visible),
    cacheElements: (k + v) * Math.min(context, visible),
  };
}

/** [q | k | v] of `input`, rotated in place, and what the heads make of it, with the log-sum-exp of each head's scores. */
export function attentionActivations(attention: AttentionConfig, input: string): Activation[] {
  const { q, k, v } = attentionWidths(attention);
  return [product("qkv", q + k + v, [input]), attended(attention)];
}

/** What heads make of "qkv"; each row of a head has a sum and a product of the output with its gradient. */
export function attended(attention: AttentionConfig): Activation {
  const { heads } = attention;
  const { out } = attentionWidths(attention);
  return dear("attended", out, ["qkv"], { held: true, beside: heads, work: { backward: [heads] } });
}

const shared = {
  role: "mixer",
  parameters,
  requireBuildable(config: ModelConfig) {
    const { headDim, valueDim = headDim } = section(config, "attention");
    requireQuads("attention.headDim", headDim, 256);
    requireQuads("attention.valueDim", valueDim, 256);
  },
  activations(config: ModelConfig) {
    const d = config.dModel;
    return [
      dear("normed", d, ["x"]),
      ...attentionActivations(section(config, "attention"), "normed"),
      onto("x", "stream", d, ["attended"]),
    ];
  },
} as const;

export const attention: BlockSpec = {
  ...shared,
  letter: "T",
  meaning: "full attention",
  needs: { attention: attentionSection },
  cost: (config, context) => attentionCost(config, context, context),
};

export const slidingWindow: BlockSpec = {
  ...shared,
  letter: "S",
  meaning: "sliding window",
  needs: { attention: attentionSection, window: windowSection },
  cost(config, context) {
    const { size, sink } = section(config, "window");
    return attentionCost(config, context, size + sink);
  },
};
