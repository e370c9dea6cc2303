/** The one description of a model (design §3): plain JSON, checked by `parseConfig`. Everything else derives from it. */

/**
 * One layer's mixer. `T` full attention, `S` sliding-window attention with sink, `M` Mamba-2,
 * `H` intra-hybrid (cost model only, so far). Every layer is followed by its feed-forward network.
 */
export type LayerKind = "T" | "S" | "M" | "H";

/** Rotary position embedding: angle of pair i at position t is `t * theta^(-2i / headDim)`. */
export interface RopeConfig {
  theta: number;
}

export interface AttentionConfig {
  /** Query heads. */
  heads: number;
  /** Key/value heads; divides `heads`. */
  kvHeads: number;
  headDim: number;
  /** `null` means no position embedding. */
  rope: RopeConfig | null;
}

/** Key j is visible to query i when `i - size < j <= i` or (`j < sink` and `j <= i`). */
export interface WindowConfig {
  size: number;
  sink: number;
  rope: RopeConfig | null;
}

export interface SsmConfig {
  /** Inner width; heads = dSsm / headDim. */
  dSsm: number;
  headDim: number;
  dState: number;
  /** B and C are shared by heads / groups consecutive heads. */
  groups: number;
  /** Width of the causal depthwise convolution. */
  conv: number;
  /** Tokens per chunk of the chunked (SSD) form; a matter of speed, not of the function computed. */
  chunk: number;
  /** A is drawn uniformly from this range at initialisation (training_setup.md: [0.01, 2]). */
  aRange: [number, number];
  /** dt is drawn log-uniformly from this range at initialisation. */
  dtRange: [number, number];
}

export interface SwigluConfig {
  kind: "swiglu";
  dFfn: number;
}

/** Dimensions of the intra-hybrid block `H`, as far as the cost model needs them (state size etc. come from `ssm`). */
export interface HybridConfig {
  /** Heads of each branch: Table 15 prints "16+16" at 1B. Values keep the full model width, dModel / heads a head. */
  heads: number;
  /** Key/value heads of the attention branch; divides `heads`. */
  kvHeads: number;
  /** Query width of the attention branch; keys have dQk * kvHeads / heads. */
  dQk: number;
  /** Inner width of the Mamba-2 branch. */
  dSsm: number;
}

export interface ModelConfig {
  vocabSize: number;
  dModel: number;
  /** One letter a layer, e.g. "MMMTMMMTMMMMM". */
  pattern: string;
  ffn: SwigluConfig;
  /** Needed when the pattern has T, S or H. */
  attention?: AttentionConfig;
  /** Needed when the pattern has S. */
  window?: WindowConfig;
  /** Needed when the pattern has M or H. */
  ssm?: SsmConfig;
  /** Needed when the pattern has H. */
  hybrid?: HybridConfig;
  tieEmbeddings: boolean;
  normEps: number;
}
