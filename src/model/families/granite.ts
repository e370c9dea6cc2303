/** Granite 4.0-H (`GraniteMoeHybridForCausalLM`): Mamba-2 and NoPE attention, experts beside a shared network, multipliers. */

import { parseConfig } from "../../config/schema.js";
import type { ModelConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields } from "./fields.js";
import { expansion, readMambaKeys, requireGatedNorm, writeMambaKeys } from "./mamba.js";
import { joined, type Mapping, renamed } from "./mapping.js";
import {
  kvHeads,
  layerTypes,
  named,
  plainNetworks,
  readWholeRope,
  requireAbsent,
  requireLayers,
  requireSilu,
  writeWholeRope,
} from "./transformer.js";

export const granite: Family = {
  type: "granitemoehybrid",
  architecture: "GraniteMoeHybridForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 4096);
    const heads = fields.count("num_attention_heads", 32);
    const headDim = fields.count("head_dim", dModel / heads);
    const types = layerTypes(fields, "layer_types", fields.count("num_hidden_layers", 32));
    fields.only("attention_bias", false);
    requireSilu(fields);
    const rotated = fields.only("position_embedding_type", "nope", "rope") === "rope";
    return parseConfig({
      vocabSize: fields.count("vocab_size", 32_000),
      dModel,
      pattern: types.map((type) => (type === "full_attention" ? "T" : "M")).join(""),
      ...networks(fields),
      ...(types.includes("full_attention") && {
        attention: {
          heads,
          kvHeads: kvHeads(fields, heads),
          headDim,
          rope: rotated ? readWholeRope(fields, headDim) : null,
          scale: fields.number("attention_multiplier", 1),
        },
      }),
      ...(types.includes("linear_attention") && {
        ssm: readMambaKeys(fields, dModel * fields.count("mamba_expand", 2)),
      }),
      ...multipliers(fields),
      tieEmbeddings: fields.flag("tie_word_embeddings", false),
      normEps: fields.number("rms_norm_eps", 1e-6),
    });
  },
  json(config) {
    requireLayers(config, "granitemoehybrid", "TM", "FE");
    const { attention, ssm, multipliers = {}, pattern } = config;
    if (ssm) requireGatedNorm(config, "granitemoehybrid", 1);
    requireAbsent("granitemoehybrid", { "attention.valueDim": attention?.valueDim });
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      num_hidden_layers: pattern.length,
      layer_types: [...pattern].map((letter) => (letter === "T" ? "full_attention" : "linear_attention")),
      hidden_act: "silu",
      ...networkKeys(config),
      ...(attention && {
        num_attention_heads: attention.heads,
        num_key_value_heads: attention.kvHeads,
        head_dim: attention.headDim,
        position_embedding_type: attention.rope ? "rope" : "nope",
        attention_multiplier: attention.scale ?? attention.headDim ** -0.5,
        ...(attention.rope && { rope_parameters: writeWholeRope(attention.rope, "attention.rope", attention.headDim) }),
      }),
      ...(ssm
        ? {
            mamba_expand: expansion(config.dModel, ssm.dSsm, "ssm.dSsm", "granitemoehybrid"),
            ...writeMambaKeys(ssm),
          }
        : // transformers checks these even where no layer has them.
          { mamba_expand: 1, mamba_n_heads: 1, mamba_d_head: config.dModel }),
      embedding_multiplier: multipliers.embedding ?? 1,
      residual_multiplier: multipliers.residual ?? 1,
      logits_scaling: reciprocal(multipliers.logits ?? 1),
      rms_norm_eps: config.normEps,
      tie_word_embeddings: config.tieEmbeddings,
    };
  },
  mappings: (config, has) =>
    named(
      config,
      [],
      [...config.pattern].flatMap((_, layer) => networkMappings(config, `model.layers.${layer}`, has)),
    ),
};

/** 1 / x, such that 1 / (1 / x) is x again in decimal. */
const reciprocal = (x: number) => Number((1 / x).toPrecision(15));

function multipliers(fields: Fields): Pick<ModelConfig, "multipliers"> {
  const given = {
    embedding: fields.number("embedding_multiplier", 1),
    residual: fields.number("residual_multiplier", 1),
    logits: reciprocal(fields.number("logits_scaling", 1)),
  };
  const unusual = Object.entries(given).filter(([, factor]) => factor !== 1);
  return unusual.length > 0 ? { multipliers: Object.fromEntries(unusual) } : {};
}

/** Without experts, the shared network is all there is. */
function networks(fields: Fields): Pick<ModelConfig, "ffn" | "moe"> {
  const experts = fields.count("num_local_experts", 8, 0);
  const dShared = fields.count("shared_intermediate_size", 1024);
  if (experts === 0) return { ffn: { kind: "swiglu", dFfn: dShared } };
  return {
    moe: {
      experts,
      topK: fields.count("num_experts_per_tok", 2),
      dExpert: fields.count("intermediate_size", 11_008),
      dShared,
      kind: "swiglu",
      router: "softmax-topk",
      normalise: false,
      balance: null,
    },
  };
}

function networkKeys(config: ModelConfig) {
  const { ffn, moe } = config;
  if (ffn) {
    const { dFfn } = plainNetworks(config, "granitemoehybrid", "swiglu");
    requireAbsent("granitemoehybrid", { moe });
    return { num_local_experts: 0, shared_intermediate_size: dFfn, intermediate_size: dFfn };
  }
  if (!moe) throw new Error("ffn: missing; every layer of a granitemoehybrid model has a feed-forward network.");
  if (moe.kind !== "swiglu" || moe.router !== "softmax-topk" || moe.balance || moe.dShared === 0) {
    throw new Error(
      'moe: a granitemoehybrid model has a shared network and experts of kind "swiglu", a router "softmax-topk" and no balance.',
    );
  }
  requireAbsent("granitemoehybrid", { "moe.routedScale": moe.routedScale });
  return {
    num_local_experts: moe.experts,
    num_experts_per_tok: moe.topK,
    intermediate_size: moe.dExpert,
    shared_intermediate_size: moe.dShared,
  };
}

function networkMappings(
  { moe, ffn }: ModelConfig,
  layer: string,
  has: (name: string) => boolean = () => true,
): Mapping[] {
  const ours = `${layer}.mlp${moe ? ".shared" : ""}`;
  const width = moe ? moe.dShared : ffn!.dFfn;
  const gateUp = [`${ours}.gate_proj.weight`, `${ours}.up_proj.weight`];
  const shared = [
    joined(gateUp, `${layer}.shared_mlp.input_linear.weight`, [width, width]),
    renamed(`${ours}.down_proj.weight`, `${layer}.shared_mlp.output_linear.weight`),
  ];
  if (!moe) return shared;
  // Names in files, and those that transformers 5 has inside.
  const names = [
    ["router.weight", "router.layer.weight", "router.weight"],
    ["experts.gate_up_proj", "input_linear.weight", "experts.gate_up_proj"],
    ["experts.down_proj", "output_linear.weight", "experts.down_proj"],
  ];
  const inFile =
    has(`${layer}.block_sparse_moe.input_linear.weight`) || !has(`${layer}.block_sparse_moe.experts.gate_up_proj`);
  return [
    ...shared,
    ...names.map(([ours, file, inside]) =>
      renamed(`${layer}.mlp.${ours}`, `${layer}.block_sparse_moe.${inFile ? file : inside}`),
    ),
  ];
}
