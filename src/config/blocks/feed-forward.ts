/** `F`, the dense feed-forward network that follows a mixer. */

import { z } from "zod";
import { cheap, copy, dear, onto, product } from "./activations.js";
import { type BlockSpec, type Section, section } from "./block.js";
import { count } from "./fields.js";
import { ones, projection, residualProjection } from "./weights.js";

/** Gated networks multiply an activated gate with `up`; the others activate `up` itself. */
const GATED = { swiglu: "silu", geglu: "gelu", "geglu-tanh": "gelu-tanh" } as const;
const PLAIN = { relu2: "relu2", gelu: "gelu", "gelu-tanh": "gelu-tanh", silu: "silu" } as const;

export interface FfnConfig {
  /** Gated: "swiglu", "geglu", "geglu-tanh"; not gated: "relu2", "gelu", "gelu-tanh", "silu". */
  kind: keyof typeof GATED | keyof typeof PLAIN;
  dFfn: number;
  /** Constant factors of the gate before its activation and of the network's output (Falcon-H1's mlp_multipliers). */
  multipliers?: { gate: number; down: number };
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by F. */
    ffn?: FfnConfig;
  }
}

const kinds = [...Object.keys(GATED), ...Object.keys(PLAIN)] as FfnConfig["kind"][];

const ffnSection: Section = {
  schema: z.strictObject({
    kind: z.enum(kinds as [FfnConfig["kind"], ...FfnConfig["kind"][]]),
    dFfn: count,
    multipliers: z.strictObject({ gate: z.number(), down: z.number() }).optional(),
  }),
  check({ ffn }) {
    if (ffn?.multipliers && !isGated(ffn.kind) && ffn.multipliers.gate !== 1) {
      throw new Error(
        `ffn.multipliers.gate: ${ffn.multipliers.gate}, but a network of kind "${ffn.kind}" has no gate.`,
      );
    }
  },
};

export function isGated(kind: FfnConfig["kind"]): kind is keyof typeof GATED {
  return Object.hasOwn(GATED, kind);
}

/** The activation's name as `src/ops/activation.ts` has it. */
export function activationOf(kind: FfnConfig["kind"]): "silu" | "gelu" | "gelu-tanh" | "relu2" {
  return isGated(kind) ? GATED[kind] : PLAIN[kind];
}

/** Matrices of one network: gate, up and down, or up and down. */
const matrices = (kind: FfnConfig["kind"]) => (isGated(kind) ? 3 : 2);

export const feedForward: BlockSpec = {
  letter: "F",
  meaning: "dense feed-forward network",
  role: "ffn",
  needs: { ffn: ffnSection },
  parameters(config, { prefix }) {
    const { kind, dFfn } = section(config, "ffn");
    const d = config.dModel;
    return [
      ones(`${prefix}.post_attention_layernorm.weight`, d),
      ...(isGated(kind) ? [projection(`${prefix}.mlp.gate_proj.weight`, dFfn, d)] : []),
      projection(`${prefix}.mlp.up_proj.weight`, dFfn, d),
      residualProjection(`${prefix}.mlp.down_proj.weight`, d, dFfn, config),
    ];
  },
  cost(config) {
    const { kind, dFfn } = section(config, "ffn");
    return { weights: matrices(kind) * config.dModel * dFfn, extraFlops: 0, cacheElements: 0 };
  },
  activations(config) {
    const { kind, dFfn, multipliers } = section(config, "ffn");
    const inner = (matrices(kind) - 1) * dFfn;
    const scaled = multipliers !== undefined && multipliers.gate !== 1;
    return [
      dear("normed", config.dModel, ["x"]),
      product("inner", inner, ["normed"]),
      ...(scaled ? [copy("scaled", inner, ["inner"])] : []),
      cheap("active", dFfn, [scaled ? "scaled" : "inner"]),
      onto("x", "stream", config.dModel, ["active"]),
    ];
  },
};
