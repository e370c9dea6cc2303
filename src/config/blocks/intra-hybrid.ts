/**
 * `H`, the intra-hybrid: attention and Mamba-2 side by side in one layer, and `W`, the same with attention in a sliding window
 * (paper Section 3, Tables 6, 7, 15, 18 to 20; Hymba, arXiv:2411.13676). On one normed input X:
 *
 *     f(X) = W_out(α_ssm · Norm(ssm(X)) ⊕ α_attn · Norm(attn(X)))
 *
 * Mamba-2 comes first, attention second: "subtract" is Mamba-2 less attention. The Mamba-2 branch is a whole mixer up to
 * its output projection, its gate and gated norm included (`ssm.norm` changes or removes that).
 */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import {
  type AttentionConfig,
  attentionSection,
  attentionWidths,
  checkRope,
  type RopeConfig,
  rope,
  visiblePairs,
  windowSection,
} from "./attention.js";
import { type BlockSpec, type ParameterSpec, type Section, section } from "./block.js";
import { count, requireDivisible, requireQuads } from "./fields.js";
import { lambdaParameters } from "./lambda.js";
import { mamba2Parameters, type SsmConfig, scanFlops, scanMemory, ssmSection, widthsOf } from "./mamba2.js";
import { ones, projection, residualProjection } from "./weights.js";

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
export function fusionOf(
  hybrid: HybridConfig,
): Required<Pick<HybridConfig, "norm" | "scale" | "fusion" | "value" | "output">> {
  const { norm = "group", scale = "none", fusion = "subtract", value = "separate" } = hybrid;
  return { norm, scale, fusion, value, output: hybrid.output ?? (fusion === "concat" ? "joint" : "separate") };
}

/** The attention branch as attention of its own. */
export function hybridAttention(
  { dModel }: ModelConfig,
  { heads, kvHeads, dQk, valueDim = dModel / heads }: HybridConfig,
  rope: RopeConfig | null,
): AttentionConfig {
  return { heads, kvHeads, headDim: dQk / heads, valueDim, rope };
}

