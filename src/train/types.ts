import type { ModelConfig } from "../config/types.js";
import type { Answers } from "../evaluate/answer.js";

/** Everything that decides the outcome of a training run, bar the adapter: a run's identity is the hash of this. */
export interface TrainSpec {
  config: ModelConfig;
  data: {
    /** Dataset name, e.g. "synthetic" or "corpus". */
    name: string;
    /** Dataset.sha256. */
    sha256: string;
    /** Dataset.validationSha256: the validation text, where it is a file of its own. */
    validationSha256?: string;
    /** "bytes" or "bpe". */
    tokenizer: string;
    /** SHA-256 of the tokenizer file; absent for bytes. */
    tokenizerSha256?: string;
  };
  /** Training tokens; rounded up to whole steps. */
  tokens: number;
  batch: { sequences: number; length: number };
  optimizer: {
    /** Peak learning rate. */
    lr: number;
    beta1: number;
    beta2: number;
    eps: number;
    weightDecay: number;
    /** Global gradient norm above which gradients are scaled down. */
    clip: number;
  };
  /**
   * Trapezoid: fractions of the steps spent warming up and cooling down (training_setup.md: 0.25 and 0.2). With `warmupOf`
   * the warm-up is that of a run of so many tokens, the shortest of several that then share their beginning (`trunk.ts`).
   */
  schedule: { warmup: number; cooldown: number; warmupOf?: number };
  seed: number;
  /**
   * "mixed": activations and products in f16 where the adapter has it; master weights, the residual stream, norms, softmax, decays, the
   * loss and every sum in f32.
   */
  precision: "f32" | "mixed";
  validation: {
    /** Tokens of the validation stream that are scored (the first ones, in windows of batch.length). */
    tokens: number;
    /** Steps between validations; the last step is always validated. */
    every: number;
  };
  /** Questions of each task that the trained model answers about the validation text (`evaluate/tasks.ts`); none by default. */
  tasks?: { questions: number };
}

/** One point of the loss curve; losses in nats a token. */
export interface CurvePoint {
  step: number;
  tokens: number;
  lr: number;
  /** Mean training loss since the last point. */
  train: number;
  validation?: number;
}

/** What the router of one mixture of experts did in one step. */
export interface RouterUse {
  /** 0-based. */
  layer: number;
  /** Each expert's share of the assignments; 1 in all. */
  load: number[];
  /** Mean entropy of the router's distribution over experts, in nats; at most log(experts). */
  entropy: number;
}

export interface TrainResult {
  steps: number;
  tokens: number;
  params: { total: number; nonEmbedding: number };
  /** Of the last step; for models with experts. */
  routers?: RouterUse[];
  /** Of a run with activations in f16: what the loss was multiplied by at the end, and steps skipped because their gradients did not fit. */
  lossScale?: { scale: number; skipped: number };
  /** Mean training loss of the last curve point. */
  trainLoss: number;
  validation: { nllPerToken: number; nllPerByte: number; tokens: number; bytes: number };
  /** Where the spec asks for tasks. */
  tasks?: Answers["tasks"];
  alphas?: Answers["alphas"];
  /** Steps that were not trained here but taken over from a shorter run with the same beginning. */
  shared?: number;
  /** At most 200 points, and one more for each validation and the end. */
  curve: CurvePoint[];
  tokensPerSecond: number;
  seconds: number;
}
