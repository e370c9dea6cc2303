/**
 * `H`, the intra-hybrid: attention and Mamba-2 side by side in one layer, and `W`, the same with attention in a sliding window
 * (paper Section 3, Tables 6, 7, 15, 18 to 20; Hymba, arXiv:2411.13676). On one normed input X:
 *
 *     f(X) = W_out(α_ssm · Norm(ssm(X)) ⊕ α_attn · Norm(attn(X)))
 *
 * Mamba-2 comes first, attention second: "subtract" is Mamba-2 less attention. The Mamba-2 branch is a whole mixer up to
 * its output projection, its gate and gated norm included (`ssm.norm` changes or removes that).
 */

import type { ModelConfig } from "../types.js";
import { attentionSection, attentionWidths, visiblePairs, windowSection } from "./attention.js";
import { type BlockSpec, type ParameterSpec, section } from "./block.js";
import { requireQuads } from "./fields.js";
import { type Hybrid, hybridOf, hybridSection } from "./hybrid.js";
import { lambdaParameters } from "./lambda.js";
import { mamba2Parameters, scanFlops, scanMemory, ssmSection, widthsOf } from "./mamba2.js";
import { ones, projection, residualProjection } from "./weights.js";

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
