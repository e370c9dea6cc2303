import { blocksOf } from "./blocks/table.js";
import type { ModelConfig } from "./types.js";

/**
 * Throws when the kernels cannot take a size of the config. `parseConfig` accepts such configs all the same, because they
 * can be costed.
 */
export function requireBuildable(config: ModelConfig): void {
  for (const spec of new Set(blocksOf(config).map((block) => block.spec))) spec.requireBuildable?.(config);
}
