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
import { visiblePairs } from "../visible-pairs.js";
import { type Activation, cheap, copy, dear, onto, product } from "./activations.js";
import { attentionActivations, attentionSection, attentionWidths, windowSection } from "./attention.js";
import { type BlockSpec, type ParameterSpec, section } from "./block.js";
import { requireQuads } from "./fields.js";
import { type Hybrid, hybridOf, hybridSection } from "./hybrid.js";
import { lambdaParameters } from "./lambda.js";
import { mamba2Parameters, mixerActivations, scanFlops, ssmSection, widthsOf } from "./mamba2.js";
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

function activations(config: ModelConfig, hybrid: Hybrid): Activation[] {
  const { heads, ssm, norm, scale, fusion, value, output } = hybrid;
  const d = config.dModel;
  const { v, out } = attentionWidths(heads);
  const { inProj } = widthsOf(ssm);
  const [qkv, attended] = attentionActivations(heads, "normed");
  const list = [dear("normed", d, ["x"]), qkv];
  if (value === "shared") {
    const rest = inProj - ssm.dSsm;
    list.push(
      product("zbcdt", rest, ["normed"]),
      copy("values", v, ["qkv"]),
      copy("expanded", out, ["values"]),
      copy("z", ssm.dSsm, ["zbcdt"]),
      copy("bcdt", rest - ssm.dSsm, ["zbcdt"]),
      copy("mamba in", inProj, ["z", "expanded", "bcdt"]),
    );
  } else list.push(product("mamba in", inProj, ["normed"]));
  list.push(attended, ...mixerActivations(ssm, "mamba", "normed", "mamba in"));
  let branches: [string, number][] = [
    ["mamba gated", ssm.dSsm],
    ["attended", out],
  ];
  /** Each branch becomes another of the same width. */
  const change = (what: string, which = [true, true]) => {
    branches = branches.map(([name, width], i) => {
      if (!which[i]) return [name, width];
      list.push(cheap(`${name} ${what}`, width, [name]));
      return [`${name} ${what}`, width];
    });
  };
  if (norm === "group") change("normed");
  if (scale === "gate") list.push(product("weights", ssm.dSsm, ["normed"]));
  if (scale === "alpha") list.push(product("weights", heads.heads, ["normed"]));
  const weighed = scale === "gate" || scale === "alpha" ? ["weights"] : [];
  if (output === "separate" || (fusion === "concat" && weighed.length === 0)) {
    if (scale === "vector") change("scaled");
    if (scale === "scalar") change("scaled", [false, true]);
  }
  const [[first], [second]] = branches;
  if (output === "separate")
    return [...list, onto("x", "half", d, [first], { unread: true }), onto("half", "stream", d, [second])];
  const fused = fusion === "concat" ? ssm.dSsm + out : out;
  list.push((fusion === "concat" && weighed.length === 0 ? copy : cheap)("fused", fused, [first, second, ...weighed]));
  return [...list, onto("x", "stream", d, ["fused"])];
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
    activations: (config) => activations(config, hybridOf(config, windowed)),
  };
}

export const intraHybrid = spec("H", "intra-hybrid", false);
export const windowedHybrid = spec("W", "intra-hybrid with a sliding window", true);
