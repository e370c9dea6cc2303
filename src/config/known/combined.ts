/** Hybrids whose layers have both, attention and Mamba. */

import { configs, exact, type KnownModel, mamba2Defaults } from "./model.js";

/** The time step has a least value but no greatest. */
const zambaSsm = { ...mamba2Defaults, headDim: 64, dtLimit: { least: 0.001 } };

const zambaTiny = {
  dModel: 32,
  pattern: "MZMZMZ",
  ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 },
  zamba: { heads: 4, kvHeads: 4, headDim: 16, dFfn: 64, adapterRank: 8 },
};

export const combined: KnownModel[] = [
  {
    name: "zamba2-1.2b",
    family: "Zamba2",
    ...exact(1_215_064_704),
    source: "config.json of Zyphra/Zamba2-1.2B",
    differences: "",
    ...configs(
      {
        vocabSize: 32_000,
        dModel: 2048,
        pattern: `${"MMMMMZ".repeat(6)}MM`,
        ssm: { ...zambaSsm, dSsm: 4096, dState: 128 },
        zamba: {
          blocks: 1,
          heads: 32,
          kvHeads: 32,
          headDim: 128,
          rope: { theta: 1e4 },
          dFfn: 8192,
          adapterRank: 128,
          attentionAdapter: true,
        },
        tieEmbeddings: true,
        normEps: 1e-5,
      },
      zambaTiny,
    ),
  },
  {
    name: "zamba2-2.7b",
    family: "Zamba2",
    ...exact(2_662_214_560),
    source: "config.json of Zyphra/Zamba2-2.7B",
    differences: "",
    ...configs(
      {
        vocabSize: 32_000,
        dModel: 2560,
        pattern: `M${"MMMMMZ".repeat(7)}MMMMZMMMZMM`,
        ssm: { ...zambaSsm, dSsm: 5120, dState: 64 },
        zamba: {
          blocks: 2,
          heads: 32,
          kvHeads: 32,
          headDim: 160,
          rope: null,
          dFfn: 10_240,
          adapterRank: 128,
          attentionAdapter: false,
        },
        tieEmbeddings: true,
        normEps: 1e-5,
      },
      zambaTiny,
    ),
  },
  {
    name: "falcon-h1-0.5b",
    family: "Falcon-H1",
    ...exact(521_411_104),
    source: "config.json of tiiuae/Falcon-H1-0.5B-Base",
    differences: "",
    ...configs(
      {
        vocabSize: 32_784,
        dModel: 1024,
        pattern: "P".repeat(36),
        attention: { heads: 8, kvHeads: 2, headDim: 64, rope: { theta: 1e11 } },
        ssm: { ...mamba2Defaults, dSsm: 1536, headDim: 64, dState: 128, norm: null },
        parallel: {
          multipliers: {
            attentionIn: 1,
            attentionOut: 0.9375,
            key: 0.39062499999999994,
            ssmIn: 1.25,
            ssmOut: 0.23570226039551587,
            ssm: [0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738],
          },
        },
        ffn: { kind: "swiglu", dFfn: 2048, multipliers: { gate: 0.8838834764831844, down: 0.5859375 } },
        multipliers: { embedding: 5.656854249492381, logits: 0.0390625 },
        tieEmbeddings: false,
        normEps: 1e-5,
      },
      {
        dModel: 32,
        pattern: "PP",
        attention: { heads: 4, headDim: 8 },
        ssm: { dSsm: 48, headDim: 8, dState: 16, chunk: 16 },
        ffn: { dFfn: 64 },
      },
    ),
  },
  {
    name: "hymba-1.5b",
    family: "Hymba",
    ...exact(1_522_797_824),
    source: "config.json and modeling_hymba.py of nvidia/Hymba-1.5B-Base; arXiv:2411.13676",
    differences:
      "Mamba-2 heads in place of Mamba-1 (-22.6M), keys and values of every layer its own where Hymba shares 15 layers' with others (+23.0M), no meta tokens (-0.2M); branches are normed by head and added, not by row and averaged; no NTK scaling of the rotation",
    ...configs(
      {
        vocabSize: 32_001,
        dModel: 1600,
        // Full attention in the first, the middle and the last layer.
        pattern: `H${"W".repeat(14)}H${"W".repeat(15)}H`,
        ssm: { ...mamba2Defaults, dSsm: 3200, headDim: 128, dState: 16, norm: null },
        window: { size: 1024, sink: 0, rope: { theta: 1e4 } },
        hybrid: {
          heads: 25,
          kvHeads: 5,
          dQk: 1600,
          dSsm: 3200,
          valueDim: 128,
          rope: { theta: 1e4 },
          norm: "group",
          scale: "vector",
          fusion: "add",
          value: "separate",
          output: "joint",
        },
        ffn: { kind: "swiglu", dFfn: 5504 },
        tieEmbeddings: true,
        normEps: 1e-6,
      },
      {
        dModel: 32,
        pattern: "HWHWH",
        ssm: { dSsm: 64, headDim: 16, chunk: 16 },
        window: { size: 16 },
        hybrid: { heads: 4, kvHeads: 2, dQk: 32, dSsm: 64, valueDim: 16 },
        ffn: { dFfn: 64 },
      },
    ),
  },
];
