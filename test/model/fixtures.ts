import { parseConfig } from "../../src/config/schema.js";
import type { ModelConfig } from "../../src/config/types.js";
import { bytesCodec } from "../../src/data/codec.js";
import { syntheticDataset } from "../../src/data/synthetic.js";
import type { Dataset } from "../../src/data/types.js";
import { trainSpec } from "../../src/train/defaults.js";
import type { TrainSpec } from "../../src/train/types.js";

/** A model small enough for software adapters, with odd sizes where they are allowed. */
export function tinyConfig(pattern: string, change: Partial<ModelConfig> = {}): ModelConfig {
  const rope = { theta: 10_000 };
  return parseConfig({
    vocabSize: 256,
    dModel: 24,
    pattern,
    ffn: { kind: "swiglu", dFfn: 40 },
    ...(/[TS]/.test(pattern) && { attention: { heads: 3, kvHeads: 1, headDim: 8, rope } }),
    ...(pattern.includes("S") && { window: { size: 12, sink: 2, rope } }),
    ...(pattern.includes("M") && {
      ssm: {
        dSsm: 48,
        headDim: 12,
        dState: 8,
        groups: 2,
        conv: 4,
        chunk: 16,
        aRange: [0.01, 2],
        dtRange: [0.001, 0.1],
      },
    }),
    tieEmbeddings: true,
    normEps: 1e-5,
    ...change,
  });
}

let dataset: Dataset | undefined;
/** A few thousand bytes of the synthetic language. */
export function tinyDataset(): Dataset {
  dataset ??= syntheticDataset({ seed: 1, trainTokens: 20_000, validationTokens: 2_000, codec: bytesCodec() });
  return dataset;
}

export function tinySpec(pattern: string, steps: number, change: Partial<TrainSpec> = {}): TrainSpec {
  const batch = { sequences: 3, length: 37 };
  const spec = trainSpec(tinyConfig(pattern), tinyDataset(), {
    tokens: steps * batch.sequences * batch.length,
    seed: 5,
    lr: 3e-3,
    batch,
    validation: { tokens: 300, every: 5 },
  });
  return { ...spec, ...change };
}
