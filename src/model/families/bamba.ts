/** Bamba (`BambaForCausalLM`): Mamba-2 and a few attention layers with partial RoPE, each with a SwiGLU network. */

import { indicesOf } from "../../config/patterns.js";
import { parseConfig } from "../../config/schema.js";
import type { Family } from "./family.js";
import { expansion, readMambaKeys, requireGatedNorm, writeMambaKeys } from "./mamba.js";
import {
  feedForwardNames,
  kvHeads,
  named,
  plainNetworks,
  readRope,
  requireAbsent,
  requireLayers,
  requireSilu,
  writeRope,
} from "./transformer.js";

export const bamba: Family = {
  type: "bamba",
  architecture: "BambaForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_attention_heads", 32);
    const headDim = fields.count("head_dim", dModel / heads);
    const layers = fields.count("num_hidden_layers", 32);
    const full = new Set(fields.numbers("attn_layer_indices", []));
    const pattern = Array.from({ length: layers }, (_, i) => (full.has(i) ? "T" : "M")).join("");
    fields.only("attention_bias", false);
    fields.only("mlp_bias", false);
    requireSilu(fields);
    // transformers turns half of each head unless `rope_parameters` says otherwise; a factor elsewhere it does not read.
    const factor = fields.inside("rope_parameters")?.number("partial_rotary_factor", 0.5) ?? 0.5;
    const { dim: _, ...rope } = readRope(fields, headDim);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 128_000),
      dModel,
      pattern,
      ffn: { kind: "swiglu", dFfn: fields.count("intermediate_size", 14_336) },
      attention: {
        heads,
        kvHeads: kvHeads(fields, heads, 8),
        headDim,
        rope: { ...rope, ...(factor !== 1 && { dim: Math.floor(headDim * factor) }) },
      },
      ssm: readMambaKeys(fields, dModel * fields.count("mamba_expand", 2)),
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "bamba", "TM", "F");
    const { attention, ssm, dModel } = config;
    if (!attention || !ssm) throw new Error("pattern: a bamba model needs the sections attention and ssm.");
    const { dFfn } = plainNetworks(config, "bamba", "swiglu");
    requireGatedNorm(config, "bamba", 1);
    const { heads, kvHeads, headDim, rope, scale, valueDim } = attention;
    requireAbsent("bamba", {
      multipliers: config.multipliers,
      "attention.scale": scale,
      "attention.valueDim": valueDim,
    });
    if (!rope) throw new Error("attention.rope: null, but a bamba model's attention has rotary positions.");
    return {
      vocab_size: config.vocabSize,
      hidden_size: dModel,
      intermediate_size: dFfn,
      num_hidden_layers: config.pattern.length,
      attn_layer_indices: indicesOf(config.pattern, "T").map((index) => index - 1),
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      hidden_act: "silu",
      head_dim: headDim,
      rope_parameters: { partial_rotary_factor: 1, ...writeRope(rope, headDim) },
      mamba_expand: expansion(config.dModel, ssm.dSsm, "ssm.dSsm", "bamba"),
      ...writeMambaKeys(ssm),
      rms_norm_eps: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config) => named(config, feedForwardNames),
};
