import { makeRecord } from "../../src/runs/record.js";
import type { PlannedRun, Provenance, RunRecord } from "../../src/runs/types.js";
import type { TrainResult, TrainSpec } from "../../src/train/types.js";

/** A spec for tests of bookkeeping; nothing trains it. */
export function fakeSpec(seed = 0, lr = 3e-3): TrainSpec {
  return {
    config: {
      vocabSize: 256,
      dModel: 32,
      pattern: "T",
      ffn: { kind: "swiglu", dFfn: 64 },
      attention: { heads: 2, kvHeads: 1, headDim: 16, rope: { theta: 10000 } },
      tieEmbeddings: true,
      normEps: 1e-5,
    },
    data: { name: "synthetic", sha256: "00", tokenizer: "bytes" },
    tokens: 4096,
    batch: { sequences: 2, length: 64 },
    optimizer: { lr, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 },
    schedule: { warmup: 0.25, cooldown: 0.2 },
    seed,
    precision: "f32",
    validation: { tokens: 1024, every: 8 },
  };
}

export function fakeResult(nllPerToken = 3): TrainResult {
  return {
    steps: 32,
    tokens: 4096,
    params: { total: 20000, nonEmbedding: 12000 },
    trainLoss: nllPerToken + 0.1,
    validation: { nllPerToken, nllPerByte: nllPerToken / 4, tokens: 1024, bytes: 4096 },
    curve: [{ step: 32, tokens: 4096, lr: 1e-3, train: nllPerToken + 0.1, validation: nllPerToken }],
    tokensPerSecond: 1000,
    seconds: 4,
  };
}

export const fakeProvenance: Provenance = {
  commit: "abc",
  adapter: "test adapter",
  driver: "",
  software: true,
  features: [],
  toggles: [],
  kernels: [],
  dawn: "0",
  node: "v20",
  platform: "test",
  date: "2026-01-01T00:00:00.000Z",
  wallSeconds: 4,
};

export function fakeRecord(run: Partial<PlannedRun> = {}, nllPerToken = 3): RunRecord {
  const planned = { finding: "block-ratio", label: "1:5", spec: fakeSpec(), ...run };
  return makeRecord(planned, fakeResult(nllPerToken), fakeProvenance);
}
