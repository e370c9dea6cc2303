/** Which models and runs the bytes finding compares: with a tokenizer and without. */

import { architectureModel, fourArchitectures } from "./models.js";
import { protocols } from "./protocol.js";
import type { Study } from "./study.js";

const variants = fourArchitectures.map((key) => ({ label: key, config: architectureModel(key) }));
const nano = { size: "nano", seeds: [0, 1, 2] } as const;

/**
 * Bytes a BPE token stands for, as measured on the validation split (3.543). It decided how many tokens the equal-text runs read,
 * hence their identities, and must not change.
 */
export const bytesPerToken = 3.54;
/** Bytes a BPE token of the training split stands for (data/tokenizers/README.md): what runs have read. */
export const trainBytesPerToken = 3.559;
const perStep = protocols.nano.batch.sequences * protocols.nano.batch.length;

export const bytesStudies: readonly Study[] = [
  { ...nano, name: "bytes", about: "Four architectures on bytes", data: "bytes", variants },
  {
    ...nano,
    name: "bytes-bpe-flops",
    about: "The same on BPE tokens, as many of them as bytes: equal FLOPs, 3.56 times the text",
    data: "bpe",
    variants,
  },
  {
    ...nano,
    name: "bytes-bpe-text",
    about: "The same on so few BPE tokens that they are the same amount of text (0.5 % more)",
    data: "bpe",
    variants,
    tokens: perStep * Math.round(protocols.nano.tokens / bytesPerToken / perStep),
  },
  {
    ...nano,
    name: "bytes-learning-rates",
    about: "The same on bytes at several peak learning rates, half as many, one seed",
    data: "bytes",
    variants,
    rates: [3e-3, 6e-3, 12e-3],
    tokens: protocols.nano.tokens / 2,
    seeds: [0],
  },
  {
    ...nano,
    name: "bytes-seed-noise",
    about: "The inter-hybrid 1:5 on bytes with five seeds: how much a seed alone moves a loss",
    data: "bytes",
    variants: variants.filter(({ label }) => label === "inter"),
    seeds: [0, 1, 2, 3, 4],
  },
];
