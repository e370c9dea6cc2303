/**
 * What one layer's mixer costs: weights, training FLOPs beyond those weights, and decoding cache. One function each for
 * the four kinds of layer.
 *
 * The formulas are Table 1 and Appendix C of arXiv:2510.04800v3, with the two misprints found by recomputing
 * (`data/paper/table01_cost_formulas.md`): the second term of the Mamba weights has d_ssm where d_state is printed. The
 * paper prints no formula for the intra-hybrid block `H`; the one here is the reading that gives most of its figures.
 *
 * "Extra" FLOPs are those that come on top of 6 per linear weight and token: products of activations with each other.
 * Only visible (causal) pairs count, and FlashAttention's recomputation does not.
 */

import { ssmWidths } from "../config/parameters.js";
import type {
  AttentionConfig,
  HybridConfig,
  LayerKind,
  ModelConfig,
  SsmConfig,
  WindowConfig,
} from "../config/types.js";

export interface MixerCost {
  /** Weights that take part in products: projections, convolution, A and dt_bias; without norms and biases. */
  weights: number;
  /** Forward and backward, for one sequence. */
  extraFlops: number;
  /** Numbers kept while decoding, after `context` tokens (times 2 in bfloat16 for bytes). */
  cacheElements: number;
}

/** Cost of one mixer of a kind at a context length in tokens. Throws when the config lacks the section it needs. */
export function mixerCost(config: ModelConfig, kind: LayerKind, context: number): MixerCost {
  switch (kind) {
    case "T":
      return attentionCost(config.dModel, section(config.attention, "attention", kind), context, context);
    case "S": {
      const window: WindowConfig = section(config.window, "window", kind);
      const attention = section(config.attention, "attention", kind);
      return attentionCost(config.dModel, attention, context, window.size + window.sink);
    }
    case "M":
      return mambaCost(config, section(config.ssm, "ssm", kind), context);
    case "H":
      return hybridCost(
        config.dModel,
        section(config.hybrid, "hybrid", kind),
        section(config.ssm, "ssm", kind),
        context,
      );
  }
}

/** Table 1, rows 1 and 2. A query sees at most `visible` keys: the whole context, or window + sink. */
function attentionCost(d: number, attention: AttentionConfig, context: number, visible: number): MixerCost {
  const width = attention.heads * attention.headDim;
  const kvWidth = attention.kvHeads * attention.headDim;
  return {
    weights: 2 * d * width + 2 * d * kvWidth,
    // Two products (QK and PV), 2 FLOPs a multiply-add, three times that with the backward pass.
    extraFlops: 12 * width * visiblePairs(context, visible),
    cacheElements: 2 * kvWidth * Math.min(context, visible),
  };
}

/** Pairs (query, key) of a causal sequence when a query sees at most `visible` keys. */
export function visiblePairs(context: number, visible: number): number {
  const seen = Math.min(context, visible);
  return seen * ((seen + 1) / 2 + (context - seen));
}

/** Table 1, row 3, for the work-efficient parallel scan; the convolution runs over [x, B, C]. */
function mambaCost(config: ModelConfig, ssm: SsmConfig, context: number): MixerCost {
  const { nHeads, convDim, inProj } = ssmWidths(config);
  return {
    weights: config.dModel * inProj + config.dModel * ssm.dSsm + ssm.conv * convDim + 2 * nHeads,
    extraFlops: scanFlops(ssm.dSsm, ssm.dState, context),
    cacheElements: ssm.dSsm * ssm.dState + ssm.conv * convDim,
  };
}

function scanFlops(dSsm: number, dState: number, context: number): number {
  return 3 * context * (9 * dSsm * dState + 2 * dSsm);
}

/**
 * Both branches read the input and have their own output projection. Attention: queries dQk, keys dQk * kvHeads / heads,
 * values kept at full width, dModel * kvHeads / heads; its value product is counted at twice the query width.
 */
function hybridCost(d: number, hybrid: HybridConfig, ssm: SsmConfig, context: number): MixerCost {
  const { dQk, dSsm, heads, kvHeads } = hybrid;
  const keyWidth = (dQk * kvHeads) / heads;
  const valueWidth = (d * kvHeads) / heads;
  const convDim = dSsm + 2 * ssm.groups * ssm.dState;
  const attentionWeights = d * (dQk + keyWidth + valueWidth) + d * d;
  const mambaWeights = d * (dSsm + convDim + heads) + dSsm * d + ssm.conv * convDim + 2 * heads;
  return {
    weights: attentionWeights + mambaWeights,
    extraFlops: 6 * 3 * dQk * visiblePairs(context, context) + scanFlops(dSsm, ssm.dState, context),
    cacheElements: context * (keyWidth + valueWidth) + dSsm * ssm.dState + ssm.conv * convDim,
  };
}

function section<T>(value: T | undefined, name: string, kind: LayerKind): T {
  if (value === undefined) throw new Error(`${name}: missing, but the pattern has a layer ${kind}, which needs it.`);
  return value;
}
