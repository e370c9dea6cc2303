/** The section `hybrid` of a config, which `H` and `W` read (`intra-hybrid.ts`). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { type AttentionConfig, attentionWidths, checkRope, type RopeConfig, rope } from "./attention.js";
import { type Section, section } from "./block.js";
import { count, requireDivisible } from "./fields.js";
import type { SsmConfig } from "./mamba2.js";

/** Dimensions of the intra-hybrid block (state size etc. come from `ssm`), and how its branches become one. */
export interface HybridConfig {
  /** Heads of each branch: Table 15 prints "16+16" at 1B. */
  heads: number;
  /** Key/value heads of the attention branch; divides `heads`. */
  kvHeads: number;
  /** Query width of the attention branch; keys have dQk * kvHeads / heads. */
  dQk: number;
  /** Inner width of the Mamba-2 branch. */
  dSsm: number;
  /** Width of a value head; default: dModel / heads, so that values keep the full model width. */
  valueDim?: number;
  /** `null` means no position embedding; default: that of `attention` (W: of `window`). */
  rope?: RopeConfig | null;
  /** "group" (default): each head of each branch is divided by its root mean square; without weights, which are a "vector" scale. */
  norm?: "group" | "none";
  /**
   * Learned factors of the branches: "none" (default); "vector": one for each channel of each branch ("Scale" in Tables 18
   * and 19, from Hymba); "scalar": λ for attention alone, re-parametrised as in Differential Transformer ("Diff-T");
   * "gate": g and 1 - g, from the input, for each token and channel (Table 6); "alpha": α for Mamba-2 and 1 - α for
   * attention, from the input, for each token and head (Appendix Q).
   */
  scale?: "none" | "vector" | "scalar" | "gate" | "alpha";
  /** Default: "subtract". */
  fusion?: "add" | "subtract" | "concat";
  /** "shared": Mamba-2's x is the value of the attention branch, repeated for the queries that share it. Default: "separate". */
  value?: "separate" | "shared";
  /** "separate": each branch has its own output projection, before the fusion; "joint": one after it. Default: "separate"; for "concat", "joint". */
  output?: "joint" | "separate";
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by H and W. */
    hybrid?: HybridConfig;
  }
}

export const hybridSection: Section = {
  schema: z.strictObject({
    heads: count,
    kvHeads: count,
    dQk: count,
    dSsm: count,
    valueDim: count.optional(),
    rope: rope.optional(),
    norm: z.enum(["group", "none"]).optional(),
    scale: z.enum(["none", "vector", "scalar", "gate", "alpha"]).optional(),
    fusion: z.enum(["add", "subtract", "concat"]).optional(),
    value: z.enum(["separate", "shared"]).optional(),
    output: z.enum(["joint", "separate"]).optional(),
  }),
  check(config) {
    const { dModel, hybrid, ssm, attention, pattern } = config;
    if (!hybrid) return;
    requireDivisible("hybrid.heads", hybrid.heads, "kvHeads", hybrid.kvHeads);
    requireDivisible("hybrid.dQk", hybrid.dQk, "heads", hybrid.heads);
    requireDivisible("hybrid.dSsm", hybrid.dSsm, "heads", hybrid.heads);
    if (hybrid.valueDim === undefined) requireDivisible("dModel", dModel, "hybrid.heads", hybrid.heads);
    if (ssm) requireDivisible("hybrid.heads", hybrid.heads, "ssm.groups", ssm.groups);
    if (ssm?.norm) requireDivisible("hybrid.dSsm", hybrid.dSsm, "ssm.norm.groups", ssm.norm.groups);
    if (hybrid.rope === undefined && attention === undefined && pattern.includes("H")) {
      throw new Error("hybrid.rope: missing, and there is no attention.rope instead; set it, to null for no rotation.");
    }
    const turned = {
      ...(pattern.includes("H") && { "attention.rope": attention?.rope }),
      ...(pattern.includes("W") && { "window.rope": config.window?.rope }),
    };
    for (const [field, rope] of Object.entries(hybrid.rope === undefined ? turned : { "hybrid.rope": hybrid.rope })) {
      checkRope(field, rope, "hybrid.dQk / heads", hybrid.dQk / hybrid.heads);
    }
    checkFusion(config, hybrid);
  },
};

/** Throws one sentence when the ways of fusing don't go together. */
function checkFusion(config: ModelConfig, hybrid: HybridConfig): void {
  const { scale, fusion, value, output } = fusionOf(hybrid);
  if (fusion === "concat" && output === "separate") {
    throw new Error(
      'hybrid.output: "separate", but branches side by side ("concat") have one projection; leave it out.',
    );
  }
  if ((scale === "gate" || scale === "alpha") && output === "separate") {
    throw new Error(
      `hybrid.scale: "${scale}" weighs the branches before a common output projection; set output "joint".`,
    );
  }
  const { out } = attentionWidths(hybridAttention(config, hybrid, null));
  if (out === hybrid.dSsm) return;
  const why =
    value === "shared"
      ? "a shared value has"
      : fusion !== "concat" && output === "joint"
        ? `branches that are fused by "${fusion}" before their projection have`
        : scale === "gate" || scale === "alpha"
          ? `branches under one "${scale}" have`
          : undefined;
  if (why) throw new Error(`hybrid.dSsm: ${hybrid.dSsm}, but ${why} one width, and attention gives ${out}.`);
}

/** How the branches become one, with what the config leaves out: the paper's best (Section 3). */
function fusionOf(
  hybrid: HybridConfig,
): Required<Pick<HybridConfig, "norm" | "scale" | "fusion" | "value" | "output">> {
  const { norm = "group", scale = "none", fusion = "subtract", value = "separate" } = hybrid;
  return { norm, scale, fusion, value, output: hybrid.output ?? (fusion === "concat" ? "joint" : "separate") };
}

/** The attention branch as attention of its own. */
function hybridAttention(
  { dModel }: ModelConfig,
  { heads, kvHeads, dQk, valueDim = dModel / heads }: HybridConfig,
  rope: RopeConfig | null,
): AttentionConfig {
  return { heads, kvHeads, headDim: dQk / heads, valueDim, rope };
}

/** The Mamba-2 branch as a mixer of its own. */
function hybridSsm(config: ModelConfig, { heads, dSsm }: HybridConfig): SsmConfig {
  return { ...section(config, "ssm"), dSsm, headDim: dSsm / heads };
}

/** The attention and Mamba-2 of a config's hybrid blocks and how they become one. */
export function hybridOf(config: ModelConfig, windowed: boolean) {
  const hybrid = section(config, "hybrid");
  const own = hybrid.rope === undefined ? (config.attention?.rope ?? null) : hybrid.rope;
  const window = windowed ? section(config, "window") : null;
  // Where the hybrid names no rotation of its own, a window's is its own.
  const turned = window && hybrid.rope === undefined ? window.rope : own;
  return {
    heads: hybridAttention(config, hybrid, turned),
    window: window && { ...window, rope: turned },
    ssm: hybridSsm(config, hybrid),
    ...fusionOf(hybrid),
  };
}

/** What `hybridOf` gives. */
export type Hybrid = ReturnType<typeof hybridOf>;
