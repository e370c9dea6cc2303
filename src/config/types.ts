/**
 * The one description of a model (design §3): plain JSON, checked by `parseConfig`. Everything else derives from it.
 * What a kind of layer needs beyond these fields is a section of its own (`attention`, `ssm`, …), declared in the layer's file
 * in `blocks/`.
 */

export type { AttentionConfig, RopeConfig, RopeScaling, WindowConfig } from "./blocks/attention.js";
export type { DifferentialConfig } from "./blocks/differential.js";
export type { FfnConfig } from "./blocks/feed-forward.js";
export type { HybridConfig } from "./blocks/hybrid.js";
export type { Mamba1Config } from "./blocks/mamba1.js";
export type { GatedNormConfig, SsmConfig } from "./blocks/mamba2.js";
export type { MoeConfig } from "./blocks/moe.js";
export type { ParallelMultipliers } from "./blocks/parallel.js";
export type { ZambaConfig } from "./blocks/zamba.js";

/** One layer's mixer or feed-forward network: a letter of the pattern table (`blocks/table.ts`), or "-" for none. */
export type LayerKind = string;

/** Constant factors that some published models multiply their activations by; 1 where left out. */
export interface Multipliers {
  /** The embedded tokens. */
  embedding?: number;
  /** What each block adds to the residual stream. */
  residual?: number;
  logits?: number;
}

export interface ModelConfig {
  vocabSize: number;
  dModel: number;
  /** The mixers, one letter a layer, e.g. "MMMTMMMTMMMMM"; "-" for a layer without one. */
  pattern: string;
  /**
   * The feed-forward networks, one letter a layer: "F" dense (`ffn`), "E" mixture of experts (`moe`), "-" none.
   * Left out: the same in every layer, "F" where there is an `ffn`, else "E" where there is a `moe`, else none.
   */
  ffnPattern?: string;
  multipliers?: Multipliers;
  tieEmbeddings: boolean;
  normEps: number;
}
