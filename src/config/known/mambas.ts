import { configs, exact, type KnownModel, mamba1Defaults, mamba2Defaults } from "./model.js";

const mamba = (dModel: number, layers: number) =>
  configs(
    {
      vocabSize: 50_280,
      dModel,
      pattern: "J".repeat(layers),
      mamba1: { ...mamba1Defaults, dInner: 2 * dModel, dtRank: dModel / 16, innerNorms: false },
      tieEmbeddings: true,
      normEps: 1e-5,
    },
    { dModel: 32, pattern: "JJ", mamba1: { dInner: 64, dtRank: 4 } },
  );

const mamba2 = (dModel: number, layers: number) =>
  configs(
    {
      vocabSize: 50_288,
      dModel,
      pattern: "M".repeat(layers),
      ssm: { ...mamba2Defaults, dSsm: 2 * dModel, headDim: 64, dState: 128 },
      tieEmbeddings: true,
      normEps: 1e-5,
    },
    { dModel: 32, pattern: "MM", ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 } },
  );

export const mambas: KnownModel[] = [
  {
    name: "mamba-130m",
    family: "Mamba",
    ...exact(129_135_360),
    source: "config.json of state-spaces/mamba-130m-hf",
    differences: "",
    ...mamba(768, 24),
  },
  {
    name: "mamba-2.8b",
    family: "Mamba",
    ...exact(2_768_345_600),
    source: "config.json of state-spaces/mamba-2.8b-hf",
    differences: "",
    ...mamba(2560, 64),
  },
  {
    name: "mamba2-130m",
    family: "Mamba-2",
    ...exact(128_989_632),
    source: "config.json of state-spaces/mamba2-130m",
    differences: "",
    ...mamba2(768, 24),
  },
  {
    name: "mamba2-2.7b",
    family: "Mamba-2",
    ...exact(2_702_599_680),
    source: "config.json of state-spaces/mamba2-2.7b",
    differences: "",
    ...mamba2(2560, 64),
  },
];
