/** Published models as presets: `known("jamba-v0.1")` is the config of one, `KNOWN` says where its figures are from. */

import type { ModelConfig } from "../types.js";
import { combined } from "./combined.js";
import { interleaved } from "./interleaved.js";
import { mambas } from "./mambas.js";
import type { KnownModel } from "./model.js";
import { paper } from "./paper.js";
import { transformers } from "./transformers.js";

export type { KnownModel } from "./model.js";

export const KNOWN: readonly KnownModel[] = [...transformers, ...mambas, ...interleaved, ...combined, ...paper];

/** What is known of a model. Throws one sentence that lists the names when there is none of that name. */
export function knownModel(name: string): KnownModel {
  const found = KNOWN.find((model) => model.name === name.toLowerCase());
  if (!found) {
    const names = KNOWN.map((model) => model.name).join(", ");
    throw new Error(`preset: "${name}" is not known; presets are ${names}.`);
  }
  return found;
}

/**
 * The config of a published model, with its published dimensions; with `tiny`, one of the same structure that is small
 * enough to build and train in a test. Throws as `knownModel` does.
 */
export function known(name: string, { tiny = false }: { tiny?: boolean } = {}): ModelConfig {
  const model = knownModel(name);
  return tiny ? model.tiny() : model.config();
}
