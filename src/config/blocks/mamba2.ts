/** `M`, Mamba-2 (Dao & Gu 2024, arXiv:2405.21060; design §4; paper Table 1). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { type Activation, cheap, dear, onto, product } from "./activations.js";
import { type BlockSpec, type ParameterSpec, type Section, section } from "./block.js";
import { count, positive, range, requireAscending, requireDivisible, requireQuads } from "./fields.js";
import { convolution, drawn, dtBias, ones, projection, residualProjection } from "./weights.js";

export interface SsmConfig {
  /** Inner width; heads = dSsm / headDim. */
  dSsm: number;
  headDim: number;
  dState: number;
  /** B and C are shared by heads / groups consecutive heads. */
  groups: number;
  /** Width of the causal depthwise convolution. */
  conv: number;
  /** Tokens per chunk of the chunked (SSD) form; a matter of speed, not of the function computed. Kernels may take others (src/ops/ssd-plan.ts). */
  chunk: number;
  /** A is drawn uniformly from this range at initialisation (training_setup.md: [0.01, 2]). */
  aRange: [number, number];
  /** dt is drawn log-uniformly from this range at initialisation. */
  dtRange: [number, number];
  /** Bounds of dt after softplus, which clamp it; default: none. */
  dtLimit?: { least: number; most?: number };
  /** The norm at the gate; default: over the whole row, gate first. `null`: the gate alone. */
  norm?: GatedNormConfig | null;
}

export interface GatedNormConfig {
  /** Equal parts of a row that are normalised each on its own. */
  groups: number;
  /** true: norm(y · silu(z)), as in Mamba-2; false: norm(y) · silu(z). */
  gateFirst: boolean;
}

/** Widths of a Mamba-2 mixer that follow from its config. */
export interface SsmWidths {
  nHeads: number;
  /** Channels of the short convolution, which runs over [x, B, C]. */
  convDim: number;
  /** Rows of in_proj: [z, x, B, C, dt]. */
  inProj: number;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by M and H. */
    ssm?: SsmConfig;
  }
}

export const ssmSection: Section = {
  schema: z.strictObject({
    dSsm: count,
    headDim: count,
    dState: count,
    groups: count,
    conv: count,
    chunk: count,
    aRange: range,
    dtRange: range,
    dtLimit: z.strictObject({ least: z.number().min(0), most: positive.optional() }).optional(),
    norm: z.strictObject({ groups: count, gateFirst: z.boolean() }).nullable().optional(),
  }),
  check({ ssm }) {
    if (!ssm) return;
    requireDivisible("ssm.dSsm", ssm.dSsm, "headDim", ssm.headDim);
    requireDivisible("the heads of ssm (dSsm / headDim)", ssm.dSsm / ssm.headDim, "ssm.groups", ssm.groups);
    requireAscending("ssm.aRange", ssm.aRange);
    requireAscending("ssm.dtRange", ssm.dtRange);
    const { least, most } = ssm.dtLimit ?? {};
    if (least !== undefined && most !== undefined) requireAscending("ssm.dtLimit", [least, most]);
    if (ssm.norm) requireDivisible("ssm.dSsm", ssm.dSsm, "ssm.norm.groups", ssm.norm.groups);
  },
};

/** The derived widths of the `M` mixers. Throws when the config has no `ssm`. */
export function ssmWidths(config: ModelConfig): SsmWidths {
  return widthsOf(section(config, "ssm"));
}

export function widthsOf(ssm: SsmConfig): SsmWidths {
  const nHeads = ssm.dSsm / ssm.headDim;
  const state = 2 * ssm.groups * ssm.dState;
  return { nHeads, convDim: ssm.dSsm + state, inProj: 2 * ssm.dSsm + state + nHeads };
}

/** The weights below `prefix` (e.g. "model.layers.0.mamba") of a Mamba-2 mixer, without its input norm. */
export function mamba2Parameters(config: ModelConfig, ssm: SsmConfig, prefix: string): ParameterSpec[] {
  const { nHeads, convDim, inProj } = widthsOf(ssm);
  return [
    projection(`${prefix}.in_proj.weight`, inProj, config.dModel),
    ...convolution(`${prefix}.conv1d`, convDim, ssm.conv),
    ...scanParameters(ssm, nHeads, prefix),
    ...(ssm.norm === null ? [] : [ones(`${prefix}.norm.weight`, ssm.dSsm)]),
    residualProjection(`${prefix}.out_proj.weight`, config.dModel, ssm.dSsm, config),
  ];
}

