/** Hybrids whose layers are attention or Mamba. */

import { configs, exact, type KnownModel, mamba1Defaults, mamba2Defaults } from "./model.js";

/** Nemotron-H writes one block a layer: M, * for attention, - for a feed-forward network. */
const NEMOTRON_H_8B = "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-";

/** Mixers and feed-forward networks of a pattern in Nemotron's letters. */
const nemotronPattern = (pattern: string) => ({
  pattern: pattern.replaceAll("*", "T"),
  ffnPattern: pattern.replace(/[^-]/g, "x").replaceAll("-", "F").replaceAll("x", "-"),
});

const granitePattern = `MMMMMT${"MMMMMMMMMT".repeat(3)}MMMM`;

const granite = {
  vocabSize: 100_352,
  pattern: granitePattern,
  tieEmbeddings: true,
  normEps: 1e-5,
};

export const interleaved: KnownModel[] = [
  {
    name: "jamba-v0.1",
    family: "Jamba",
    ...exact(51_570_323_328),
    source: "config.json of ai21labs/Jamba-v0.1",
    differences: "",
    ...configs(
      {
        vocabSize: 65_536,
        dModel: 4096,
        pattern: "JJJJTJJJ".repeat(4),
        ffnPattern: "FE".repeat(16),
        attention: { heads: 32, kvHeads: 8, headDim: 128, rope: null },
        mamba1: { ...mamba1Defaults, dInner: 8192, dtRank: 256, innerNorms: true },
        ffn: { kind: "swiglu", dFfn: 14_336 },
        moe: {
          experts: 16,
          topK: 2,
          dExpert: 14_336,
          dShared: 0,
          kind: "swiglu",
          router: "softmax",
          normalise: false,
          balance: null,
        },
        tieEmbeddings: false,
        normEps: 1e-6,
      },
      {
        dModel: 32,
        pattern: "JJJJTJJJ",
        ffnPattern: "FEFEFEFE",
        attention: { heads: 4, kvHeads: 2, headDim: 8 },
        mamba1: { dInner: 64, dtRank: 4 },
        ffn: { dFfn: 64 },
        moe: { experts: 4, dExpert: 64 },
      },
    ),
  },
  {
    name: "samba-421m",
    family: "Samba",
    published: 421e6,
    unit: 1e6,
    counted: "all",
    source: "Samba_421M of github.com/microsoft/Samba, lit_gpt/config.py and model.py; arXiv:2406.07522",
    differences: "none meant: the dimensions of that name's config give 421.8M",
    ...configs(
      {
        vocabSize: 32_000,
        dModel: 1536,
        pattern: "JS".repeat(6),
        attention: { heads: 12, kvHeads: 12, headDim: 128, rope: { theta: 1e4 } },
        window: { size: 2048, sink: 0, rope: { theta: 1e4 } },
        mamba1: { ...mamba1Defaults, dInner: 3072, dtRank: 96, innerNorms: false },
        ffn: { kind: "swiglu", dFfn: 4096 },
        tieEmbeddings: true,
        normEps: 1e-5,
      },
      {
        dModel: 32,
        pattern: "JSJS",
        attention: { heads: 4, kvHeads: 4, headDim: 8 },
        window: { size: 16 },
        mamba1: { dInner: 64, dtRank: 4 },
        ffn: { dFfn: 64 },
      },
    ),
  },
  {
    name: "bamba-9b",
    family: "Bamba",
    ...exact(9_780_235_392),
    source: "config.json of ibm-fms/Bamba-9B",
    differences: "",
    ...configs(
      {
        vocabSize: 128_256,
        dModel: 4096,
        pattern: `MMMMMMMMMT${"MMMMMMMMT".repeat(2)}MMMM`,
        attention: { heads: 32, kvHeads: 8, headDim: 128, rope: { theta: 1e4, dim: 64 } },
        ssm: { ...mamba2Defaults, dSsm: 8192, headDim: 64, dState: 128 },
        ffn: { kind: "swiglu", dFfn: 14_336 },
        tieEmbeddings: false,
        normEps: 1e-5,
      },
      {
        dModel: 32,
        pattern: "MTMM",
        attention: { heads: 4, kvHeads: 2, headDim: 8, rope: { theta: 1e4, dim: 4 } },
        ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 },
        ffn: { dFfn: 64 },
      },
    ),
  },
  {
    name: "granite-4.0-h-micro",
    family: "Granite 4.0-H",
    ...exact(3_191_396_096),
    source: "config.json of ibm-granite/granite-4.0-h-micro",
    differences: "",
    ...configs(
      {
        ...granite,
        dModel: 2048,
        attention: { heads: 32, kvHeads: 8, headDim: 64, rope: null, scale: 0.015625 },
        ssm: { ...mamba2Defaults, dSsm: 4096, headDim: 64, dState: 128 },
        ffn: { kind: "swiglu", dFfn: 8192 },
        multipliers: { embedding: 12, residual: 0.22, logits: 1 / 8 },
      },
      {
        dModel: 32,
        pattern: "MMTM",
        attention: { heads: 4, kvHeads: 2, headDim: 8, scale: 0.125 },
        ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 },
        ffn: { dFfn: 64 },
      },
    ),
  },
  {
    name: "granite-4.0-h-tiny",
    family: "Granite 4.0-H",
    ...exact(6_939_037_248),
    source: "metadata of the published granite-4.0-h-tiny in GGUF; config.json of ibm-granite/granite-4.0-h-tiny",
    differences: "",
    ...configs(
      {
        ...granite,
        dModel: 1536,
        attention: { heads: 12, kvHeads: 4, headDim: 128, rope: null, scale: 0.0078125 },
        ssm: { ...mamba2Defaults, dSsm: 3072, headDim: 64, dState: 128 },
        moe: {
          experts: 64,
          topK: 6,
          dExpert: 512,
          dShared: 1024,
          kind: "swiglu",
          router: "softmax-topk",
          normalise: false,
          balance: null,
        },
        multipliers: { embedding: 12, residual: 0.22, logits: 1 / 6 },
      },
      {
        dModel: 32,
        pattern: "MMTM",
        attention: { heads: 4, kvHeads: 2, headDim: 8, scale: 0.125 },
        ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 },
        moe: { experts: 8, topK: 3, dExpert: 16, dShared: 32 },
      },
    ),
  },
  {
    name: "nemotron-h-8b",
    family: "Nemotron-H",
    ...exact(8_100_852_736),
    source: "config.json of nvidia/Nemotron-H-8B-Base-8K",
    differences: "",
    ...configs(
      {
        vocabSize: 131_072,
        dModel: 4096,
        // Each published layer is one block: a mixer without a feed-forward network, or the other way round.
        ...nemotronPattern(NEMOTRON_H_8B),
        attention: { heads: 32, kvHeads: 8, headDim: 128, rope: null },
        ssm: {
          ...mamba2Defaults,
          dSsm: 8192,
          headDim: 64,
          dState: 128,
          groups: 8,
          dtLimit: { least: 0.001 },
          norm: { groups: 8, gateFirst: true },
        },
        ffn: { kind: "relu2", dFfn: 21_504 },
        tieEmbeddings: false,
        normEps: 1e-5,
      },
      {
        dModel: 32,
        ...nemotronPattern("M-M*-M-"),
        attention: { heads: 4, kvHeads: 2, headDim: 8 },
        ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16, groups: 2, norm: { groups: 2, gateFirst: true } },
        ffn: { dFfn: 64 },
      },
    ),
  },
];
