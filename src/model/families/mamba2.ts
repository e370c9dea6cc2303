/** Mamba-2 (`Mamba2ForCausalLM`): every layer a Mamba-2 mixer without a feed-forward network. */

import { parseConfig } from "../../config/schema.js";
import type { Family } from "./family.js";
import { expansion, ownChunk, readTimeStepLimit, requireGatedNorm, startRanges, writeTimeStepLimit } from "./mamba.js";
import { named, requireAbsent, requireLayers, requireSilu } from "./transformer.js";

export const mamba2: Family = {
  type: "mamba2",
  architecture: "Mamba2ForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_heads", 128);
    const headDim = fields.count("head_dim", 64);
    const dSsm = dModel * fields.number("expand", 2);
    if (heads * headDim !== dSsm) {
      throw new Error(`${fields.path}: expand makes ${dSsm} channels, but num_heads · head_dim is ${heads * headDim}.`);
    }
    fields.only("use_bias", false);
    fields.only("use_conv_bias", true);
    requireSilu(fields);
    const layers = fields.count("num_hidden_layers", 64);
    const dtLimit = readTimeStepLimit(fields);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 32768),
      dModel,
      pattern: "M".repeat(layers),
      ssm: {
        dSsm,
        headDim,
        dState: fields.count("state_size", 128),
        groups: fields.count("n_groups", 8),
        conv: fields.count("conv_kernel", 4),
        chunk: ownChunk,
        aRange: startRanges.aRange,
        dtRange: [fields.number("time_step_min", 0.001), fields.number("time_step_max", 0.1)],
        ...(dtLimit && { dtLimit }),
      },
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("layer_norm_epsilon", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "mamba2", "M", "");
    requireGatedNorm(config, "mamba2", 1);
    requireAbsent("mamba2", { multipliers: config.multipliers });
    const ssm = config.ssm!;
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      num_hidden_layers: config.pattern.length,
      expand: expansion(config.dModel, ssm.dSsm, "ssm.dSsm", "mamba2"),
      num_heads: ssm.dSsm / ssm.headDim,
      head_dim: ssm.headDim,
      state_size: ssm.dState,
      n_groups: ssm.groups,
      conv_kernel: ssm.conv,
      chunk_size: 256,
      hidden_act: "silu",
      use_bias: false,
      use_conv_bias: true,
      time_step_min: ssm.dtRange[0],
      time_step_max: ssm.dtRange[1],
      time_step_limit: writeTimeStepLimit(ssm.dtLimit),
      layer_norm_epsilon: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config, has) => named(config, backboneOf(has)),
};

/** Names of models whose layers are a norm and a mixer below `backbone` (Mamba, Mamba-2, Nemotron-H). */
export const backboneNames = [
  [/^model\.embed_tokens/, "backbone.embeddings"],
  [/^model\.norm/, "backbone.norm_f"],
  [/^model\.layers/, "backbone.layers"],
  [/\.(input|post_attention)_layernorm\./, ".norm."],
  [/\.(mamba|self_attn|mlp)\./, ".mixer."],
] as const;

/** Older files have `backbone.embedding`. */
export function backboneOf(has: (name: string) => boolean = () => true): readonly (readonly [RegExp, string])[] {
  const older = has("backbone.embedding.weight") && !has("backbone.embeddings.weight");
  return older ? [...backboneNames, [/^backbone\.embeddings/, "backbone.embedding"]] : backboneNames;
}
