/** `E`, the mixture of experts in place of a dense feed-forward network (paper Table 4; training_setup.md). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { cheap, dear, kept, onto, product } from "./activations.js";
import { type BlockSpec, type ParameterSpec, type Section, section } from "./block.js";
import { count, positive } from "./fields.js";
import { drawn, normal, ones, projection, residualProjection, zeros } from "./weights.js";

export interface MoeConfig {
  /** Routed experts. */
  experts: number;
  /** Routed experts that a token passes. */
  topK: number;
  /** Inner width of a routed expert. */
  dExpert: number;
  /** Inner width of the shared expert, which every token passes; 0 for none. */
  dShared: number;
  /** Gated by SiLU ("swiglu"), or relu² without a gate (Nemotron-H). */
  kind: "swiglu" | "relu2";
  /**
   * What weighs the chosen experts: "sigmoid" of each score (the paper), "softmax" over all experts (Jamba), or
   * "softmax-topk", over the chosen ones (Granite).
   */
  router: "sigmoid" | "softmax" | "softmax-topk";
  /** Whether the weights of the chosen experts are divided by their sum. */
  normalise: boolean;
  /** Constant factor of the weights; default 1. */
  routedScale?: number;
  /**
   * Loss-free balancing (arXiv:2408.15664): after each step, a bias that counts for the choice alone moves by `step` towards
   * equal load. `step` 0 keeps the bias as it is; null: no bias.
   */
  balance: { step: number } | null;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by E. */
    moe?: MoeConfig;
  }
}

const moeSection: Section = {
  schema: z.strictObject({
    experts: count,
    topK: count,
    dExpert: count,
    dShared: z.int().min(0),
    kind: z.enum(["swiglu", "relu2"]),
    router: z.enum(["sigmoid", "softmax", "softmax-topk"]),
    normalise: z.boolean(),
    routedScale: positive.optional(),
    balance: z.strictObject({ step: z.number().min(0) }).nullable(),
  }),
  check({ moe }) {
    if (moe && moe.topK > moe.experts) {
      throw new Error(`moe.topK: ${moe.topK} experts a token, but there are ${moe.experts}.`);
    }
  },
};

/** Rows of the first product of an expert of a width: gate and up, or up alone. */
const inner = (kind: MoeConfig["kind"], width: number) => (kind === "swiglu" ? 2 * width : width);

function sharedParameters(config: ModelConfig, moe: MoeConfig, prefix: string): ParameterSpec[] {
  const { dShared, kind } = moe;
  if (dShared === 0) return [];
  const gate = kind === "swiglu" ? [projection(`${prefix}.gate_proj.weight`, dShared, config.dModel)] : [];
  return [
    ...gate,
    projection(`${prefix}.up_proj.weight`, dShared, config.dModel),
    residualProjection(`${prefix}.down_proj.weight`, config.dModel, dShared, config),
  ];
}

export const mixtureOfExperts: BlockSpec = {
  letter: "E",
  meaning: "mixture of experts",
  role: "ffn",
  needs: { moe: moeSection },
  parameters(config, { prefix }) {
    const moe = section(config, "moe");
    const { experts, dExpert, kind, balance } = moe;
    const d = config.dModel;
    const down = 1 / Math.sqrt(3 * dExpert) / Math.sqrt(2 * [...config.pattern].length);
    return [
      ones(`${prefix}.post_attention_layernorm.weight`, d),
      projection(`${prefix}.mlp.router.weight`, experts, d),
      ...(balance ? [zeros(`${prefix}.mlp.expert_bias`, experts)] : []),
      drawn(
        `${prefix}.mlp.experts.gate_up_proj`,
        [experts, inner(kind, dExpert), d],
        normal(1 / Math.sqrt(3 * d)),
        true,
      ),
      drawn(`${prefix}.mlp.experts.down_proj`, [experts, d, dExpert], normal(down), true),
      ...sharedParameters(config, moe, `${prefix}.mlp.shared`),
    ];
  },
  cost(config) {
    const { experts, topK, dExpert, dShared, kind } = section(config, "moe");
    const d = config.dModel;
    const of = (count: number) => d * (inner(kind, dShared) + dShared + count * (inner(kind, dExpert) + dExpert));
    // The router is left out, as in Table 4 (experts * dModel weights a layer).
    return { weights: of(experts), activeWeights: of(topK), extraFlops: 0, cacheElements: 0 };
  },
  activations(config) {
    const { experts, topK, dExpert, dShared, kind } = section(config, "moe");
    const d = config.dModel;
    const slots = topK * d;
    const shared = [
      product("shared in", inner(kind, dShared), ["normed"]),
      cheap("shared active", dShared, ["shared in"]),
      onto("x", "shared out", d, ["shared active"], { unread: true }),
    ];
    return [
      dear("normed", d, ["x"]),
      product("scores", experts, ["normed"]),
      // Of each choice: the expert and its weight; where it lies, and whence it came.
      kept("choices", topK, ["scores"], { beside: 3 * topK, full: true }),
      // A token's gradients from several experts are written one by one before they are summed.
      product("experts in", topK * inner(kind, dExpert), ["normed"], { work: { backward: topK > 1 ? [slots] : [] } }),
      cheap("experts active", topK * dExpert, ["experts in"]),
      product("experts out", slots, ["experts active"]),
      ...(dShared > 0 ? shared : []),
      { ...cheap("stream", d, ["experts out", "choices"], { full: true }), adds: dShared > 0 ? "shared out" : "x" },
    ];
  },
};
