import { parseConfig } from "./schema.js";
import type { ModelConfig, MoeConfig } from "./types.js";

/** Experts in place of each feed-forward network. */
export interface ExpertCounts {
  /** Experts that every token passes. */
  shared: number;
  routed: number;
  /** Routed experts that a token passes. */
  topK: number;
}

/** One shared expert and the best of eight: the paper's mixture (Table 4). */
export const PAPER_EXPERTS: ExpertCounts = { shared: 1, routed: 8, topK: 1 };

/**
 * The same model with a mixture of experts in place of each dense network, as the paper has it (Table 4,
 * training_setup.md): experts of half the dense width, so that one shared and one routed expert have the active weights
 * of the dense model; a sigmoid router; loss-free balancing in steps of 1e-3.
 * Throws when the config has no dense SwiGLU network, one of odd width, or experts already, and when the counts are wrong.
 */
export function withExperts(config: ModelConfig, { shared, routed, topK }: ExpertCounts = PAPER_EXPERTS): ModelConfig {
  const { ffn, ffnPattern, ...rest } = config;
  if (config.moe) throw new Error("moe: the model has experts already; give a config without, or change that section.");
  if (ffn?.kind !== "swiglu") throw new Error('ffn.kind: experts take the place of networks of kind "swiglu" only.');
  if (!Number.isSafeInteger(shared) || shared < 0) {
    throw new Error(`shared: ${shared} must be a whole number of experts, 0 or more.`);
  }
  if (ffn.dFfn % 2 !== 0) throw new Error(`ffn.dFfn: ${ffn.dFfn} is odd, but experts have half that width.`);
  const half = ffn.dFfn / 2;
  const moe: MoeConfig = {
    experts: routed,
    topK,
    dExpert: half,
    dShared: shared * half,
    kind: "swiglu",
    router: "sigmoid",
    normalise: false,
    balance: { step: 1e-3 },
  };
  return parseConfig({
    ...rest,
    ...(ffnPattern !== undefined && { ffnPattern: ffnPattern.replaceAll("F", "E") }),
    moe,
  });
}
