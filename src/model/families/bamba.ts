/** Bamba (`BambaForCausalLM`): Mamba-2 and a few attention layers with partial RoPE, each with a SwiGLU network. */

import { indicesOf } from "../../config/patterns.js";
import { parseConfig } from "../../config/schema.js";
import type { Family } from "./family.js";
import { expansion, readMambaKeys, requireGatedNorm, writeMambaKeys } from "./mamba.js";
import { named, readRope, requireAbsent, requireLayers, writeRope } from "./transformer.js";

export const bamba: Family = {
  type: "bamba",
  architecture: "BambaForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_attention_heads", 32);
    const headDim = dModel / heads;
    const layers = fields.count("num_hidden_layers", 32);
    const full = new Set(fields.numbers("attn_layer_indices", []));
    const pattern = Array.from({ length: layers }, (_, i) => (full.has(i) ? "T" : "M")).join("");
    fields.only("attention_bias", false);
    fields.only("mlp_bias", false);
    fields.only("hidden_act", "silu");
    // BambaConfig fixes partial_rotary_factor at 0.5, whatever the file says.
    const { dim: _, ...rope } = readRope(fields, headDim);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 128_000),
      dModel,
      pattern,
      ffn: { kind: "swiglu", dFfn: fields.count("intermediate_size", 14_336) },
      attention: {
        heads,
        kvHeads: fields.count("num_key_value_heads", fields.json.num_key_value_heads === null ? heads : 8),
        headDim,
        rope: { ...rope, dim: headDim / 2 },
      },
      ssm: readMambaKeys(fields, dModel * fields.count("mamba_expand", 2)),
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "bamba", "TM", "F");
    const { attention, ffn, ssm, dModel } = config;
    if (!attention || !ssm) throw new Error("pattern: a bamba model needs the sections attention and ssm.");
    if (ffn?.kind !== "swiglu") throw new Error(`ffn.kind: ${ffn?.kind}, but bamba's networks are "swiglu".`);
    requireGatedNorm(config, "bamba", 1);
    const { heads, kvHeads, headDim, rope, scale, valueDim } = attention;
    requireAbsent("bamba", {
      multipliers: config.multipliers,
      "attention.scale": scale,
      "attention.valueDim": valueDim,
    });
    if (headDim * heads !== dModel) {
      throw new Error(`attention.headDim: ${headDim}, but a bamba model has dModel / heads, ${dModel / heads}.`);
    }
    if (rope?.dim !== headDim / 2) throw new Error(`attention.rope.dim: bamba turns half of a head, ${headDim / 2}.`);
    return {
      vocab_size: config.vocabSize,
      hidden_size: dModel,
      intermediate_size: ffn.dFfn,
      num_hidden_layers: config.pattern.length,
      attn_layer_indices: indicesOf(config.pattern, "T").map((index) => index - 1),
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      hidden_act: "silu",
      rope_parameters: writeRope(rope, headDim),
      mamba_expand: expansion(config.dModel, ssm.dSsm, "ssm.dSsm", "bamba"),
      ...writeMambaKeys(ssm),
      rms_norm_eps: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config) =>
    named(config, [
      [/^model\.norm\./, "model.final_layernorm."],
      [/\.post_attention_layernorm\./, ".pre_ff_layernorm."],
      [/\.mlp\./, ".feed_forward."],
    ]),
};
