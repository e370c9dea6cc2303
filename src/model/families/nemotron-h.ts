/**
 * Nemotron-H (`NemotronHForCausalLM`): each layer is one block, a Mamba-2 or NoPE attention mixer or a network with relu²,
 * dense or of experts. In braid's patterns: a letter in `pattern` or in `ffnPattern`, and "-" in the other.
 */

import { ffnPatternOf } from "../../config/blocks/table.js";
import { parseConfig } from "../../config/schema.js";
import type { ModelConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields } from "./fields.js";
import { ownChunk, requireGatedNorm, startRanges, writeTimeStepLimit } from "./mamba.js";
import { backboneNames } from "./mamba2.js";
import { type Mapping, renamed, stacked } from "./mapping.js";
import { kvHeads, layerTypes, named, plainNetworks, requireAbsent, requireLayers } from "./transformer.js";

/** Our letters for their kinds of layer: a mixer, or a network. */
const letters: Record<string, [mixer: string, ffn: string]> = {
  linear_attention: ["M", "-"],
  full_attention: ["T", "-"],
  mlp: ["-", "F"],
  moe: ["-", "E"],
};
/** Letters of `hybrid_override_pattern`, which older files have. */
const ofOverride: Record<string, string> = { M: "linear_attention", "*": "full_attention", "-": "mlp", E: "moe" };

export const nemotronH: Family = {
  type: "nemotron_h",
  architecture: "NemotronHForCausalLM",
  config(fields) {
    const types = typesOf(fields);
    const has = (type: string) => types.includes(type);
    const heads = fields.count("num_attention_heads", 32);
    for (const key of ["attention_bias", "mlp_bias", "use_bias", "mamba_proj_bias"]) fields.only(key, false);
    fields.only("use_conv_bias", true);
    fields.only("mamba_conv_bias", true);
    fields.only("mamba_hidden_act", "silu");
    fields.only("mlp_hidden_act", "relu2");
    fields.only("num_nextn_predict_layers", 0);
    if ((fields.json.sliding_window ?? null) !== null) fields.only("sliding_window", 0);
    fields.only("tie_word_embeddings", false);
    const groups = fields.count("mamba_n_groups", fields.count("n_groups", 8));
    const headDim = fields.count("mamba_head_dim", 64);
    const least = fields.number("mamba_dt_min", fields.number("time_step_min", 0.001));
    return parseConfig({
      vocabSize: fields.count("vocab_size", 131_072),
      dModel: fields.count("hidden_size", 4096),
      pattern: types.map((type) => letters[type][0]).join(""),
      ffnPattern: types.map((type) => letters[type][1]).join(""),
      ...(has("mlp") && { ffn: { kind: "relu2", dFfn: fields.count("intermediate_size", 21_504) } }),
      ...(has("moe") && { moe: experts(fields) }),
      ...(has("full_attention") && {
        attention: {
          heads,
          kvHeads: kvHeads(fields, heads, 8),
          headDim: fields.count("head_dim", fields.count("attention_head_dim", 128)),
          rope: null,
        },
      }),
      ...(has("linear_attention") && {
        ssm: {
          dSsm: fields.count("mamba_num_heads", 128) * headDim,
          headDim,
          dState: fields.count("ssm_state_size", 128),
          groups,
          conv: fields.count("mamba_d_conv", fields.count("conv_kernel", 4)),
          chunk: ownChunk,
          aRange: startRanges.aRange,
          dtRange: [least, fields.number("mamba_dt_max", fields.number("time_step_max", 0.1))],
          // transformers holds dt above time_step_min; the file's own time_step_limit it does not read.
          ...(least > 0 && { dtLimit: { least } }),
          norm: { groups, gateFirst: true },
        },
      }),
      tieEmbeddings: false,
      normEps: fields.number("layer_norm_epsilon", 1e-5),
    });
  },
  json(config) {
    requireLayers(config, "nemotron_h", "MT", "FE");
    const { attention, ssm, ffn, pattern } = config;
    const ffns = [...ffnPatternOf(config)];
    const types = [...pattern].map((mixer, i) => {
      const type = Object.keys(letters).find((key) => letters[key][0] === mixer && letters[key][1] === ffns[i]);
      if (type) return type;
      throw new Error(`pattern: layer ${i + 1} has a mixer and a network; a nemotron_h layer is one of the two.`);
    });
    if (config.tieEmbeddings) throw new Error("tieEmbeddings: true, but a nemotron_h model has a head of its own.");
    requireAbsent("nemotron_h", {
      multipliers: config.multipliers,
      "attention.rope": attention?.rope,
      "attention.scale": attention?.scale,
      "attention.valueDim": attention?.valueDim,
    });
    if (ffn) plainNetworks(config, "nemotron_h", "relu2");
    if (ssm) {
      requireGatedNorm(config, "nemotron_h", ssm.groups);
      if ((ssm.dtLimit?.least ?? 0) !== ssm.dtRange[0] || ssm.dtLimit?.most !== undefined) {
        throw new Error("ssm.dtLimit: a nemotron_h model holds dt above the least of dtRange, and not below anything.");
      }
    }
    return {
      vocab_size: config.vocabSize,
      hidden_size: config.dModel,
      layers_block_type: types,
      num_hidden_layers: pattern.length,
      mlp_hidden_act: "relu2",
      ...(ffn && { intermediate_size: ffn.dFfn }),
      ...expertKeys(config),
      ...(attention && {
        num_attention_heads: attention.heads,
        num_key_value_heads: attention.kvHeads,
        head_dim: attention.headDim,
      }),
      ...(ssm && {
        mamba_num_heads: ssm.dSsm / ssm.headDim,
        mamba_head_dim: ssm.headDim,
        ssm_state_size: ssm.dState,
        n_groups: ssm.groups,
        conv_kernel: ssm.conv,
        chunk_size: 128,
        time_step_min: ssm.dtRange[0],
        time_step_max: ssm.dtRange[1],
        time_step_limit: writeTimeStepLimit(undefined),
        use_conv_bias: true,
      }),
      layer_norm_epsilon: config.normEps,
      tie_word_embeddings: false,
    };
  },
  mappings(config, has = () => true) {
    const backbone = !has("model.embeddings.weight") || has("backbone.embeddings.weight");
    const fused = (layer: number) => has(`model.layers.${layer}.mixer.experts.up_proj`) && !backbone;
    const layers = [...ffnPatternOf(config)].flatMap((letter, layer) =>
      letter === "E" ? expertMappings(config, layer, fused(layer)) : [],
    );
    return named(config, backboneNames, layers).map((mapping) => (backbone ? mapping : belowModel(mapping)));
  },
  ignored: /^mtp\./,
};

