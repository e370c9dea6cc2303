/** How runs of each scale are trained, with the reason beside each number (design §7). */

import type { Size } from "../config/presets.js";
import type { TrainSpec } from "../train/types.js";

/** Sizes that runs are recorded at; "smoke" is a toy that any adapter trains in seconds. */
export type RunSize = Extract<Size, "nano" | "mini"> | "smoke";

/** Everything of a spec but the model, the data and the seed. */
export interface Protocol {
  tokens: number;
  batch: TrainSpec["batch"];
  validation: TrainSpec["validation"];
  tasks?: TrainSpec["tasks"];
  precision: TrainSpec["precision"];
  /** Peak learning rate, unless a study has its own. */
  lr: number;
}

const gpu = {
  // 1,024 steps, enough for a schedule with a warm-up and a cool-down; none of the corpus's 39.3 M BPE tokens twice.
  tokens: 33_554_432,
  // 1,024 tokens of context give the small models about the paper's ratio of FLOPs between Transformer and Mamba (1.23 to
  // its 1.22 at 8K), for attention's share grows with the context and falls with the width.
  batch: { sequences: 32, length: 1024 },
  // Three quarters of the held-out books, so that sampling noise falls out of paired differences.
  validation: { tokens: 1_048_576, every: 512 },
  // A standard error of at most 1.6 points for one model.
  tasks: { questions: 1000 },
  // Losses differ from those in f32 by less than seeds do (kernels/NOTES.md), and runs take half the time.
  precision: "mixed",
} as const;

export const protocols: Readonly<Record<RunSize, Protocol>> = {
  nano: { ...gpu, lr: 6e-3 },
  mini: { ...gpu, lr: 4e-3 },
  // Eight steps, which take a software adapter two seconds a model: a dispatch costs it a millisecond or more.
  smoke: {
    tokens: 8 * 128,
    batch: { sequences: 2, length: 64 },
    validation: { tokens: 512, every: 8 },
    precision: "f32",
    lr: 3e-3,
  },
};

/** What a grid needs to know of its data: the identity that goes into specs, and the vocabulary that sizes models. */
export interface GridData {
  identity: TrainSpec["data"];
  vocabSize: number;
}

const corpus = {
  name: "corpus",
  sha256: "5c98c1e5b0800271a35b03a30865e25324435a6b5232e206e34d78b91045cb74",
  validationSha256: "b3943820b3351d8b534cc215c262d459023b47192a129219d0144c8e50deddbf",
};

/**
 * The data of the recorded runs: 165 public-domain books for training, six other books for validation; in the BPE of
 * data/tokenizers, and as bytes. A user without that corpus trains on other text, under other identities.
 */
export const recordedData: Readonly<Record<"bpe" | "bytes", GridData>> = {
  bpe: {
    identity: {
      ...corpus,
      tokenizer: "bpe",
      tokenizerSha256: "da4d36034dfc4320ca0e21d8c94443c74fba371726c8c1b25b63be4bdf2dfb9c",
    },
    vocabSize: 4096,
  },
  bytes: { identity: { ...corpus, tokenizer: "bytes" }, vocabSize: 256 },
};

/** What smoke grids train on, as `openDataset` and `--data` take it. */
export const smokeData = { data: "synthetic", tokens: 65_536 } as const;
