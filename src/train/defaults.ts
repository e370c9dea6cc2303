import type { ModelConfig } from "../config/types.js";
import type { Dataset } from "../data/types.js";
import type { TrainSpec } from "./types.js";

/**
 * Peak learning rates by width, for models up to `dModel`. 128: the best of the check recorded with the block-ratio
 * finding; 192 to 512: between that and the paper's, not checked; then the paper's own four (training_setup.md).
 */
const peakRates: [dModel: number, lr: number][] = [
  [128, 6e-3],
  [192, 5e-3],
  [512, 4e-3],
  [1024, 6e-3],
  [1536, 3e-3],
  [2048, 6e-4],
  [Number.POSITIVE_INFINITY, 3e-4],
];

/** AdamW and clipping as in all runs (design §7); the paper prints neither betas nor weight decay nor clip (training_setup.md). */
export const adam = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 };

/** The paper's trapezoid: a quarter of the steps to warm up, a fifth to cool down. */
export const trapezoidShares = { warmup: 0.25, cooldown: 0.2 };

/** What a dataset is called in a spec, and so in a run's identity. */
export function dataIdentity({ name, sha256, validationSha256, codec }: Dataset): TrainSpec["data"] {
  return {
    name,
    sha256,
    ...(validationSha256 && { validationSha256 }),
    tokenizer: codec.kind,
    ...(codec.sha256 && { tokenizerSha256: codec.sha256 }),
  };
}

/** A spec with the project's usual settings for everything that is not given (design §7). */
export function trainSpec(
  config: ModelConfig,
  dataset: Dataset,
  given: { tokens: number; seed?: number; lr?: number } & Partial<
    Pick<TrainSpec, "batch" | "schedule" | "validation" | "precision">
  >,
): TrainSpec {
  const { tokens, seed = 0, batch = { sequences: 32, length: 512 } } = given;
  const steps = Math.max(1, Math.ceil(tokens / (batch.sequences * batch.length)));
  const lr = given.lr ?? peakRates.find(([most]) => config.dModel <= most)![1];
  return {
    config,
    data: dataIdentity(dataset),
    tokens,
    batch,
    optimizer: { lr, ...adam },
    schedule: given.schedule ?? trapezoidShares,
    seed,
    precision: given.precision ?? "f32",
    validation: given.validation ?? { tokens: 262_144, every: Math.ceil(steps / 4) },
  };
}
