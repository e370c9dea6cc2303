/** Model sizes by name: the four of the paper (Table 8) and three small ones that a notebook can train. */

import type { BlockSpec } from "./blocks/block.js";
import { specOf } from "./blocks/table.js";
import { paperSet } from "./paper-sets.js";
import { patternFromIndices, ratioPattern } from "./patterns.js";
import { parseConfig } from "./schema.js";
import type { Mamba1Config, ModelConfig, ZambaConfig } from "./types.js";

export const PAPER_SIZES = ["100m", "350m", "1b", "3b"] as const;
export const SMALL_SIZES = ["nano", "micro", "mini"] as const;
export const SIZES = [...SMALL_SIZES, ...PAPER_SIZES] as const;
export type Size = (typeof SIZES)[number];

/** The compared architectures, in the paper's order (Table 2). */
export const FAMILIES = ["llama", "swa", "mamba", "inter", "intra"] as const;
export type Family = (typeof FAMILIES)[number];

interface Dimensions {
  vocabSize: number;
  dModel: number;
  dFfn: number;
  attention: [heads: number, kvHeads: number, headDim: number];
  ssm: [dSsm: number, headDim: number, dState: number];
  /** Heads of each branch, key/value heads, query width and Mamba width of the intra-hybrid (Tables 15 and 20). */
  hybrid: [heads: number, kvHeads: number, dQk: number, dSsm: number];
  /** Layers that give about the same number of weights: all attention, half and half, mostly Mamba, all Mamba. */
  layers: { attention: number; even: number; hybrid: number; mamba: number };
}

/** The tokenizer of Llama 3.2, which the paper gives as "128K". */
const LLAMA_VOCAB = 128_256;
/** Small sizes read bytes; documents are separated by NUL, so no further symbols are needed. */
const BYTE_VOCAB = 256;

const small = { attention: 16, even: 14, hybrid: 13, mamba: 13 };

const DIMENSIONS: Record<Size, Dimensions> = {
  nano: {
    vocabSize: BYTE_VOCAB,
    dModel: 128,
    dFfn: 512,
    attention: [4, 2, 32],
    ssm: [256, 32, 64],
    hybrid: [4, 2, 64, 128],
    layers: small,
  },
  micro: {
    vocabSize: BYTE_VOCAB,
    dModel: 192,
    dFfn: 768,
    attention: [6, 2, 32],
    ssm: [384, 64, 64],
    hybrid: [6, 2, 96, 192],
    layers: small,
  },
  mini: {
    vocabSize: BYTE_VOCAB,
    dModel: 256,
    dFfn: 1024,
    attention: [4, 2, 64],
    ssm: [512, 64, 128],
    hybrid: [4, 2, 128, 256],
    layers: small,
  },
  "100m": {
    vocabSize: LLAMA_VOCAB,
    dModel: 1024,
    dFfn: 3072,
    attention: [16, 4, 64],
    ssm: [2048, 128, 128],
    hybrid: [8, 2, 512, 1024],
    layers: { attention: 8, even: 7, hybrid: 6, mamba: 6 },
  },
  "350m": {
    vocabSize: LLAMA_VOCAB,
    dModel: 1536,
    dFfn: 4096,
    attention: [24, 8, 64],
    ssm: [3072, 128, 128],
    hybrid: [16, 4, 768, 1536],
    layers: { attention: 14, even: 12, hybrid: 11, mamba: 11 },
  },
  "1b": {
    vocabSize: LLAMA_VOCAB,
    dModel: 2048,
    dFfn: 8192,
    attention: [32, 8, 64],
    ssm: [4096, 128, 128],
    hybrid: [16, 4, 1152, 2304],
    layers: { attention: 16, even: 14, hybrid: 13, mamba: 13 },
  },
  "3b": {
    vocabSize: LLAMA_VOCAB,
    dModel: 3072,
    dFfn: 8192,
    attention: [32, 8, 96],
    ssm: [6144, 192, 256],
    hybrid: [16, 4, 1536, 3072],
    layers: { attention: 28, even: 24, hybrid: 22, mamba: 21 },
  },
};

export interface PresetOptions {
  /** One letter a layer; default: the 1:5 inter-hybrid of that size. */
  pattern?: string;
  /** Default: 256 (bytes) for small sizes, 128,256 (Llama 3.2) for the paper's. */
  vocabSize?: number;
}

/** Throws one sentence when `name` is no size. */
export function parseSize(name: string): Size {
  const size = SIZES.find((known) => known === name.toLowerCase());
  if (!size) throw new Error(`size: "${name}" is not known; sizes are ${SIZES.join(", ")}.`);
  return size;
}

/**
 * The config of a named size (design §3; paper Table 8). Only the parts that the pattern needs are filled in, so that two
 * configs of the same model are equal. Throws as `parseConfig` does when the pattern or the vocabulary is wrong.
 */
