import { configs, exact, type KnownModel } from "./model.js";

/** Llama 3's stretching of the rotation, as in the 3.2 checkpoints. */
const llamaRope = {
  theta: 500_000,
  scaling: { factor: 32, lowFrequency: 1, highFrequency: 4, originalContext: 8192 },
};

const llama = (dModel: number, layers: number, attention: { heads: number; kvHeads: number; headDim: number }) =>
  configs(
    {
      vocabSize: 128_256,
      dModel,
      pattern: "T".repeat(layers),
      attention: { ...attention, rope: llamaRope },
      ffn: { kind: "swiglu", dFfn: 8192 },
      tieEmbeddings: true,
      normEps: 1e-5,
    },
    { dModel: 32, pattern: "TT", attention: { heads: 4, kvHeads: 2, headDim: 8 }, ffn: { dFfn: 64 } },
  );

export const transformers: KnownModel[] = [
  {
    name: "llama-3.2-1b",
    family: "Llama 3.2",
    ...exact(1_235_814_400),
    source: "config.json of meta-llama/Llama-3.2-1B",
    differences: "",
    ...llama(2048, 16, { heads: 32, kvHeads: 8, headDim: 64 }),
  },
  {
    name: "llama-3.2-3b",
    family: "Llama 3.2",
    ...exact(3_212_749_824),
    source: "config.json of meta-llama/Llama-3.2-3B",
    differences: "",
    ...llama(3072, 28, { heads: 24, kvHeads: 8, headDim: 128 }),
  },
  {
    name: "gemma-3-1b",
    family: "Gemma 3",
    ...exact(999_885_952),
    source: "config.json of google/gemma-3-1b-pt",
    differences:
      "no norms of queries and keys, nor of what a block adds to the stream (0.007 % of the weights); norms multiply by w, not 1 + w",
    ...configs(
      {
        vocabSize: 262_144,
        dModel: 1152,
        // Five layers with a window to each full one.
        pattern: `${"SSSSST".repeat(4)}SS`,
        attention: { heads: 4, kvHeads: 1, headDim: 256, rope: { theta: 1e6 } },
        window: { size: 512, sink: 0, rope: { theta: 1e4 } },
        ffn: { kind: "geglu-tanh", dFfn: 6912 },
        multipliers: { embedding: Math.sqrt(1152) },
        tieEmbeddings: true,
        normEps: 1e-6,
      },
      {
        dModel: 32,
        pattern: "SSSSSTSS",
        attention: { heads: 4, headDim: 8 },
        window: { size: 16 },
        ffn: { dFfn: 64 },
        multipliers: { embedding: Math.sqrt(32) },
      },
    ),
  },
];
