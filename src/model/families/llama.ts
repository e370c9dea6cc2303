/** Llama (`LlamaForCausalLM`): every layer full attention with RoPE and a SwiGLU network; names are braid's own. */

import { parseConfig } from "../../config/schema.js";
import type { ModelConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields, Json } from "./fields.js";
import {
  kvHeads,
  named,
  plainNetworks,
  readWholeRope,
  requireAbsent,
  requireLayers,
  requireSilu,
  writeWholeRope,
} from "./transformer.js";

/** What Llama's relatives have otherwise. */
interface Relative {
  dFfn: number;
  /** Key-value heads where the file does not say; default: as many as query heads. */
  kvHeads?: number;
}

/** A config of Llama's keys, with the defaults of transformers' LlamaConfig but for `relative`'s. */
export function readLlama(fields: Fields, relative: Relative): ModelConfig {
  const heads = fields.count("num_attention_heads", 32);
  const dModel = fields.count("hidden_size", 4096);
  const headDim = fields.count("head_dim", dModel / heads);
  fields.only("attention_bias", false);
  fields.only("mlp_bias", false);
  requireSilu(fields);
  return parseConfig({
    vocabSize: fields.count("vocab_size", 32_000),
    dModel,
    pattern: "T".repeat(fields.count("num_hidden_layers", 32)),
    ffn: { kind: "swiglu", dFfn: fields.count("intermediate_size", relative.dFfn) },
    attention: {
      heads,
      kvHeads: kvHeads(fields, heads, relative.kvHeads),
      headDim,
      rope: readWholeRope(fields, headDim),
    },
    tieEmbeddings: fields.flag("tie_word_embeddings", false),
    normEps: fields.number("rms_norm_eps", 1e-6),
  });
}

/** The reverse of `readLlama`. Throws one sentence that names the field which these keys cannot express. */
export function writeLlama(config: ModelConfig): Json {
  requireLayers(config, "llama", "T", "F");
  const { dFfn } = plainNetworks(config, "llama", "swiglu");
  const { heads, kvHeads, headDim, valueDim, rope, scale } = config.attention!;
  requireAbsent("llama", {
    multipliers: config.multipliers,
    "attention.scale": scale,
    "attention.valueDim": valueDim,
  });
  if (!rope) throw new Error("attention.rope: null, but llama's attention has rotary positions.");
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    intermediate_size: dFfn,
    num_hidden_layers: config.pattern.length,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    hidden_act: "silu",
    rms_norm_eps: config.normEps,
    rope_parameters: writeWholeRope(rope, "attention.rope", headDim),
    tie_word_embeddings: config.tieEmbeddings,
  };
}

export const llama: Family = {
  type: "llama",
  architecture: "LlamaForCausalLM",
  config: (fields) => readLlama(fields, { dFfn: 11_008 }),
  json(config) {
    const { heads } = config.attention ?? { heads: 1 };
    // transformers' LlamaConfig insists, though head_dim would do.
    if (config.dModel % heads !== 0) {
      throw new Error(`attention.heads: ${heads}, but in a llama model they divide dModel, ${config.dModel}.`);
    }
    return writeLlama(config);
  },
  mappings: (config) => named(config),
  ignored: /\.rotary_emb\.inv_freq$/,
};
