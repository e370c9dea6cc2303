/** Zamba2 (`Zamba2ForCausalLM`): Mamba-2 layers, some of them behind one of a few shared transformer blocks. */

import { section } from "../../config/blocks/block.js";
import { parseConfig } from "../../config/schema.js";
import type { ModelConfig, ZambaConfig } from "../../config/types.js";
import type { Family } from "./family.js";
import type { Fields } from "./fields.js";
import { expansion, ownChunk, requireGatedNorm, startRanges } from "./mamba.js";
import type { Mapping } from "./mapping.js";
import { layerTypes, named, readWholeRope, requireAbsent, requireLayers, writeWholeRope } from "./transformer.js";

/** The norm at the gate has this eps whatever the file says; braid has one for all norms. */
const normEps = 1e-5;

/** Our letters for their kinds of layer. */
const letters: Record<string, string> = { linear_attention: "M", hybrid: "Z" };
/** Of files that don't say: that of Zamba2-2.7B. */
const usualPattern = `M${"MMMMMZ".repeat(7)}MMMMZMMMZMM`;

function patternOf(fields: Fields): string {
  if (!fields.json.layers_block_type && !fields.json.layer_types) return usualPattern;
  const types = layerTypes(fields, "layers_block_type", 0, Object.keys(letters));
  fields.only("num_hidden_layers", types.length);
  return types.map((type) => letters[type]).join("");
}

export const zamba2: Family = {
  type: "zamba2",
  architecture: "Zamba2ForCausalLM",
  config(fields) {
    const dModel = fields.count("hidden_size", 2560);
    const dSsm = dModel * fields.count("mamba_expand", 2);
    const nHeads = fields.count("n_mamba_heads", 8);
    const groups = fields.count("mamba_ngroups", 1);
    const heads = fields.count("num_attention_heads", 32);
    // Both follow from the widths; files repeat them.
    const headDim = fields.only("attention_head_dim", (2 * dModel) / heads);
    const ssmHeadDim = fields.only("mamba_headdim", dSsm / nHeads);
    fields.only("add_bias_linear", false);
    fields.only("hidden_act", "gelu");
    // Releases of transformers differ in what it does to the rotation.
    fields.only("use_long_context", false);
    fields.only("rms_norm_eps", normEps);
    // An untied head would untie the shared blocks as well.
    fields.only("tie_word_embeddings", true);
    const least = fields.number("time_step_min", 0.001);
    return parseConfig({
      vocabSize: fields.count("vocab_size", 32_000),
      dModel,
      pattern: patternOf(fields),
      zamba: {
        blocks: fields.count("num_mem_blocks", 1),
        heads,
        kvHeads: fields.count("num_key_value_heads", heads),
        headDim,
        rope: fields.flag("use_mem_rope", false) ? readWholeRope(fields, headDim) : null,
        dFfn: fields.count("intermediate_size", 4 * dModel),
        adapterRank: fields.count("adapter_rank", 128),
        attentionAdapter: fields.flag("use_shared_attention_adapter", false),
      },
      ssm: {
        dSsm,
        headDim: ssmHeadDim,
        dState: fields.count("mamba_d_state", 64),
        groups,
        conv: fields.count("mamba_d_conv", 4),
        chunk: ownChunk,
        aRange: startRanges.aRange,
        dtRange: [least, fields.number("time_step_max", 0.1)],
        dtLimit: { least },
        ...(groups > 1 && { norm: { groups, gateFirst: true } }),
      },
      tieEmbeddings: true,
      normEps,
    });
  },
  json(config) {
    requireLayers(config, "zamba2", "MZ", "");
    const { dModel, pattern, ssm, zamba } = config;
    if (!ssm || !zamba) throw new Error("pattern: a zamba2 model needs the sections ssm and zamba.");
    requireGatedNorm(config, "zamba2", ssm.groups);
    requireAbsent("zamba2", { multipliers: config.multipliers });
    requireZamba2(config, zamba);
    return {
      vocab_size: config.vocabSize,
      hidden_size: dModel,
      num_hidden_layers: pattern.length,
      layers_block_type: [...pattern].map((letter) => (letter === "Z" ? "hybrid" : "linear_attention")),
      num_mem_blocks: zamba.blocks,
      num_attention_heads: zamba.heads,
      num_key_value_heads: zamba.kvHeads,
      use_mem_rope: zamba.rope !== null,
      ...(zamba.rope && { rope_parameters: writeWholeRope(zamba.rope, "zamba.rope", zamba.headDim) }),
      intermediate_size: zamba.dFfn,
      hidden_act: "gelu",
      add_bias_linear: false,
      adapter_rank: zamba.adapterRank,
      use_shared_attention_adapter: zamba.attentionAdapter,
      mamba_expand: expansion(config.dModel, config.ssm!.dSsm, "ssm.dSsm", "zamba2"),
      n_mamba_heads: ssm.dSsm / ssm.headDim,
      mamba_d_state: ssm.dState,
      mamba_ngroups: ssm.groups,
      mamba_d_conv: ssm.conv,
      chunk_size: 256,
      use_conv_bias: true,
      time_step_min: ssm.dtRange[0],
      time_step_max: ssm.dtRange[1],
      rms_norm_eps: config.normEps,
      tie_word_embeddings: true,
    };
  },
  mappings(config, has) {
    const layers = [...config.pattern].flatMap((letter, layer) => (letter === "Z" ? [layer] : []));
    const behind = new RegExp(`^model\\.layers\\.(${layers.join("|")})\\.(input_layernorm|mamba)\\.`);
    return named(
      config,
      [
        [/^model\.norm\./, "model.final_layernorm."],
        [behind, "model.layers.$1.mamba_decoder.$2."],
      ],
      layers.length > 0 ? sharedMappings(config, layers, has) : [],
    );
  },
};