export function preset(size: Size, options: PresetOptions = {}): ModelConfig {
  const dims = DIMENSIONS[parseSize(size)];
  const pattern = options.pattern ?? familyPattern(size, "inter");
  const read = new Set([...pattern].flatMap((letter) => sectionsOf(specOf(letter))));
  const [heads, kvHeads, headDim] = dims.attention;
  const [dSsm, ssmHeadDim, dState] = dims.ssm;
  const [hybridHeads, hybridKvHeads, dQk, hybridDSsm] = dims.hybrid;
  return parseConfig({
    vocabSize: options.vocabSize ?? dims.vocabSize,
    dModel: dims.dModel,
    pattern,
    ffn: { kind: "swiglu", dFfn: dims.dFfn },
    // training_setup.md: base theta 500,000; sliding-window layers use 10,000 and see 512 + 64 tokens.
    ...(read.has("attention") && { attention: { heads, kvHeads, headDim, rope: { theta: 500_000 } } }),
    ...(read.has("window") && { window: { size: 512, sink: 64, rope: { theta: 10_000 } } }),
    ...(read.has("ssm") && {
      ssm: {
        dSsm,
        headDim: ssmHeadDim,
        dState,
        groups: 1,
        conv: 4,
        chunk: 64,
        aRange: [0.01, 2],
        dtRange: [0.001, 0.1],
      },
    }),
    ...(read.has("mamba1") && { mamba1: mamba1Of(dims) }),
    ...(read.has("zamba") && { zamba: zambaOf(dims) }),
    ...(read.has("hybrid") && { hybrid: { heads: hybridHeads, kvHeads: hybridKvHeads, dQk, dSsm: hybridDSsm } }),
    tieEmbeddings: true,
    normEps: 1e-5,
  });
}

/** Names of the sections that a block reads. */
const sectionsOf = (spec: BlockSpec | undefined) => Object.keys({ ...spec?.needs, ...spec?.uses });

/** Mamba-1 at a size: twice the model's width and a state of 16, as published (arXiv:2312.00752). */
function mamba1Of({ dModel, ssm: [dSsm] }: Dimensions): Mamba1Config {
  const dtRank = Math.ceil(dModel / 16);
  return { dInner: dSsm, dState: 16, dtRank, conv: 4, dtRange: [0.001, 0.1], innerNorms: false };
}

/**
 * Zamba2's shared blocks at a size, in the proportions of Zamba2-2.7B: two blocks, whose heads share twice the model's
 * width, a network of four times that width, and adapters of a twentieth of it (rounded to a multiple of 8).
 */
function zambaOf({ dModel, attention: [heads] }: Dimensions): ZambaConfig {
  return {
    blocks: 2,
    heads,
    kvHeads: heads,
    headDim: (2 * dModel) / heads,
    rope: null,
    dFfn: 4 * dModel,
    adapterRank: Math.max(8, 8 * Math.round(dModel / 160)),
    attentionAdapter: false,
  };
}

/**
 * The default pattern of a family at a size: the paper's 1:5 ratio for the hybrids and for sliding windows, the expensive
 * layers spread through the middle.
 */
export function familyPattern(size: Size, family: Family): string {
  const { layers } = DIMENSIONS[size];
  switch (family) {
    case "llama":
      return blockRatioPattern(size, "1:0");
    case "mamba":
      return blockRatioPattern(size, "0:1");
    case "inter":
      return blockRatioPattern(size, "1:5");
    case "swa":
      return ratioPattern("1:5", { layers: layers.attention, place: "middle", expensive: "T", cheap: "S" });
    case "intra":
      return ratioPattern("1:5", { layers: layers.hybrid, place: "middle", expensive: "H", cheap: "M" });
  }
}

/** The ratios of attention to Mamba layers that Tables 5 and 16 compare. */
export const BLOCK_RATIOS = ["1:0", "1:1", "1:3", "1:5", "1:12", "0:1"] as const;

/**
 * The inter-hybrid of a block ratio at a size, attention in the middle, with the layer count that keeps the number of
 * weights (Table 16 at 1B: 16, 7 + 7, 3 + 10, 2 + 11, 1 + 12 and 13 layers; Table 17 for the placement).
 * The two of 13 layers at 1:5 are the paper's own set, 4 and 8 (Table 17); the rule of `patterns.ts` would give 5 and 9.
 */
export function blockRatioPattern(size: Size, ratio: string): string {
  const { layers } = DIMENSIONS[size];
  const [expensive, cheap] = ratio.split(":");
  const count = expensive === "0" ? layers.mamba : cheap === "0" ? layers.attention : layers.hybrid;
  if (ratio === "1:5" && count === 13) {
    const indices = paperSet(17, "1b", "1:5", "middle");
    return patternFromIndices(indices, { layers: 13, expensive: "T", cheap: "M" });
  }
  return ratioPattern(ratio, {
    layers: ratio === "1:1" ? layers.even : count,
    place: "middle",
    expensive: "T",
    cheap: "M",
  });
}