/** The Mamba-2 branch as a mixer of its own. */
export function hybridSsm(config: ModelConfig, { heads, dSsm }: HybridConfig): SsmConfig {
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

type Hybrid = ReturnType<typeof hybridOf>;

function parameters(config: ModelConfig, prefix: string, hybrid: Hybrid): ParameterSpec[] {
  const { heads, ssm, scale, fusion, value, output } = hybrid;
  const d = config.dModel;
  const { q, k, v, out } = attentionWidths(heads);
  const mamba = mamba2Parameters(config, ssm, `${prefix}.mamba`).flatMap((weight) => {
    if (weight.name.endsWith(".out_proj.weight") && output === "joint") return [];
    // [z | B | C | dt]: x is the attention's value.
    if (weight.name.endsWith(".in_proj.weight") && value === "shared") {
      return [projection(weight.name, widthsOf(ssm).inProj - ssm.dSsm, d)];
    }
    return [weight];
  });
  const scales: Record<typeof scale, () => ParameterSpec[]> = {
    none: () => [],
    vector: () => [ones(`${prefix}.mamba.scale`, ssm.dSsm), ones(`${prefix}.self_attn.scale`, out)],
    scalar: () => lambdaParameters(`${prefix}.self_attn`, heads.headDim),
    gate: () => [projection(`${prefix}.gate_proj.weight`, ssm.dSsm, d)],
    alpha: () => [projection(`${prefix}.alpha_proj.weight`, heads.heads, d)],
  };
  return [
    ones(`${prefix}.input_layernorm.weight`, d),
    projection(`${prefix}.self_attn.q_proj.weight`, q, d),
    projection(`${prefix}.self_attn.k_proj.weight`, k, d),
    projection(`${prefix}.self_attn.v_proj.weight`, v, d),
    ...(output === "separate" ? [residualProjection(`${prefix}.self_attn.o_proj.weight`, d, out, config)] : []),
    ...mamba,
    ...scales[scale](),
    ...(output === "joint"
      ? [residualProjection(`${prefix}.out_proj.weight`, d, fusion === "concat" ? ssm.dSsm + out : out, config)]
      : []),
  ];
}

/**
 * The linear weights, and the convolution, A and dt_bias. Attention's value product is counted at twice the query width where
 * `valueDim` is left out: the paper prints no formula for this block; this is the reading that gives most of its figures
 * (`data/paper/table01_cost_formulas.md`). With `valueDim` it is counted as it is.
 */
function hybridCost(config: ModelConfig, context: number, hybrid: Hybrid) {
  const d = config.dModel;
  const { heads, window, ssm, scale, fusion, value, output } = hybrid;
  const { q, k, v, out } = attentionWidths(heads);
  const { nHeads, convDim, inProj } = widthsOf(ssm);
  const visible = window ? window.size + window.sink : context;
  const projected = q + k + v + inProj - (value === "shared" ? ssm.dSsm : 0);
  const weighed = scale === "gate" ? ssm.dSsm : scale === "alpha" ? nHeads : 0;
  const projections = output === "separate" || fusion === "concat" ? ssm.dSsm + out : out;
  const products = section(config, "hybrid").valueDim === undefined ? 3 * q : q + out;
  return {
    weights: d * (projected + weighed + projections) + ssm.conv * convDim + 2 * nHeads,
    extraFlops: 6 * products * visiblePairs(context, visible) + scanFlops(ssm.dSsm, ssm.dState, context),
    cacheElements: Math.min(context, visible) * (k + v) + ssm.dSsm * ssm.dState + ssm.conv * convDim,
  };
}

/**
 * Attention's q, k, v, output and log-sum-exps and what Mamba-2's mixer keeps; each branch normed and scaled where that is
 * asked for; what was fused; the weights of a gate or α; and the copies that a shared value takes.
 */
function saved(config: ModelConfig, hybrid: Hybrid): number {
  const { heads, ssm, norm, scale, fusion, value, output } = hybrid;
  const { q, k, v, out } = attentionWidths(heads);
  const both = ssm.dSsm + out;
  // With separate outputs the first branch leaves a stream of its own.
  let numbers = 2 * config.dModel + q + k + v + out + heads.heads + scanMemory(ssm).saved;
  if (output === "separate") numbers += config.dModel;
  if (norm === "group") numbers += both;
  const alone = output === "separate" || fusion === "concat";
  if (scale === "vector" && alone) numbers += both;
  if (scale === "scalar" && alone) numbers += out;
  if (scale === "gate") numbers += ssm.dSsm;
  if (scale === "alpha") numbers += heads.heads;
  if (output === "joint") numbers += fusion === "concat" ? both : out;
  if (value === "shared") numbers += v + out + widthsOf(ssm).inProj;
  return numbers;
}

function spec(letter: string, meaning: string, windowed: boolean): BlockSpec {
  return {
    letter,
    meaning,
    role: "mixer",
    needs: { ssm: ssmSection, hybrid: hybridSection, ...(windowed && { window: windowSection }) },
    uses: { attention: attentionSection },
    requireBuildable(config) {
      const { heads, ssm } = hybridOf(config, windowed);
      requireQuads("hybrid.dQk / heads", heads.headDim, 256);
      requireQuads("hybrid.valueDim", heads.valueDim ?? heads.headDim, 256);
      requireQuads("hybrid.dSsm / heads", ssm.headDim);
      requireQuads("ssm.dState", ssm.dState);
    },
    parameters: (config, { prefix }) => parameters(config, prefix, hybridOf(config, windowed)),
    cost: (config, context) => hybridCost(config, context, hybridOf(config, windowed)),
    saved: (config) => saved(config, hybridOf(config, windowed)),
    /** Less the gradients of q, k and v, whose turn comes when Mamba-2 is done. */
    scratch(config) {
      const { heads, ssm } = hybridOf(config, windowed);
      const { q, k, v } = attentionWidths(heads);
      return scanMemory(ssm).scratch - (q + k + v);
    },
  };
}

export const intraHybrid = spec("H", "intra-hybrid", false);
export const windowedHybrid = spec("W", "intra-hybrid with a sliding window", true);