/** transformers 5 calls the backbone "model" inside, and some files do. */
function belowModel(mapping: Mapping): Mapping {
  return { ...mapping, theirs: mapping.theirs.map((name) => name.replace(/^backbone\./, "model.")) };
}

function typesOf(fields: Fields): string[] {
  const override = fields.json.hybrid_override_pattern;
  if (override === undefined || override === null || fields.json.layers_block_type) {
    return layerTypes(fields, "layers_block_type", fields.count("num_hidden_layers", 4), Object.keys(letters));
  }
  return [...fields.text("hybrid_override_pattern")].map((letter) => {
    const type = ofOverride[letter];
    if (type) return type;
    throw new Error(`${fields.path}: hybrid_override_pattern has "${letter}"; its letters are M, *, - and E.`);
  });
}

function experts(fields: Fields): NonNullable<ModelConfig["moe"]> {
  fields.only("n_group", 1);
  fields.only("topk_group", 1);
  if ((fields.json.moe_latent_size ?? null) !== null) fields.only("moe_latent_size", 0);
  const routedScale = fields.number("routed_scaling_factor", 1);
  return {
    experts: fields.count("n_routed_experts", 8),
    topK: fields.count("num_experts_per_tok", 2),
    dExpert: fields.count("moe_intermediate_size", 7688),
    dShared: fields.count("moe_shared_expert_intermediate_size", 7688),
    kind: "relu2",
    router: "sigmoid",
    normalise: fields.flag("norm_topk_prob", true),
    ...(routedScale !== 1 && { routedScale }),
    // The files have a correction bias; what step its training took they do not say.
    balance: { step: 0 },
  };
}

function expertKeys({ moe }: ModelConfig) {
  if (!moe) return {};
  if (moe.kind !== "relu2" || moe.router !== "sigmoid" || !moe.balance || moe.dShared === 0) {
    throw new Error(
      'moe: a nemotron_h model has a shared network and experts of kind "relu2", a router "sigmoid" and a balance.',
    );
  }
  return {
    n_routed_experts: moe.experts,
    n_shared_experts: 1,
    num_experts_per_tok: moe.topK,
    moe_intermediate_size: moe.dExpert,
    moe_shared_expert_intermediate_size: moe.dShared,
    norm_topk_prob: moe.normalise,
    routed_scaling_factor: moe.routedScale ?? 1,
    n_group: 1,
    topk_group: 1,
  };
}

/** Experts one by one, as files have them, or `fused`, as transformers 5 has them inside. */
function expertMappings({ moe }: ModelConfig, layer: number, fused: boolean): Mapping[] {
  const ours = `model.layers.${layer}.mlp`;
  const theirs = `backbone.layers.${layer}.mixer`;
  const each = (part: string) =>
    Array.from({ length: moe!.experts }, (_, expert) => `${theirs}.experts.${expert}.${part}.weight`);
  return [
    renamed(`${ours}.router.weight`, `${theirs}.gate.weight`),
    renamed(`${ours}.expert_bias`, `${theirs}.gate.e_score_correction_bias`),
    ...(fused
      ? ["up_proj", "down_proj"].map((part) => renamed(ourExperts(ours, part), `${theirs}.experts.${part}`))
      : ["up_proj", "down_proj"].map((part) => stacked(ourExperts(ours, part), each(part)))),
    ...["up_proj", "down_proj"].map((part) =>
      renamed(`${ours}.shared.${part}.weight`, `${theirs}.shared_experts.${part}.weight`),
    ),
  ];
}

const ourExperts = (mlp: string, part: string) => `${mlp}.experts.${part === "up_proj" ? "gate_up_proj" : part}`;
