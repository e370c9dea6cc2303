/**
 * `Z`, Zamba2's hybrid layer (arXiv:2411.15242): a Mamba-2 mixer whose input is x plus what a transformer block makes of x
 * beside the embedded tokens. The model has few such blocks; the layers take turns with them, each with adapters of its own.
 *
 *     h = attention(norm([x, embedding]))   with adapters, where `attentionAdapter`
 *     h = down(gelu(gate) · up)             of norm(h), with adapters; no residual paths inside the block
 *     x + mamba(norm(x + linear(h)))
 */

import { z } from "zod";
import type { ModelConfig } from "../types.js";
import { visiblePairs } from "../visible-pairs.js";
import { type Activation, cheap, copy, dear, onto, product } from "./activations.js";
import { type AttentionConfig, attended, attentionWidths, checkRope, type RopeConfig, rope } from "./attention.js";
import { type BlockSpec, type ParameterSpec, type Place, type Section, section } from "./block.js";
import { count, requireDivisible, requireQuads } from "./fields.js";
import { mamba2, mixerActivations } from "./mamba2.js";
import { ones, projection } from "./weights.js";

export interface ZambaConfig {
  /** Shared transformer blocks; the n-th Z layer of the pattern (from 0) uses number n mod `blocks`. */
  blocks: number;
  /** Query heads of the attention, whose input is [x, embedding], 2·dModel wide. */
  heads: number;
  /** Key/value heads; divides `heads`. */
  kvHeads: number;
  /** Width of a query, key and value head. Scores are multiplied by √(2 / headDim). */
  headDim: number;
  /** `null` means no position embedding. */
  rope: RopeConfig | null;
  /** Inner width of the feed-forward network, gated by the exact GELU. */
  dFfn: number;
  /** Rank of the adapters, which each layer adds to the shared projections. */
  adapterRank: number;
  /** Whether the queries, keys and values have adapters; gate and up always have. */
  attentionAdapter: boolean;
}

declare module "../types.js" {
  interface ModelConfig {
    /** Needed by Z. */
    zamba?: ZambaConfig;
  }
}

const zambaSection: Section = {
  schema: z.strictObject({
    blocks: count,
    heads: count,
    kvHeads: count,
    headDim: count,
    rope,
    dFfn: count,
    adapterRank: count,
    attentionAdapter: z.boolean(),
  }),
  check({ zamba }) {
    if (!zamba) return;
    requireDivisible("zamba.heads", zamba.heads, "kvHeads", zamba.kvHeads);
    checkRope("zamba.rope", zamba.rope, "zamba.headDim", zamba.headDim);
  },
};

const LETTER = "Z";

/** Which of the Z layers, from 0, stands at a layer of the pattern. */
function zambaUse(config: ModelConfig, layer: number): number {
  return [...config.pattern].slice(0, layer).filter((letter) => letter === LETTER).length;
}

/** What the names of the shared block that a Z layer uses begin with, e.g. "model.shared.0". */
export function sharedPrefix(config: ModelConfig, layer: number): string {
  return `model.shared.${zambaUse(config, layer) % section(config, "zamba").blocks}`;
}

/** The attention of the shared blocks. The scores' factor is Zamba's own: half of a head's width counts. */
export function sharedAttention({ heads, kvHeads, headDim, rope }: ZambaConfig): AttentionConfig {
  return { heads, kvHeads, headDim, rope, scale: Math.sqrt(2 / headDim) };
}

function sharedParameters(config: ModelConfig, zamba: ZambaConfig, prefix: string): ParameterSpec[] {
  const d = config.dModel;
  const { q, k, v, out } = attentionWidths(sharedAttention(zamba));
  return [
    ones(`${prefix}.input_layernorm.weight`, 2 * d),
    projection(`${prefix}.self_attn.q_proj.weight`, q, 2 * d),
    projection(`${prefix}.self_attn.k_proj.weight`, k, 2 * d),
    projection(`${prefix}.self_attn.v_proj.weight`, v, 2 * d),
    projection(`${prefix}.self_attn.o_proj.weight`, d, out),
    ones(`${prefix}.pre_ff_layernorm.weight`, d),
    // Gate, then up.
    projection(`${prefix}.mlp.gate_up_proj.weight`, 2 * zamba.dFfn, d),
    projection(`${prefix}.mlp.down_proj.weight`, d, zamba.dFfn),
  ];
}

/** An adapter adds up(down(x)) to a projection of x. */
function adapter(name: string, rank: number, out: number, fanIn: number): ParameterSpec[] {
  return [projection(`${name}.down.weight`, rank, fanIn), projection(`${name}.up.weight`, out, rank)];
}