/** dt_bias, A_log and D of `nHeads` heads. */
function scanParameters(ssm: SsmConfig, nHeads: number, prefix: string): ParameterSpec[] {
  const [least, most] = ssm.aRange;
  return [
    drawn(`${prefix}.dt_bias`, [nHeads], dtBias(ssm.dtRange), false),
    drawn(`${prefix}.A_log`, [nHeads], (random) => Math.log(random.uniform(least, most)), false),
    ones(`${prefix}.D`, nHeads),
  ];
}

/** FLOPs of the work-efficient parallel scan (Table 1, row 3). */
export function scanFlops(dSsm: number, dState: number, context: number): number {
  return 3 * context * (9 * dSsm * dState + 2 * dSsm);
}

/** What the mixer makes of `input` up to its output projection, which reads `<name> gated`; "in" is left out where `zxbcdt` is given. */
export function mixerActivations(ssm: SsmConfig, name: string, input: string, zxbcdt?: string): Activation[] {
  const { dSsm, headDim, dState, groups, chunk, conv } = ssm;
  const { nHeads, convDim, inProj } = widthsOf(ssm);
  const projected = zxbcdt ?? `${name} in`;
  const states = (dSsm * dState) / chunk;
  // Products of all pairs of tokens of a chunk.
  const pairs = groups * chunk;
  const parts = 3 * tiles(headDim) + tiles(chunk) + 3 * tiles(dState);
  const sums = [(conv * convDim) / CONV_SHARE, convDim / CONV_SHARE];
  return [
    ...(zxbcdt ? [] : [product(projected, inProj, [input])]),
    cheap(`${name} conv`, convDim, [projected], { work: { backward: sums } }),
    // Two decays a head, and the state that enters each chunk.
    dear(`${name} states`, states, [projected, `${name} conv`], { beside: 2 * nHeads, constant: true }),
    dear(`${name} scan`, dSsm, [`${name} conv`, projected, `${name} states`], {
      work: { forward: [pairs], backward: [states, parts * nHeads, pairs, pairs] },
    }),
    cheap(`${name} gated`, dSsm, [`${name} scan`, projected]),
  ];
}

/** Tokens whose shares of the gradients of the convolution's weights are summed before they are written (`src/ops/conv1d.ts`). */
export const CONV_SHARE = 32;

/** Tiles of the scan's products along a length (`src/ops/ssd-plan.ts`). */
const tiles = (length: number): number => length / [64, 32, 16, 8, 4].find((width) => length % width === 0)!;

export const mamba2: BlockSpec = {
  letter: "M",
  meaning: "Mamba-2",
  role: "mixer",
  needs: { ssm: ssmSection },
  requireBuildable(config) {
    const { headDim, dState } = section(config, "ssm");
    requireQuads("ssm.headDim", headDim);
    requireQuads("ssm.dState", dState);
  },
  parameters: (config, { prefix }) => [
    ones(`${prefix}.input_layernorm.weight`, config.dModel),
    ...mamba2Parameters(config, section(config, "ssm"), `${prefix}.mamba`),
  ],
  cost(config, context) {
    const ssm = section(config, "ssm");
    const { nHeads, convDim, inProj } = widthsOf(ssm);
    return {
      weights: config.dModel * inProj + config.dModel * ssm.dSsm + ssm.conv * convDim + 2 * nHeads,
      extraFlops: scanFlops(ssm.dSsm, ssm.dState, context),
      cacheElements: ssm.dSsm * ssm.dState + ssm.conv * convDim,
    };
  },
  activations: (config) => [
    dear("normed", config.dModel, ["x"]),
    ...mixerActivations(section(config, "ssm"), "mamba", "normed"),
    onto("x", "stream", config.dModel, ["mamba gated"]),
  ],
};
