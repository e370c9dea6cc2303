/** Falcon-H1 (`FalconH1ForCausalLM`): attention and Mamba-2 beside each other in every layer, with constant factors throughout. */

import { multipliersOf } from "../../config/blocks/parallel.js";
import { parseConfig } from "../../config/schema.js";
import type { ModelConfig, SsmConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields, Json } from "./fields.js";
import { readMambaKeys, writeMambaKeys } from "./mamba.js";
import {
  feedForwardNames,
  kvHeads,
  named,
  readWholeRope,
  requireAbsent,
  requireLayers,
  requireSilu,
  writeWholeRope,
} from "./transformer.js";

/** A section of factors, or nothing where all of them are 1. */
const unlessOnes = <T extends object>(factors: T): T | undefined =>
  Object.values(factors)
    .flat()
    .every((factor) => factor === 1)
    ? undefined
    : factors;

function readSsm(fields: Fields, dModel: number): SsmConfig {
  const { mamba_d_ssm: dSsm } = fields.json;
  const width = dSsm === null ? dModel * fields.count("mamba_expand", 2) : fields.count("mamba_d_ssm", 1024);
  const ssm = readMambaKeys(fields, width);
  const gateFirst = !fields.flag("mamba_norm_before_gate", true);
  if (!fields.flag("mamba_rms_norm", false)) return { ...ssm, norm: null };
  return gateFirst && ssm.groups === 1 ? ssm : { ...ssm, norm: { groups: ssm.groups, gateFirst } };
}

/** Factors, without those that are 1. */
function readMultipliers(fields: Fields): Partial<ModelConfig> {
  const embedding = fields.number("embedding_multiplier", 1);
  const logits = fields.number("lm_head_multiplier", 1);
  const parallel = unlessOnes({
    attentionIn: fields.number("attention_in_multiplier", 1),
    attentionOut: fields.number("attention_out_multiplier", 1),
    key: fields.number("key_multiplier", 1),
    ssmIn: fields.number("ssm_in_multiplier", 1),
    ssmOut: fields.number("ssm_out_multiplier", 1),
    ssm: fields.numbers("ssm_multipliers", [1, 1, 1, 1, 1], 5) as [number, number, number, number, number],
  });
  const multipliers = { ...(embedding !== 1 && { embedding }), ...(logits !== 1 && { logits }) };
  return {
    ...(Object.keys(multipliers).length > 0 && { multipliers }),
    ...(parallel && { parallel: { multipliers: parallel } }),
  };
}

function writeMultipliers(config: ModelConfig): Json {
  const { attentionIn, attentionOut, key, ssmIn, ssmOut, ssm } = multipliersOf(config);
  const { gate, down } = config.ffn?.multipliers ?? { gate: 1, down: 1 };
  return {
    embedding_multiplier: config.multipliers?.embedding ?? 1,
    lm_head_multiplier: config.multipliers?.logits ?? 1,
    attention_in_multiplier: attentionIn,
    attention_out_multiplier: attentionOut,
    key_multiplier: key,
    ssm_in_multiplier: ssmIn,
    ssm_out_multiplier: ssmOut,
    ssm_multipliers: ssm,
    mlp_multipliers: [gate, down],
  };
}

export const falconH1: Family = {
  type: "falcon_h1",
  architecture: "FalconH1ForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_attention_heads", 32);
    const headDim = fields.count("head_dim", dModel / heads);
    for (const key of ["attention_bias", "mlp_bias", "projectors_bias"]) fields.only(key, false);
    requireSilu(fields);
    fields.only("mamba_use_mlp", true);
    if ((fields.json.attn_layer_indices ?? null) !== null) {
      throw fields.wrong("attn_layer_indices", "null: braid's Falcon-H1 has attention in every layer");
    }
    const [gate, down] = fields.numbers("mlp_multipliers", [1, 1], 2);
    const multipliers = unlessOnes({ gate, down });
    return parseConfig({
      vocabSize: fields.count("vocab_size", 128_000),
      dModel,
      pattern: "P".repeat(fields.count("num_hidden_layers", 32)),
      ffn: {
        kind: "swiglu",
        dFfn: fields.count("intermediate_size", 14_336),
        ...(multipliers && { multipliers }),
      },
      attention: {
        heads,
        kvHeads: kvHeads(fields, heads, 8),
        headDim,
        rope: readWholeRope(fields, headDim),
      },
      ssm: readSsm(fields, dModel),
      ...readMultipliers(fields),
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "falcon_h1", "P", "F");
    const { attention, ffn, ssm } = config;
    if (!attention || !ssm) throw new Error("pattern: a falcon_h1 model needs the sections attention and ssm.");
    if (ffn?.kind !== "swiglu") throw new Error(`ffn.kind: ${ffn?.kind}, but falcon_h1's networks are "swiglu".`);
    const parts = ssm.norm === null ? ssm.groups : (ssm.norm?.groups ?? 1);
    if (parts !== ssm.groups) {
      throw new Error(`ssm.norm.groups: ${parts}, but a falcon_h1 model has those of ssm.groups, ${ssm.groups}.`);
    }
    const { heads, headDim, valueDim, rope, scale } = attention;
    requireAbsent("falcon_h1", {
      "multipliers.residual": config.multipliers?.residual,
      "attention.scale": scale,
      "attention.valueDim": valueDim,
    });
    if (!rope) throw new Error("attention.rope: null, but falcon_h1's attention has rotary positions.");
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      intermediate_size: ffn.dFfn,
      num_hidden_layers: config.pattern.length,
      num_attention_heads: heads,
      num_key_value_heads: attention.kvHeads,
      head_dim: headDim,
      hidden_act: "silu",
      rope_parameters: writeWholeRope(rope, "attention.rope", headDim),
      mamba_d_ssm: ssm.dSsm,
      ...writeMambaKeys(ssm),
      mamba_rms_norm: ssm.norm !== null,
      mamba_norm_before_gate: ssm.norm?.gateFirst === false,
      ...writeMultipliers(config),
      rms_norm_eps: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config) => named(config, feedForwardNames),
};