function adapterParameters(config: ModelConfig, zamba: ZambaConfig, prefix: string): ParameterSpec[] {
  const d = config.dModel;
  const { adapterRank: rank, attentionAdapter, dFfn } = zamba;
  const { q, k, v } = attentionWidths(sharedAttention(zamba));
  return [
    ...(attentionAdapter
      ? [
          ...adapter(`${prefix}.adapters.q_proj`, rank, q, 2 * d),
          ...adapter(`${prefix}.adapters.k_proj`, rank, k, 2 * d),
          ...adapter(`${prefix}.adapters.v_proj`, rank, v, 2 * d),
        ]
      : []),
    ...adapter(`${prefix}.adapters.gate_up_proj`, rank, 2 * dFfn, d),
  ];
}

/** Numbers in the matrices of a list: all but its norms. */
function matrices(list: readonly ParameterSpec[]): number {
  return list.reduce((total, { shape }) => total + (shape.length > 1 ? shape.reduce((n, m) => n * m, 1) : 0), 0);
}

/** A shared projection of `input` plus the layer's adapter. */
const adapted = (name: string, width: number, rank: number, input: string): Activation[] => [
  product(`${name} narrow`, rank, [input]),
  product(`${name} plain`, width, [input], { unread: true }),
  { ...product(name, width, [`${name} narrow`]), adds: `${name} plain` },
];

/** What the shared block makes of [x, embedding]. */
function transformerActivations(config: ModelConfig): Activation[] {
  const zamba = section(config, "zamba");
  const d = config.dModel;
  const { adapterRank: rank, dFfn } = zamba;
  const heads = sharedAttention(zamba);
  const { q, k, v } = attentionWidths(heads);
  const qkv = zamba.attentionAdapter
    ? [
        ...Object.entries({ q, k, v }).flatMap(([name, width]) => adapted(name, width, rank, "both normed")),
        copy("qkv", q + k + v, ["q", "k", "v"]),
      ]
    : [product("qkv", q + k + v, ["both normed"])];
  return [
    copy("both", 2 * d, ["x", "embedded"]),
    dear("both normed", 2 * d, ["both"]),
    ...qkv,
    attended(heads),
    product("attention out", d, ["attended"]),
    dear("out normed", d, ["attention out"]),
    ...adapted("gate and up", 2 * dFfn, rank, "out normed"),
    cheap("active", dFfn, ["gate and up"]),
    product("seen", d, ["active"]),
  ];
}

export const zamba: BlockSpec = {
  letter: LETTER,
  meaning: "Mamba-2 behind a shared transformer block",
  role: "mixer",
  needs: { ...mamba2.needs, zamba: zambaSection },
  requireBuildable(config) {
    mamba2.requireBuildable?.(config);
    requireQuads("zamba.headDim", section(config, "zamba").headDim, 256);
  },
  /** The shared block's, the layer's adapters and linear, then those of M, `input_layernorm` being that of the mixer. */
  parameters(config, place) {
    const zamba = section(config, "zamba");
    const { layer, prefix } = place;
    return [
      ...sharedParameters(config, zamba, sharedPrefix(config, layer)),
      ...adapterParameters(config, zamba, prefix),
      projection(`${prefix}.linear.weight`, config.dModel, config.dModel),
      ...mamba2.parameters(config, place),
    ];
  },
  /** A shared block's weights count where it is first used (and where no place is given), but are active at each use. */
  cost(config, context, place?: Place) {
    const zamba = section(config, "zamba");
    const { q, k, v, out } = attentionWidths(sharedAttention(zamba));
    const m = mamba2.cost(config, context);
    const own = m.weights + config.dModel ** 2 + matrices(adapterParameters(config, zamba, ""));
    const shared = matrices(sharedParameters(config, zamba, ""));
    const first = place === undefined || zambaUse(config, place.layer) < zamba.blocks;
    return {
      weights: own + (first ? shared : 0),
      activeWeights: own + shared,
      extraFlops: m.extraFlops + 6 * (q + out) * visiblePairs(context, context),
      cacheElements: m.cacheElements + (k + v) * context,
    };
  },
  activations: (config) => [
    ...transformerActivations(config),
    copy("x again", config.dModel, ["x"]),
    onto("x again", "input", config.dModel, ["seen"]),
    dear("normed", config.dModel, ["input"]),
    ...mixerActivations(section(config, "ssm"), "mamba", "normed"),
    onto("x", "stream", config.dModel, ["mamba gated"]),
  ],
};
