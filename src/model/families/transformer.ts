/** What the transformer parts of several families have in common. */

import { section } from "../../config/blocks/block.js";
import { blocksOf } from "../../config/blocks/table.js";
import { parameterTable } from "../../config/parameters.js";
import type { FfnConfig, ModelConfig, RopeConfig } from "../../config/types.js";
import type { Fields, Json } from "./fields.js";
import { type Mapping, renamed } from "./mapping.js";

/**
 * Rotary embedding of a config.json: `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling` (before).
 * @param headDim for the number of elements that turn, where `partial_rotary_factor` says that not all do
 */
export function readRope(fields: Fields, headDim: number, theta = 10_000): RopeConfig {
  const now = fields.inside("rope_parameters");
  const scaling = now ?? fields.inside("rope_scaling");
  const type = scaling && (scaling.json.rope_type ?? scaling.json.type ?? "default");
  if (scaling && type !== "default" && type !== "llama3") {
    throw new Error(
      `${fields.path}: ${now ? "rope_parameters" : "rope_scaling"}.rope_type is ${JSON.stringify(type)}; braid has "default" and "llama3" only.`,
    );
  }
  const factor = (now ?? fields).number("partial_rotary_factor", fields.number("partial_rotary_factor", 1));
  return {
    theta: (now ?? fields).number("rope_theta", fields.number("rope_theta", theta)),
    ...(factor !== 1 && { dim: Math.floor(headDim * factor) }),
    ...(scaling &&
      type === "llama3" && {
        scaling: {
          factor: scaling.number("factor"),
          lowFrequency: scaling.number("low_freq_factor"),
          highFrequency: scaling.number("high_freq_factor"),
          originalContext: scaling.count("original_max_position_embeddings"),
        },
      }),
  };
}

/** The reverse of `readRope`, as transformers 5 writes it. */
export function writeRope(rope: RopeConfig, headDim: number): Json {
  const { theta, dim, scaling } = rope;
  return {
    rope_type: scaling ? "llama3" : "default",
    rope_theta: theta,
    ...(dim !== undefined && dim !== headDim && { partial_rotary_factor: dim / headDim }),
    ...(scaling && {
      factor: scaling.factor,
      low_freq_factor: scaling.lowFrequency,
      high_freq_factor: scaling.highFrequency,
      original_max_position_embeddings: scaling.originalContext,
    }),
  };
}

/** `readRope` of families that always turn whole heads. @throws Error when the file asks for less */
export function readWholeRope(fields: Fields, headDim: number): RopeConfig {
  const { dim, ...rope } = readRope(fields, headDim);
  if (dim === undefined || dim === headDim) return rope;
  throw new Error(`${fields.path}: partial_rotary_factor is ${dim / headDim}, but these models turn whole heads.`);
}

/** The reverse. @throws Error naming the config's field when less than whole heads turn */
export function writeWholeRope(rope: RopeConfig, field: string, headDim: number): Json {
  if (rope.dim === undefined || rope.dim === headDim) return writeRope(rope, headDim);
  throw new Error(`${field}.dim: ${rope.dim}, but these models turn whole heads, ${headDim}.`);
}

/** For `named`: what Bamba, Falcon-H1 and Jamba call their last norm, their second norms and their networks. */
export const feedForwardNames = [
  [/^model\.norm\./, "model.final_layernorm."],
  [/\.post_attention_layernorm\./, ".pre_ff_layernorm."],
  [/\.mlp\./, ".feed_forward."],
] as const;

/**
 * Every weight of a config under the name that `rename` gives it, but for those that `others` map.
 * @param rename pairs of what to look for in braid's names and what the family has instead, all applied in order
 */
export function named(
  config: ModelConfig,
  rename: readonly (readonly [RegExp, string])[] = [],
  others: Mapping[] = [],
): Mapping[] {
  const mapped = new Set(others.flatMap(({ ours }) => ours));
  const rest = parameterTable(config).flatMap(({ name }) => (mapped.has(name) ? [] : [name]));
  const theirs = (name: string) => rename.reduce((text, [pattern, instead]) => text.replace(pattern, instead), name);
  return [...others, ...rest.map((name) => renamed(name, theirs(name)))];
}

/** @throws Error when the model has other layers than those of `patterns`, each with the feed-forward letter given. */
export function requireLayers(config: ModelConfig, family: string, mixers: string, ffns: string): void {
  for (const { spec, layer } of blocksOf(config)) {
    const allowed = spec.role === "mixer" ? mixers : ffns;
    if (allowed.includes(spec.letter)) continue;
    const field = spec.role === "mixer" ? "pattern" : "ffnPattern";
    throw new Error(
      `${field}: layer ${layer + 1} is ${spec.letter} (${spec.meaning}), which a ${family} model cannot have.`,
    );
  }
}

/** @throws Error when the config has a field that the family has no key for */
export function requireAbsent(family: string, fields: Record<string, unknown>): void {
  const [name] = Object.entries(fields).find(([, value]) => value !== undefined && value !== null) ?? [];
  if (name) throw new Error(`${name}: a ${family} model has no such setting; leave it out.`);
}

/**
 * The section `ffn` of a family whose networks are all of one kind.
 * @throws Error when they are of another, or have factors, for which these families have no keys
 */
export function plainNetworks(config: ModelConfig, family: string, kind: FfnConfig["kind"]): FfnConfig {
  const ffn = section(config, "ffn");
  if (ffn.kind !== kind) throw new Error(`ffn.kind: ${ffn.kind}, but ${family}'s networks are "${kind}".`);
  requireAbsent(family, { "ffn.multipliers": ffn.multipliers });
  return ffn;
}

/** Names of kinds of layer that published files have and transformers 5 has renamed. */
const renamedTypes: Record<string, string> = { mamba: "linear_attention", attention: "full_attention" };

/**
 * A list of each layer's kind; where the key is missing, Mamba in every layer.
 * @throws Error when it has another kind than those allowed
 */
export function layerTypes(
  fields: Fields,
  key: string,
  layers: number,
  allowed: readonly string[] = ["linear_attention", "full_attention"],
): string[] {
  // Both spellings of the key are about.
  const at = fields.json[key] === undefined ? "layer_types" : key;
  const found = (fields.texts(at) ?? new Array<string>(layers).fill("mamba")).map((type) => renamedTypes[type] ?? type);
  const odd = found.findIndex((type) => !allowed.includes(type));
  if (odd >= 0) {
    throw new Error(
      `${fields.path}: ${at} has "${found[odd]}" for layer ${odd + 1}; braid has ${allowed.join(", ")} there.`,
    );
  }
  return found;
}

/** Key-value heads: null means as many as query heads, and so does a missing key unless the family has another `default`. */
export function kvHeads(fields: Fields, heads: number, missing = heads): number {
  return fields.count("num_key_value_heads", fields.json.num_key_value_heads === null ? heads : missing);
}

export function requireSilu(fields: Fields, key = "hidden_act"): void {
  fields.only(key, "silu", "swish");
}
