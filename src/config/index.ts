export type { Activation } from "./blocks/activations.js";
export * as activations from "./blocks/activations.js";
export type { BlockCost, BlockSpec, ParameterSpec, Place as BlockPlace, Random, Section } from "./blocks/block.js";
export { section } from "./blocks/block.js";
export { type SsmWidths, ssmWidths } from "./blocks/mamba2.js";
export { blocksOf, ffnPatternOf, specOf, specs } from "./blocks/table.js";
export * as weights from "./blocks/weights.js";
export { requireBuildable } from "./buildable.js";
export { type ExpertCounts, PAPER_EXPERTS, withExperts } from "./experts.js";
export { KNOWN, type KnownModel, known, knownModel } from "./known/index.js";
export { type PresetRow, presetRows } from "./known/table.js";
export { matchParameters } from "./match.js";
export { type PaperSet, paperSet, paperSets } from "./paper-sets.js";
export { countParameters, type ParameterCount, parameterTable } from "./parameters.js";
export {
  expensiveCount,
  indicesOf,
  PLACES,
  type Place,
  patternFromIndices,
  placeLayers,
  type RatioOptions,
  ratioPattern,
} from "./patterns.js";
export {
  BLOCK_RATIOS,
  blockRatioPattern,
  FAMILIES,
  type Family,
  familyPattern,
  PAPER_SIZES,
  type PresetOptions,
  parseSize,
  preset,
  SIZES,
  type Size,
  SMALL_SIZES,
} from "./presets.js";
export { parseConfig } from "./schema.js";
export type * from "./types.js";
