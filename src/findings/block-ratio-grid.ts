/** Which models and runs the block-ratio finding compares, with the reason beside each number. */

import { BLOCK_RATIOS, blockRatioPattern, countParameters, matchParameters, preset } from "../config/index.js";
import type { ModelConfig } from "../config/types.js";
import type { PlannedRun } from "../runs/types.js";
import type { TrainSpec } from "../train/types.js";
import { bySeed, type GridData, type GridOptions, type LearningRateCheck } from "./finding.js";

export { BLOCK_RATIOS };
export type BlockRatio = (typeof BLOCK_RATIOS)[number];

/** Everything of a spec but the model, the data, the seed and the learning rate. */
interface Protocol {
  tokens: number;
  batch: TrainSpec["batch"];
  validation: TrainSpec["validation"];
  seeds: readonly number[];
  learningRates: LearningRateCheck;
}

/** 16,384 tokens a step: about a thousand steps in a run, enough for a schedule with a warm-up and a cool-down. */
const nano: Protocol = {
  // 1,024 steps. The trial in design §7 saw differences of 0.01 to 0.04 nats at this budget.
  tokens: 16_777_216,
  // 512 BPE tokens are about 2,000 characters: longer than the state of the small Mamba holds verbatim.
  batch: { sequences: 32, length: 512 },
  // Three quarters of the held-out books (1.4 M tokens), four times a run: sampling noise then falls out of paired differences.
  validation: { tokens: 1_048_576, every: 256 },
  // Four degrees of freedom: the 95 % interval of a mean is then 1.2 standard deviations to each side; with three seeds, 2.5.
  seeds: [0, 1, 2, 3, 4],
  // Doublings around the paper's 350M rate, 3e-3: smaller models take higher ones (training_setup.md). Half a run each.
  learningRates: { rates: [1.5e-3, 3e-3, 6e-3, 12e-3], tokens: 8_388_608, seeds: [0] },
};

/** Eight steps, which take a software adapter two seconds a model: a dispatch costs it a millisecond or more. */
const smoke: Protocol = {
  tokens: 8 * 128,
  batch: { sequences: 2, length: 64 },
  validation: { tokens: 512, every: 8 },
  seeds: [0, 1],
  learningRates: { rates: [1e-3, 3e-3], tokens: 4 * 128, seeds: [0] },
};

const protocols = { nano, smoke };

/**
 * The data of the recorded runs: the first 24 million tokens of 165 public-domain books for training, six other books for
 * validation, in the BPE of data/tokenizers. (The slice is what fits through the door of the GPU machine; a run reads
 * 16.8 million of them, none twice.) A user without that corpus trains on other text, under other identities.
 */
export const recordedData: GridData = {
  identity: {
    name: "corpus[:24000000]",
    sha256: "5c98c1e5b0800271a35b03a30865e25324435a6b5232e206e34d78b91045cb74",
    validationSha256: "b3943820b3351d8b534cc215c262d459023b47192a129219d0144c8e50deddbf",
    tokenizer: "bpe",
    tokenizerSha256: "da4d36034dfc4320ca0e21d8c94443c74fba371726c8c1b25b63be4bdf2dfb9c",
  },
  vocabSize: 4096,
};

/** AdamW as in design §7; the paper prints neither betas nor weight decay nor clip (training_setup.md). */
const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 };
/** The paper's trapezoid: a quarter of the steps to warm up, a fifth to cool down. */
const schedule = { warmup: 0.25, cooldown: 0.2 };

/**
 * Peak learning rate at nano scale: the best on average over the six ratios in the check recorded as `block-ratio-lr`,
 * and each one's own best there, except for 1:3, whose loss at 3e-3 is 0.003 nats lower. Three runs of 1:3 at that rate are
 * recorded as `block-ratio-own-rate`.
 */
export const peakLearningRate = 6e-3;

