/** Jamba (`JambaForCausalLM`): Mamba-1 with norms of dt, B and C, NoPE attention every few layers, experts every other. */

import { ffnPatternOf } from "../../config/blocks/table.js";
import { parseConfig } from "../../config/schema.js";
import type { ModelConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields } from "./fields.js";
import { expansion, startRanges } from "./mamba.js";
import { readDtRank } from "./mamba1.js";
import { type Mapping, renamed, stacked, stackedPairs } from "./mapping.js";
import {
  feedForwardNames,
  kvHeads,
  named,
  plainNetworks,
  requireAbsent,
  requireLayers,
  requireSilu,
} from "./transformer.js";

export const jamba: Family = {
  type: "jamba",
  architecture: "JambaForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_attention_heads", 32);
    const layers = fields.count("num_hidden_layers", 32);
    const dFfn = fields.count("intermediate_size", 14_336);
    const experts = fields.count("num_experts", fields.count("num_local_experts", 16));
    fields.only("mamba_inner_layernorms", true);
    fields.only("mamba_conv_bias", true);
    fields.only("mamba_proj_bias", false);
    requireSilu(fields);
    const pattern = everyNth(fields, "attn_layer", [8, 4], layers, "T", "J");
    const ffnPattern = experts > 1 ? everyNth(fields, "expert_layer", [2, 1], layers, "E", "F") : "F".repeat(layers);
    const has = (letter: string) => `${pattern}${ffnPattern}`.includes(letter);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 65_536),
      dModel,
      pattern,
      ...(has("E") && { ffnPattern }),
      ...(has("F") && { ffn: { kind: "swiglu", dFfn } }),
      ...(has("E") && {
        moe: {
          experts,
          topK: fields.count("num_experts_per_tok", 2),
          dExpert: dFfn,
          dShared: 0,
          kind: "swiglu",
          router: "softmax",
          normalise: false,
          balance: null,
        },
      }),
      ...(has("T") && {
        attention: {
          heads,
          kvHeads: kvHeads(fields, heads, 8),
          headDim: fields.count("head_dim", dModel / heads),
          rope: null,
        },
      }),
      ...(has("J") && {
        mamba1: {
          dInner: dModel * fields.count("mamba_expand", 2),
          dState: fields.count("mamba_d_state", 16),
          dtRank: readDtRank(fields, "mamba_dt_rank", dModel),
          conv: fields.count("mamba_d_conv", 4),
          dtRange: startRanges.dtRange,
          innerNorms: true,
        },
      }),
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-6),
    });
  },
  json(config) {
    requireLayers(config, "jamba", "TJ", "FE");
    const { attention, mamba1, moe, ffn, pattern } = config;
    if (ffn) plainNetworks(config, "jamba", "swiglu");
    if (mamba1 && !mamba1.innerNorms) throw new Error("mamba1.innerNorms: false, but jamba norms dt, B and C.");
    requireAbsent("jamba", {
      multipliers: config.multipliers,
      "attention.rope": attention?.rope,
      "attention.scale": attention?.scale,
      "attention.valueDim": attention?.valueDim,
      "moe.routedScale": moe?.routedScale,
    });
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      num_hidden_layers: pattern.length,
      hidden_act: "silu",
      intermediate_size: ffn?.dFfn ?? moe?.dExpert,
      ...placement("attn_layer", "pattern", pattern, "T"),
      ...placement("expert_layer", "ffnPattern", ffnPatternOf(config), "E"),
      ...expertKeys(config),
      ...(attention && {
        num_attention_heads: attention.heads,
        num_key_value_heads: attention.kvHeads,
        head_dim: attention.headDim,
      }),
      ...(mamba1 && {
        mamba_expand: expansion(config.dModel, mamba1.dInner, "mamba1.dInner", "jamba"),
        mamba_d_state: mamba1.dState,
        mamba_dt_rank: mamba1.dtRank,
        mamba_d_conv: mamba1.conv,
        mamba_conv_bias: true,
        mamba_proj_bias: false,
      }),
      rms_norm_eps: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config) =>
    named(
      config,
      feedForwardNames,
      [...ffnPatternOf(config)].flatMap((letter, layer) => (letter === "E" ? expertMappings(config, layer) : [])),
    ),
};

/** One letter where a layer's number leaves the offset when divided by the period, the other elsewhere. */
function everyNth(
  fields: Fields,
  key: string,
  [period, offset]: [number, number],
  layers: number,
  there: string,
  elsewhere: string,
): string {
  const every = fields.count(`${key}_period`, period);
  const first = fields.count(`${key}_offset`, offset, 0);
  return Array.from({ length: layers }, (_, i) => (i % every === first ? there : elsewhere)).join("");
}

/** The reverse of `everyNth`. @throws Error when no period and offset give the pattern */
function placement(key: string, field: string, pattern: string, letter: string) {
  const layers = pattern.length;
  for (let period = 1; period <= layers + 1; period++) {
    const offset = pattern.includes(letter) ? pattern.indexOf(letter) : layers;
    const fits = [...pattern].every((found, i) => (found === letter) === (i % period === offset));
    if (fits) return { [`${key}_period`]: Math.max(period, offset + 1), [`${key}_offset`]: offset };
  }
  throw new Error(`${field}: ${pattern}, but a jamba model has ${letter} every so many layers.`);
}

function expertKeys({ moe, ffn }: ModelConfig) {
  if (!moe) return { num_experts: 1 };
  const own = moe.kind === "swiglu" && moe.router === "softmax" && !moe.normalise && !moe.balance;
  if (!own || moe.dShared > 0 || (ffn && ffn.dFfn !== moe.dExpert)) {
    throw new Error(
      'moe: a jamba model has experts of kind "swiglu" and of the width ffn.dFfn, none of them shared, a router "softmax" that is not normalised, and no balance.',
    );
  }
  return { num_experts: moe.experts, num_experts_per_tok: moe.topK };
}

function expertMappings({ moe }: ModelConfig, layer: number): Mapping[] {
  const ours = `model.layers.${layer}.mlp`;
  const theirs = `model.layers.${layer}.feed_forward`;
  const each = (part: string) =>
    Array.from({ length: moe!.experts }, (_, expert) => `${theirs}.experts.${expert}.${part}.weight`);
  return [
    renamed(`${ours}.router.weight`, `${theirs}.router.weight`),
    stackedPairs(`${ours}.experts.gate_up_proj`, each("gate_proj"), each("up_proj")),
    stacked(`${ours}.experts.down_proj`, each("down_proj")),
  ];
}