/** @throws Error naming what a zamba2 model has no key for */
function requireZamba2({ dModel, ssm, tieEmbeddings, normEps: eps }: ModelConfig, zamba: ZambaConfig): void {
  const { heads, kvHeads, headDim, attentionAdapter } = zamba;
  if (heads * headDim !== 2 * dModel) {
    throw new Error(`zamba.headDim: ${headDim}, but a zamba2 model has 2 · dModel / heads, ${(2 * dModel) / heads}.`);
  }
  if (attentionAdapter && kvHeads !== heads) {
    throw new Error(`zamba.kvHeads: ${kvHeads}, but zamba2's adapters of keys and values need zamba.heads, ${heads}.`);
  }
  const { least, most } = ssm!.dtLimit ?? {};
  if (least !== ssm!.dtRange[0] || most !== undefined) {
    throw new Error("ssm.dtLimit: a zamba2 model holds dt above the least of dtRange, and not below anything.");
  }
  if (!tieEmbeddings) throw new Error("tieEmbeddings: false, but a zamba2 model's head is the embedding.");
  if (eps !== normEps) throw new Error(`normEps: ${eps}, but a zamba2 model has ${normEps}.`);
}

/** The weights of the shared blocks, and the adapters, which lie inside the blocks, one slot for each hybrid layer. */
function sharedMappings(config: ModelConfig, layers: number[], has?: (name: string) => boolean): Mapping[] {
  const { blocks, attentionAdapter } = section(config, "zamba");
  /** Saved below the first layer of those that use the block; some files repeat it below the others. */
  const one = (ours: string, use: number, name: string) => {
    const users = layers.filter((_, other) => other % blocks === use % blocks);
    const places = users.map((layer) => `model.layers.${layer}.shared_transformer.${name}.weight`);
    return copied(ours, has ? places.filter(has) : [], places[0]);
  };
  const own = [
    ...["input_layernorm", "pre_ff_layernorm"].map((name) => [name, name]),
    ...["q", "k", "v", "o"].map((name) => [`self_attn.${name}_proj`, `self_attn.${name}_proj`]),
    ...["gate_up_proj", "down_proj"].map((name) => [`mlp.${name}`, `feed_forward.${name}`]),
  ];
  const adapters = [
    ["gate_up_proj", "feed_forward.gate_up_proj_adapter_list"],
    ...(attentionAdapter ? ["q", "k", "v"] : []).map((name) => [
      `${name}_proj`,
      `self_attn.linear_${name}_adapter_list`,
    ]),
  ];
  return layers.flatMap((layer, use) => [
    ...(use < blocks ? own.map(([ours, theirs]) => one(`model.shared.${use}.${ours}.weight`, use, theirs)) : []),
    ...adapters.flatMap(([ours, theirs]) =>
      ["down", "up"].map((half, i) =>
        one(`model.layers.${layer}.adapters.${ours}.${half}.weight`, use, `${theirs}.${use}.${i}`),
      ),
    ),
  ]);
}

/** A tensor that a file has once, or in equal copies. */
function copied(ours: string, found: string[], first: string): Mapping {
  const theirs = found.length > 0 ? found : [first];
  return {
    ours: [ours],
    theirs,
    read([tensor, ...copies]) {
      const other = copies.findIndex(({ values }) => values.some((value, i) => !Object.is(value, tensor.values[i])));
      if (other < 0) return [tensor];
      throw new Error(`tensors ${theirs[0]} and ${theirs[other + 1]} differ, but a shared block has one of them.`);
    },
    write: ([tensor]) => theirs.map(() => tensor),
  };
}
