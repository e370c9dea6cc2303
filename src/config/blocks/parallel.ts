/** `P`, attention and Mamba-2 beside each other on one normed input, their outputs added (Falcon-H1, arXiv:2507.22448). */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { copy, dear, onto, product } from "./activations.js";
import { attention, attentionActivations } from "./attention.js";
import { type BlockSpec, type Section, section } from "./block.js";
import { positive } from "./fields.js";
import { mamba2, mamba2Parameters, mixerActivations, widthsOf } from "./mamba2.js";

/** Constant factors of Falcon-H1's activations, under the names of its config. */
export interface ParallelMultipliers {
  /** The normed input of attention. */
  attentionIn: number;
  attentionOut: number;
  /** The keys; above 0. */
  key: number;
  /** The normed input of Mamba-2. */
  ssmIn: number;
  ssmOut: number;
  /** The parts of in_proj's output: z, x, B, C and dt. */
  ssm: [number, number, number, number, number];
}

declare module "../types.js" {
  interface ModelConfig {
    /** Read by P; every factor is 1 where it is left out. */
    parallel?: { multipliers: ParallelMultipliers };
  }
}

const fiveNumbers = z.custom<ParallelMultipliers["ssm"]>(
  (value) => Array.isArray(value) && value.length === 5 && value.every(Number.isFinite),
  { error: "it must be a list of five numbers, those of z, x, B, C and dt" },
);

const parallelSection: Section = {
  schema: z.strictObject({
    multipliers: z.strictObject({
      attentionIn: z.number(),
      attentionOut: z.number(),
      key: positive,
      ssmIn: z.number(),
      ssmOut: z.number(),
      ssm: fiveNumbers,
    }),
  }),
};

const none: ParallelMultipliers = {
  attentionIn: 1,
  attentionOut: 1,
  key: 1,
  ssmIn: 1,
  ssmOut: 1,
  ssm: [1, 1, 1, 1, 1],
};

/** The config's factors, or 1 for each. */
export const multipliersOf = (config: ModelConfig): ParallelMultipliers => config.parallel?.multipliers ?? none;

/** The columns of in_proj's output, z, x, B, C and dt, and what each is multiplied by. */
export function projectedParts(config: ModelConfig): { column: number; width: number; factor: number }[] {
  const ssm = section(config, "ssm");
  const state = ssm.groups * ssm.dState;
  const factors = multipliersOf(config).ssm;
  let column = 0;
  return [ssm.dSsm, ssm.dSsm, state, state, widthsOf(ssm).nHeads].map((width, i) => {
    column += width;
    return { column: column - width, width, factor: factors[i] };
  });
}

export const parallel: BlockSpec = {
  letter: "P",
  meaning: "attention and Mamba-2 in parallel",
  role: "mixer",
  needs: { ...attention.needs, ...mamba2.needs },
  uses: { parallel: parallelSection },
  requireBuildable(config) {
    attention.requireBuildable?.(config);
    mamba2.requireBuildable?.(config);
  },
  /** Those of T, the shared input norm among them, then those of M. */
  parameters: (config, place) => [
    ...attention.parameters(config, place),
    ...mamba2Parameters(config, section(config, "ssm"), `${place.prefix}.mamba`),
  ],
  cost(config, context) {
    const [a, m] = [attention.cost(config, context), mamba2.cost(config, context)];
    return {
      weights: a.weights + m.weights,
      extraFlops: a.extraFlops + m.extraFlops,
      cacheElements: a.cacheElements + m.cacheElements,
    };
  },
  activations(config) {
    const d = config.dModel;
    const ssm = section(config, "ssm");
    const { inProj } = widthsOf(ssm);
    const scaled = multipliersOf(config).ssm.some((factor) => factor !== 1);
    return [
      dear("normed", d, ["x"]),
      product("mamba in", inProj, ["normed"]),
      ...(scaled ? [copy("mamba scaled", inProj, ["mamba in"])] : []),
      ...mixerActivations(ssm, "mamba", "normed", scaled ? "mamba scaled" : "mamba in"),
      onto("x", "with mamba", d, ["mamba gated"], { unread: true }),
      ...attentionActivations(section(config, "attention"), "normed"),
      onto("with mamba", "stream", d, ["attended"]),
    ];
  },
};
