/** The models that findings compare, by pattern: matched in weights at a recorded size, toys at smoke size. */

import { blockRatioPattern, countParameters, familyPattern, matchParameters, preset } from "../config/index.js";
import type { ModelConfig } from "../config/types.js";
import type { RunSize } from "./protocol.js";
import type { Architecture } from "./theme.js";

/** Layers of all hybrids and of Mamba at small sizes, as at 1B. */
export const hybridLayers = 13;

/** The non-embedding weights that every compared model of a size has, within 2 %: those of the 1:5 inter-hybrid. */
function target(size: Exclude<RunSize, "smoke">, vocabSize: number): number {
  return countParameters(preset(size, { pattern: blockRatioPattern(size, "1:5"), vocabSize })).nonEmbedding;
}

/** A preset with the feed-forward width that matches it to the other models of its size (Table 16's models differ by 4 %). */
export function matched(config: ModelConfig, size: Exclude<RunSize, "smoke">): ModelConfig {
  return matchParameters(config, target(size, config.vocabSize));
}

/**
 * A pattern as a matched model of a size, or as a toy.
 * @param smokePattern layers of the toy; the same by default
 */
export function patternModel(pattern: string, smokePattern = pattern) {
  return (size: RunSize, vocabSize: number): ModelConfig =>
    size === "smoke" ? toy(smokePattern, vocabSize) : matched(preset(size, { pattern, vocabSize }), size);
}

/** A model that a software adapter trains in a second; not matched in weights. */
export function toy(pattern: string, vocabSize?: number): ModelConfig {
  const config = preset("nano", { pattern, vocabSize });
  // Differential attention pairs its heads, those of keys and values too.
  const heads = pattern.includes("D") ? { heads: 4, kvHeads: 2, headDim: 8 } : { heads: 2, kvHeads: 1, headDim: 16 };
  return {
    ...config,
    dModel: 32,
    ffn: { kind: "swiglu", dFfn: 64 },
    ...(config.attention && { attention: { ...config.attention, ...heads } }),
    ...(config.ssm && { ssm: { ...config.ssm, dSsm: 64, headDim: 32, dState: 16, chunk: 32 } }),
    ...(config.hybrid && { hybrid: { ...config.hybrid, heads: 2, kvHeads: 1, dQk: 16, dSsm: 32 } }),
  };
}

/** The four architectures of Tables 2, 4, 14 and 15: both parents, and hybrids of the ratio 1:5. */
export const fourArchitectures = ["transformer", "mamba", "inter", "intra"] as const satisfies readonly Architecture[];
export type FourArchitecture = (typeof fourArchitectures)[number];

/** Layers of their toys. */
export const smokePatterns: Readonly<Record<FourArchitecture, string>> = {
  transformer: "TT",
  mamba: "MM",
  inter: "MTM",
  intra: "MHM",
};

/** The layers of one of the four at a size. */
export const architecturePattern = (key: FourArchitecture, size: Exclude<RunSize, "smoke">): string =>
  familyPattern(size, key === "transformer" ? "llama" : key);

/** One of the four as a model of a size, labelled as the workbook's figures do. */
export function architectureModel(key: FourArchitecture) {
  return (size: RunSize, vocabSize: number): ModelConfig =>
    patternModel(size === "smoke" ? "" : architecturePattern(key, size), smokePatterns[key])(size, vocabSize);
}
