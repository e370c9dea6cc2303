/** What is said of a published model, and how its config is made. */

import { parseConfig } from "../schema.js";
import type { ModelConfig } from "../types.js";

export interface KnownModel {
  /** Lower case, e.g. "llama-3.2-1b". */
  name: string;
  family: string;
  /** Weights of the published model. */
  published: number;
  /** The last printed digit's worth, e.g. 1e7 for "0.96B"; 1 for counts that are exact. */
  unit: number;
  /** What the published figure counts: every weight, or all but the embedding and the output layer (the paper's N). */
  counted: "all" | "non-embedding";
  /** Where dimensions and count are from. */
  source: string;
  /** What this preset has otherwise than the published model; "" for nothing. */
  differences: string;
  config: () => ModelConfig;
  /** The same structure, small enough for a test: every kind of layer in a few layers, a vocabulary of bytes. */
  tiny: () => ModelConfig;
}

type Json = { [key: string]: unknown };

/** A config, and changes to it that make it small; the sections change field by field, so that their structure stays. */
export function configs(full: Json, small: Json): Pick<KnownModel, "config" | "tiny"> {
  return { config: () => parseConfig(full), tiny: () => tinyOf(full, small) };
}

/** A config with the vocabulary of bytes and the changes given. */
export function tinyOf(full: object, small: Json): ModelConfig {
  return parseConfig(merged({ ...full }, { vocabSize: 256, ...small }));
}

function merged(full: Json, changes: Json): Json {
  const fields = Object.entries(changes).map(([key, value]) => {
    const before = full[key];
    return [key, isSection(before) && isSection(value) ? { ...before, ...value } : value];
  });
  return { ...full, ...Object.fromEntries(fields) };
}

function isSection(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Counts that transformers gives for the dimensions of a checkpoint (data/models/counts.csv). */
export const exact = (published: number) => ({ published, unit: 1, counted: "all" }) as const;

/** Initialisation of published Mamba-2 models (their code's defaults), and the chunk of this package's kernels. */
export const mamba2Defaults = { groups: 1, conv: 4, chunk: 64, aRange: [1, 16], dtRange: [0.001, 0.1] };

/** Likewise of Mamba-1. */
export const mamba1Defaults = { dState: 16, conv: 4, dtRange: [0.001, 0.1] };
