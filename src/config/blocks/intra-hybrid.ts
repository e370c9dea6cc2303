/** `H`, the intra-hybrid: attention and Mamba-2 side by side in one layer (paper Section 3, Tables 6, 7, 15 and 20). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { visiblePairs } from "./attention.js";
import { type BlockSpec, type Section, section } from "./block.js";
import { count, requireDivisible } from "./fields.js";
import { scanFlops, ssmSection } from "./mamba2.js";

/** Dimensions of the intra-hybrid block (state size etc. come from `ssm`). */
export interface HybridConfig {
  /** Heads of each branch: Table 15 prints "16+16" at 1B. Values keep the full model width, dModel / heads a head. */
  heads: number;
  /** Key/value heads of the attention branch; divides `heads`. */
  kvHeads: number;
  /** Query width of the attention branch; keys have dQk * kvHeads / heads. */
  dQk: number;
  /** Inner width of the Mamba-2 branch. */
  dSsm: number;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by H. */
    hybrid?: HybridConfig;
  }
}

export const hybridSection: Section = {
  schema: z.strictObject({ heads: count, kvHeads: count, dQk: count, dSsm: count }),
  check({ dModel, hybrid }) {
    if (!hybrid) return;
    requireDivisible("hybrid.heads", hybrid.heads, "kvHeads", hybrid.kvHeads);
    requireDivisible("hybrid.dQk", hybrid.dQk, "heads", hybrid.heads);
    requireDivisible("hybrid.dSsm", hybrid.dSsm, "heads", hybrid.heads);
    requireDivisible("dModel", dModel, "hybrid.heads", hybrid.heads);
  },
};

export const intraHybrid: BlockSpec = {
  letter: "H",
  meaning: "intra-hybrid",
  role: "mixer",
  needs: { ssm: ssmSection, hybrid: hybridSection },
  requireBuildable() {
    throw new Error("pattern: H can be costed but not built yet.");
  },
  parameters() {
    throw new Error("pattern: H can be costed but not built yet.");
  },
  cost: hybridCost,
  saved: () => 0,
};

/**
 * Both branches read the input and have their own output projection. Attention: queries dQk, keys dQk * kvHeads / heads,
 * values kept at full width, dModel * kvHeads / heads; its value product is counted at twice the query width.
 * The paper prints no formula for this block; this is the reading that gives most of its figures
 * (`data/paper/table01_cost_formulas.md`).
 */
function hybridCost(config: ModelConfig, context: number) {
  const d = config.dModel;
  const { dQk, dSsm, heads, kvHeads } = section(config, "hybrid");
  const ssm = section(config, "ssm");
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
