/**
 * `N`, differential Mamba-2 (Schneider et al. 2025, arXiv:2507.06204): two Mamba-2 mixers of half the width, each with its own
 * output projection, then norm(first - λ · second) · (1 - λ_init) with λ = sigmoid(Σ λ̄) + λ_init, as its authors' code has it
 * (NadavSc/Diff-Mamba, DiffMamba2). Both keep the whole dState and all of `ssm.groups`.
 */

import type { ModelConfig } from "../types.js";
import { cheap, dear, product } from "./activations.js";
import { type BlockSpec, type Section, section } from "./block.js";
import { differentialSection } from "./differential.js";
import { requireDivisible, requireQuads } from "./fields.js";
import { mamba2Parameters, mixerActivations, type SsmConfig, scanFlops, ssmSection, widthsOf } from "./mamba2.js";
import { ones, zeros } from "./weights.js";

/** Names of the two mixers below a layer's prefix. */
export const halves = ["mamba.0", "mamba.1"] as const;

/** One of the two mixers. */
export function halfSsm(config: ModelConfig): SsmConfig {
  const ssm = section(config, "ssm");
  return { ...ssm, dSsm: ssm.dSsm / 2 };
}

const halvedSection: Section = {
  ...differentialSection,
  check(config) {
    const { pattern, ssm } = config;
    if (!pattern.includes("N") || !ssm) return;
    const half = ssm.dSsm / 2;
    requireDivisible("half of ssm.dSsm, which each part of N has", half, "ssm.headDim", ssm.headDim);
    requireDivisible("the heads of half of ssm.dSsm", half / ssm.headDim, "ssm.groups", ssm.groups);
    if (ssm.norm) requireDivisible("half of ssm.dSsm", half, "ssm.norm.groups", ssm.norm.groups);
  },
};

export const differentialMamba: BlockSpec = {
  letter: "N",
  meaning: "differential Mamba-2",
  role: "mixer",
  needs: { ssm: ssmSection },
  uses: { differential: halvedSection },
  requireBuildable(config) {
    const { headDim, dState } = halfSsm(config);
    requireQuads("ssm.headDim", headDim);
    requireQuads("ssm.dState", dState);
  },
  parameters(config, { prefix }) {
    return [
      ones(`${prefix}.input_layernorm.weight`, config.dModel),
      ...halves.flatMap((name) => mamba2Parameters(config, halfSsm(config), `${prefix}.${name}`)),
      // Zeros, so that λ begins at ½ + λ_init, where the sigmoid is steepest; the authors' unit normals have a sum of
      // deviation √dModel, which puts the sigmoid of each layer at 0 or 1 by chance, where it hardly learns.
      zeros(`${prefix}.lambda`, config.dModel),
      ones(`${prefix}.subln.weight`, config.dModel),
    ];
  },
  cost(config, context) {
    const ssm = halfSsm(config);
    const { nHeads, convDim, inProj } = widthsOf(ssm);
    return {
      weights: 2 * (config.dModel * (inProj + ssm.dSsm) + ssm.conv * convDim + 2 * nHeads),
      extraFlops: 2 * scanFlops(ssm.dSsm, ssm.dState, context),
      cacheElements: 2 * (ssm.dSsm * ssm.dState + ssm.conv * convDim),
    };
  },
  activations(config) {
    const d = config.dModel;
    return [
      dear("normed", d, ["x"]),
      ...halves.flatMap((name) => [
        ...mixerActivations(halfSsm(config), name, "normed"),
        product(`${name} out`, d, [`${name} gated`]),
      ]),
      cheap(
        "difference",
        d,
        halves.map((name) => `${name} out`),
      ),
      cheap("difference normed", d, ["difference"]),
      cheap("stream", d, ["x", "difference normed"], { full: true }),
    ];
  },
};
