/** The operations that blocks are made of, for blocks from outside the package: each records its backward pass on the tape. */

export { type Activation, activate, gated } from "./activation.js";
export { type AttentionOptions, attention } from "./attention.js";
export { attentionStep, createKvCache, type KvCache } from "./attention-decode.js";
export { concatColumns, type SliceOptions, sliceColumns } from "./columns.js";
export { type BranchScale, type CombineOptions, combine, scaleChannels } from "./combine.js";
export { type ConvOptions, convSilu } from "./conv1d.js";
export { gate } from "./gate.js";
export { type ExpandHeadsOptions, expandHeads } from "./heads.js";
export { type LinearOptions, linear } from "./linear.js";
export { type GatedRmsNormOptions, type GroupNormOptions, gatedRmsNorm, groupNorm, rmsNorm } from "./norm.js";
export { scale, scaleColumns } from "./scale.js";
export type { ScanInputs, ScanWeights, SelectiveScanOptions } from "./scan-inputs.js";
export { selectiveScan, selectiveScanStep } from "./selective-scan.js";
export { type SsdOptions, ssd } from "./ssd.js";
export { convSiluStep, ssdStep } from "./ssd-decode.js";
export type { Tape } from "./tape.js";
