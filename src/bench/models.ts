import { FAMILIES, familyPattern, parseSize, preset } from "../config/presets.js";
import type { ModelConfig } from "../config/types.js";

/** A model under the name that its user gave it. */
export interface NamedModel {
  name: string;
  config: ModelConfig;
}

/**
 * Models of one size: `list` has families ("inter", "mamba", "llama", …) and patterns of letters, separated by commas.
 * @throws Error when the size is unknown, or a name neither a family nor a pattern
 */
export function namedModels(size: string, list: string): NamedModel[] {
  const known = parseSize(size);
  return list.split(",").map((text) => {
    const name = text.trim();
    const family = FAMILIES.find((family) => family === name);
    if (!family && !/^[A-Z]+$/.test(name)) {
      throw new Error(`--pattern: "${name}" is neither one of ${FAMILIES.join(", ")} nor a pattern of letters.`);
    }
    return { name, config: preset(known, { pattern: family ? familyPattern(known, family) : name }) };
  });
}
