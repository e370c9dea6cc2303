/** DiffLlama (`DiffLlamaForCausalLM`): every layer differential attention with RoPE and a SwiGLU network. */

import { attentionWidths } from "../../config/blocks/attention.js";
import { section } from "../../config/blocks/block.js";
import { parseConfig } from "../../config/schema.js";
import type { ModelConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import { writeLlama } from "./llama.js";
import { reordered } from "./mapping.js";
import { kvHeads, named, readWholeRope, requireLayers, requireSilu } from "./transformer.js";

export const diffllama: Family = {
  type: "diffllama",
  architecture: "DiffLlamaForCausalLM",
  config(fields) {
    const heads = fields.count("num_attention_heads", 32);
    const dModel = fields.count("hidden_size", 2048);
    const headDim = fields.count("head_dim", dModel / heads);
    fields.only("attention_bias", false);
    fields.only("attention_dropout", 0);
    requireSilu(fields);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 32_000),
      dModel,
      pattern: "D".repeat(fields.count("num_hidden_layers", 16)),
      ffn: { kind: "swiglu", dFfn: fields.count("intermediate_size", 8192) },
      attention: { heads, kvHeads: kvHeads(fields, heads), headDim, rope: readWholeRope(fields, headDim) },
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-5),
    });
  },
  json({ differential, ...config }) {
    requireLayers(config, "diffllama", "D", "F");
    if (differential?.fusion === "add") throw new Error('differential.fusion: "add", but a diffllama model subtracts.');
    return { ...writeLlama({ ...config, pattern: "T".repeat(config.pattern.length) }), lambda_std_dev: 0.1 };
  },
  mappings: (config) =>
    named(
      config,
      [],
      [...config.pattern].map((_, layer) => {
        const name = `model.layers.${layer}.self_attn.v_proj.weight`;
        return reordered(name, name, valueRows(config));
      }),
    ),
};

/** DiffLlama keeps the first halves of all values before the second halves; braid keeps each value's halves together. */
function valueRows(config: ModelConfig): number[] {
  const attention = section(config, "attention");
  const { v } = attentionWidths(attention);
  const width = v / attention.kvHeads;
  return Array.from({ length: v }, (_, row) => {
    const [head, half] = [Math.floor(row / width / 2), Math.floor(row / width) % 2];
    return half * (v / 2) + head * width + (row % width);
  });
}
