import type { ModelConfig } from "./types.js";

const BUILDABLE = "TSM";

/**
 * Throws when the GPU model cannot build a layer of the pattern yet. `parseConfig` accepts such patterns (`H`) all the
 * same, because the cost model covers them.
 */
export function requireBuildable(config: ModelConfig): void {
  const index = [...config.pattern].findIndex((letter) => !BUILDABLE.includes(letter));
  if (index < 0) return;
  throw new Error(
    `pattern: layer ${index + 1} is ${config.pattern[index]}, which can be costed but not built yet; ` +
      "models are built from T (attention), S (sliding window) and M (Mamba-2).",
  );
}
