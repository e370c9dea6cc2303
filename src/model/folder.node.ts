import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { configFrom, readJson } from "../config/file.node.js";
import type { ModelConfig } from "../config/types.js";
import { writeAtomically } from "../data/files.node.js";
import type { Family } from "./families/family.js";
import { Fields, type Json } from "./families/fields.js";
import { jsonText } from "./families/json-text.js";
import { familyOf, familyTypes } from "./families/table.js";
import { tensorsOf, weightsFrom } from "./families/weights.js";
import { flatten, layoutOf, named } from "./parameters.js";
import { openWeights, type WriteOptions, weightsFile, writeWeights } from "./weight-files.node.js";

/** The files of a model folder, named as Hugging Face names them. */
export const modelFiles = { config: "config.json", weights: weightsFile, tokenizer: "tokenizer.json" } as const;

/** The model_type of folders that hold braid's own config. */
export const ownType = "braid";

export interface SaveOptions extends WriteOptions {
  /** The family of Hugging Face models whose keys and names to write, e.g. "llama"; default: braid's own. */
  as?: string;
  /** Further keys of config.json, such as the ids of special tokens. */
  extra?: Json;
}

/**
 * Writes config.json, the weights (one safetensors file, or shards) and, for tokenizers, tokenizer.json.
 * @param values flat weights, as in `Parameters`
 * @param tokenizer path of the tokenizer file that the model was trained with, or "bytes"
 * @throws Error naming the family that is not known, or the field of the config that it cannot express; nothing is written
 */
export function saveModel(
  folder: string,
  config: ModelConfig,
  values: Float32Array,
  tokenizer: string,
  { as = ownType, extra = {}, ...options }: SaveOptions = {},
): void {
  const family = as === ownType ? undefined : known(as, "the family to save as");
  const json = family
    ? { ...extra, ...family.json(config), architectures: [family.architecture], dtype: dtypeName(options.dtype) }
    : { ...extra, ...config };
  const tensors = family ? tensorsOf(family, config, values) : named(layoutOf(config).table, values);
  mkdirSync(folder, { recursive: true });
  writeWeights(folder, tensors, options);
  const target = join(folder, modelFiles.tokenizer);
  if (tokenizer === "bytes") rmSync(target, { force: true });
  else if (resolve(tokenizer) !== resolve(target)) copyFileSync(tokenizer, target);
  writeAtomically(join(folder, modelFiles.config), jsonText({ model_type: as, ...json }));
}

export interface LoadedModel {
  config: ModelConfig;
  /** Flat weights, as in `Parameters`. */
  values: Float32Array;
  /** "bytes", or the path of the tokenizer. */
  tokenizer: string;
  /** The model_type that the folder had. */
  type: string;
}

/**
 * Reads a model folder: one of braid's own, or of a family of Hugging Face models that braid knows.
 * @throws Error naming the file, and the key or tensor, that is missing or wrong
 */
export function loadModel(folder: string): LoadedModel {
  const path = join(folder, modelFiles.config);
  if (!existsSync(path)) throw new Error(`${folder} is no model folder: it has no ${modelFiles.config}.`);
  const json = readJson(path) as Json | null;
  // Written so that "null" and a list, which are JSON too, have no model_type.
  const { model_type: type, ...rest } = json ?? {};
  const tokenizer = existsSync(join(folder, modelFiles.tokenizer)) ? join(folder, modelFiles.tokenizer) : "bytes";
  if (type === ownType) {
    const config = configFrom(rest, path);
    const weights = openWeights(folder);
    const { table, size } = layoutOf(config);
    return { config, values: flatten(table, size, weights, weights.path), tokenizer, type };
  }
  const family = known(type, `${path}: model_type`);
  const config = readConfig(family, new Fields(rest, path));
  const weights = openWeights(folder);
  return { config, values: weightsFrom(family, config, weights, weights.path), tokenizer, type: family.type };
}

/** Errors about braid's own fields, too, name the file that they come from. */
function readConfig(family: Family, fields: Fields): ModelConfig {
  try {
    return family.config(fields);
  } catch (error) {
    const { message } = error as Error;
    throw message.startsWith(fields.path) ? error : new Error(`${fields.path}: ${message}`);
  }
}

function known(type: unknown, what: string) {
  const family = typeof type === "string" ? familyOf(type) : undefined;
  if (family) return family;
  throw new Error(`${what} is ${JSON.stringify(type)}; braid has ${[ownType, ...familyTypes()].join(", ")}.`);
}

const dtypeName = (dtype: WriteOptions["dtype"] = "F32") =>
  ({ F32: "float32", F16: "float16", BF16: "bfloat16" })[dtype];
