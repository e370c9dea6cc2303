import type { ModelConfig } from "./types.js";

const BUILDABLE = "TSM";

/**
 * Throws when the GPU model cannot build a layer of the pattern yet. `parseConfig` accepts such patterns (`H`) all the
 * same, because the cost model covers them.
 */
export function requireBuildable(config: ModelConfig): void {
  const index = [...config.pattern].findIndex((letter) => !BUILDABLE.includes(letter));
  if (index >= 0) {
    throw new Error(
      `pattern: layer ${index + 1} is ${config.pattern[index]}, which can be costed but not built yet; ` +
        "models are built from T (attention), S (sliding window) and M (Mamba-2).",
    );
  }
  const { pattern, attention, ssm } = config;
  const sizes: [field: string, size: number | undefined, most: number][] = [
    ["attention.headDim", /[TS]/.test(pattern) ? attention?.headDim : undefined, 128],
    ["ssm.headDim", pattern.includes("M") ? ssm?.headDim : undefined, Number.POSITIVE_INFINITY],
    ["ssm.dState", pattern.includes("M") ? ssm?.dState : undefined, Number.POSITIVE_INFINITY],
  ];
  // The kernels of attention and of the scan read four numbers at a time.
  for (const [field, size, most] of sizes) {
    if (size === undefined || (size % 4 === 0 && size <= most)) continue;
    const limit = Number.isFinite(most) ? ` of at most ${most}` : "";
    throw new Error(`${field}: ${size} can be costed but not built; it must be a multiple of 4${limit}.`);
  }
}
