/** `J`, Mamba-1's selective scan (Gu & Dao 2023, arXiv:2312.00752), with the norms that Jamba (arXiv:2403.19887) added. */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { cheap, copy, dear, onto, product } from "./activations.js";
import { type BlockSpec, type ParameterSpec, type Section, section } from "./block.js";
import { count, range, requireAscending, requireQuads } from "./fields.js";
import { CONV_SHARE, scanFlops } from "./mamba2.js";
import { convolution, drawn, dtBias, ones, projection, residualProjection } from "./weights.js";

export interface Mamba1Config {
  /** Inner width: channels, each with a state of its own. */
  dInner: number;
  /** Width of a channel's state. */
  dState: number;
  /** Width from which the dt of every channel is projected. */
  dtRank: number;
  /** Width of the causal depthwise convolution. */
  conv: number;
  /** dt is drawn log-uniformly from this range at initialisation. */
  dtRange: [number, number];
  /** RMS norms of the projected dt, B and C (Jamba). */
  innerNorms: boolean;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by J. */
    mamba1?: Mamba1Config;
  }
}

const mamba1Section: Section = {
  schema: z.strictObject({
    dInner: count,
    dState: count,
    dtRank: count,
    conv: count,
    dtRange: range,
    innerNorms: z.boolean(),
  }),
  check({ mamba1 }) {
    if (mamba1) requireAscending("mamba1.dtRange", mamba1.dtRange);
  },
};

/** Tokens from one state that the scan keeps for its backward pass to the next, on a GPU (`src/ops/scan-plan.ts`). */
const SCAN_CHUNK = 16;
/** Channels whose gradients of B and C are summed before they are written. */
const SCAN_SHARE = 16;

/** Rows of x_proj: [dt, B, C]. */
const selectionWidth = ({ dtRank, dState }: Mamba1Config) => dtRank + 2 * dState;

/** The weights below `prefix` (e.g. "model.layers.0.mamba") of a Mamba-1 mixer, without its input norm. */
function mixerParameters(config: ModelConfig, mamba1: Mamba1Config, prefix: string): ParameterSpec[] {
  const { dInner, dState, dtRank, conv, dtRange, innerNorms } = mamba1;
  const bound = dtRank ** -0.5;
  return [
    projection(`${prefix}.in_proj.weight`, 2 * dInner, config.dModel),
    ...convolution(`${prefix}.conv1d`, dInner, conv),
    projection(`${prefix}.x_proj.weight`, selectionWidth(mamba1), dInner),
    drawn(`${prefix}.dt_proj.weight`, [dInner, dtRank], (random) => random.uniform(-bound, bound), true),
    drawn(`${prefix}.dt_proj.bias`, [dInner], dtBias(dtRange), false),
    // "S4D real": A = -1 … -dState in every channel (Mamba, Section 3.6).
    drawn(`${prefix}.A_log`, [dInner, dState], (_, index) => Math.log(1 + (index % dState)), false),
    ones(`${prefix}.D`, dInner),
    ...(innerNorms
      ? [
          ones(`${prefix}.dt_layernorm.weight`, dtRank),
          ones(`${prefix}.b_layernorm.weight`, dState),
          ones(`${prefix}.c_layernorm.weight`, dState),
        ]
      : []),
    residualProjection(`${prefix}.out_proj.weight`, config.dModel, dInner, config),
  ];
}

export const mamba1: BlockSpec = {
  letter: "J",
  meaning: "Mamba-1",
  role: "mixer",
  needs: { mamba1: mamba1Section },
  requireBuildable(config) {
    const { dState } = section(config, "mamba1");
    requireQuads("mamba1.dState", dState);
  },
  parameters: (config, { prefix }) => [
    ones(`${prefix}.input_layernorm.weight`, config.dModel),
    ...mixerParameters(config, section(config, "mamba1"), `${prefix}.mamba`),
  ],
  /**
   * The scan is counted as Table 1 counts Mamba's: 9 FLOPs for each number of the state (dt·A and its exponential, dt·B·x,
   * three for the scan's combination, two for the product with C) and 2 a channel (D and the gate), three times that
   * with the backward pass. That is the usual count of this very scan; Table 1 applies it to Mamba-2.
   */
  cost(config, context) {
    const mamba1 = section(config, "mamba1");
    const { dInner, dState, dtRank, conv } = mamba1;
    return {
      weights: dInner * (3 * config.dModel + selectionWidth(mamba1) + dtRank + conv + dState + 1),
      extraFlops: scanFlops(dInner, dState, context),
      cacheElements: dInner * dState + conv * dInner,
    };
  },
  activations(config) {
    const mamba1 = section(config, "mamba1");
    const { dInner, dState, dtRank, conv, innerNorms } = mamba1;
    const sums = [(conv * dInner) / CONV_SHARE, dInner / CONV_SHARE];
    const normed = (part: string, width: number) => [
      copy(part, width, ["selection"]),
      dear(`${part} normed`, width, [part]),
    ];
    const [dt, ...bc] = innerNorms ? ["dt normed", "b normed", "c normed"] : ["dt", "selection"];
    // One state in `SCAN_CHUNK` tokens, of which each channel keeps the sum of dt too; B and C side by side.
    const states = (dInner * dState) / SCAN_CHUNK;
    const partials = (2 * dState * dInner) / SCAN_SHARE;
    return [
      dear("normed", config.dModel, ["x"]),
      product("xz", 2 * dInner, ["normed"]),
      cheap("conv", dInner, ["xz"], { work: { backward: sums } }),
      product("selection", selectionWidth(mamba1), ["conv"]),
      ...(innerNorms
        ? [...normed("dt", dtRank), ...normed("b", dState), ...normed("c", dState)]
        : [copy("dt", dtRank, ["selection"])]),
      product("dt of channels", dInner, [dt]),
      dear("states", states + dInner / SCAN_CHUNK + 2 * dState, ["conv", "dt of channels", ...bc], {
        constant: true,
        full: true,
      }),
      dear("scan", dInner, ["conv", "dt of channels", ...bc, "xz", "states"], {
        work: { first: [states, partials], backward: [3 * dInner + (2 * dInner) / SCAN_CHUNK] },
      }),
      onto("x", "stream", config.dModel, ["scan"]),
    ];
  },
};
