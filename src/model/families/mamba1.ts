/** Mamba (`MambaForCausalLM`): every layer a Mamba-1 mixer without a feed-forward network. */

import { parseConfig } from "../../config/schema.js";
import type { Family } from "./family.js";
import type { Fields } from "./fields.js";
import { backboneOf } from "./mamba2.js";
import { named, requireAbsent, requireLayers, requireSilu } from "./transformer.js";

export const mamba1: Family = {
  type: "mamba",
  architecture: "MambaForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 768);
    fields.only("use_bias", false);
    fields.only("use_conv_bias", true);
    requireSilu(fields);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 50_280),
      dModel,
      pattern: "J".repeat(fields.count("num_hidden_layers", 32)),
      mamba1: {
        dInner: Math.floor(dModel * fields.number("expand", 2)),
        dState: fields.count("state_size", 16),
        dtRank: readDtRank(fields, "time_step_rank", dModel),
        conv: fields.count("conv_kernel", 4),
        dtRange: [fields.number("time_step_min", 0.001), fields.number("time_step_max", 0.1)],
        innerNorms: false,
      },
      tieEmbeddings: fields.flag("tie_word_embeddings", true),
      normEps: fields.number("layer_norm_epsilon", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "mamba", "J", "");
    requireAbsent("mamba", { multipliers: config.multipliers });
    const { dInner, dState, dtRank, conv, dtRange, innerNorms } = config.mamba1!;
    if (innerNorms) throw new Error("mamba1.innerNorms: true, but a mamba model has no norms of dt, B and C.");
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      num_hidden_layers: config.pattern.length,
      expand: dInner / config.dModel,
      intermediate_size: dInner,
      state_size: dState,
      time_step_rank: dtRank,
      conv_kernel: conv,
      hidden_act: "silu",
      use_bias: false,
      use_conv_bias: true,
      time_step_min: dtRange[0],
      time_step_max: dtRange[1],
      layer_norm_epsilon: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config, has) => named(config, backboneOf(has)),
};

/** "auto" is a sixteenth of the model's width. */
export function readDtRank(fields: Fields, key: string, dModel: number): number {
  const auto = (fields.json[key] ?? "auto") === "auto";
  return auto ? Math.ceil(dModel / 16) : fields.count(key);
}
