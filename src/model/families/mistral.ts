/** Mistral (`MistralForCausalLM`): Llama with every layer's attention in a sliding window, or none. */

import { parseConfig } from "../../config/schema.js";
import type { Family } from "./family.js";
import { readLlama, writeLlama } from "./llama.js";
import { named, requireLayers } from "./transformer.js";

export const mistral: Family = {
  type: "mistral",
  architecture: "MistralForCausalLM",
  config(fields) {
    const full = readLlama(fields, { dFfn: 14_336, kvHeads: 8 });
    if (fields.json.layer_types) throw fields.wrong("layer_types", "left out: braid has Mistrals of one kind of layer");
    if (fields.json.sliding_window === null) return full;
    return parseConfig({
      ...full,
      pattern: "S".repeat(full.pattern.length),
      window: { size: fields.count("sliding_window", 4096), sink: 0, rope: full.attention!.rope },
    });
  },
  json(config) {
    const { window, attention, pattern, ...rest } = config;
    requireLayers(config, "mistral", new Set(pattern).size === 1 ? "ST" : pattern[0], "F");
    const sliding = pattern.startsWith("S");
    if (sliding && window!.sink !== 0)
      throw new Error(`window.sink: ${window!.sink}, but a mistral window has no sink.`);
    const rope = sliding ? window!.rope : attention!.rope;
    const keys = writeLlama({ ...rest, pattern: "T".repeat(pattern.length), attention: { ...attention!, rope } });
    return { ...keys, sliding_window: sliding ? window!.size : null };
  },
  mappings: (config) => named(config),
};