/** Layers of the smoke models: the fewest that hold the ratio. They are not matched in parameters. */
const smokePatterns: Readonly<Record<BlockRatio, string>> = {
  "1:0": "TT",
  "1:1": "MT",
  "1:3": "MMTM",
  "1:5": "MMTMMM",
  "1:12": "MMMMMMTMMMMMM",
  "0:1": "MM",
};
const smokeLearningRate = 3e-3;

/**
 * The model of a ratio. At nano scale the layers are those of Table 16's 1B models (16 attention layers to 13 Mamba
 * layers) and the feed-forward width is set so that all models have the non-embedding parameters of the 1:5 hybrid
 * within 2 %.
 */
export function blockRatioConfig(ratio: BlockRatio, scale: GridOptions["scale"], vocabSize: number): ModelConfig {
  if (scale === "smoke") return smokeConfig(smokePatterns[ratio], vocabSize);
  const target = countParameters(preset("nano", { pattern: blockRatioPattern("nano", "1:5"), vocabSize })).nonEmbedding;
  return matchParameters(preset("nano", { pattern: blockRatioPattern("nano", ratio), vocabSize }), target);
}

function smokeConfig(pattern: string, vocabSize: number): ModelConfig {
  const config = preset("nano", { pattern, vocabSize });
  return {
    ...config,
    dModel: 32,
    ffn: { kind: "swiglu", dFfn: 64 },
    ...(config.attention && { attention: { ...config.attention, heads: 2, kvHeads: 1, headDim: 16 } }),
    ...(config.ssm && { ssm: { ...config.ssm, dSsm: 64, headDim: 32, dState: 16, chunk: 32 } }),
  };
}

/** The runs of the finding: every ratio with every seed, seed by seed. Throws when a label is no ratio. */
export function blockRatioGrid(options: GridOptions): PlannedRun[] {
  const rate = options.scale === "smoke" ? smokeLearningRate : peakLearningRate;
  return plan(options, "block-ratio", (ratio) => [options.peakRates?.[ratio] ?? rate]);
}

/** The learning-rate check: every ratio at each peak rate, as runs of the finding `block-ratio-lr`. */
export function blockRatioLearningRateGrid(options: GridOptions & { rates?: readonly number[] }): PlannedRun[] {
  const check = protocols[options.scale].learningRates;
  const { rates = check.rates, seeds = check.seeds, tokens = check.tokens } = options;
  return plan({ ...options, seeds, tokens }, "block-ratio-lr", () => rates);
}

/** What the check found better than the grid's rate: 3e-3 for 1:3, by 0.003 nats. Runs of `block-ratio-own-rate`. */
export function blockRatioOwnRateGrid(options: GridOptions): PlannedRun[] {
  const { labels = ["1:3"], seeds = [0, 1, 2] } = options;
  return plan({ ...options, labels, seeds }, "block-ratio-own-rate", () => [3e-3]);
}

function plan(
  { scale, data, seeds, tokens, labels }: GridOptions,
  finding: string,
  ratesOf: (ratio: BlockRatio) => readonly number[],
): PlannedRun[] {
  const protocol = protocols[scale];
  for (const label of labels ?? []) {
    if (!(BLOCK_RATIOS as readonly string[]).includes(label)) {
      throw new Error(`labels: "${label}" is no ratio of ${finding}; ratios are ${BLOCK_RATIOS.join(", ")}`);
    }
  }
  const runs = BLOCK_RATIOS.filter((ratio) => labels?.includes(ratio) ?? true).flatMap((ratio) => {
    const config = blockRatioConfig(ratio, scale, data.vocabSize);
    return ratesOf(ratio).flatMap((lr) =>
      (seeds ?? protocol.seeds).map((seed): PlannedRun => {
        const spec: TrainSpec = {
          config,
          data: data.identity,
          tokens: tokens ?? protocol.tokens,
          batch: protocol.batch,
          optimizer: { lr, ...optimizer },
          schedule,
          seed,
          precision: "f32",
          validation: protocol.validation,
        };
        return { finding, label: ratio, spec };
      }),
    );
  });
  return bySeed(runs);
}
