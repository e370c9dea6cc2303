import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { configFrom, readJson } from "../config/file.node.js";
import type { ModelConfig } from "../config/types.js";
import { writeAtomically } from "../data/files.node.js";
import { flatten, layoutOf, named } from "./parameters.js";
import { openWeights, weightsFile, writeWeights } from "./weight-files.node.js";

/** The files of a model folder, named as Hugging Face names them. */
export const modelFiles = { config: "config.json", weights: weightsFile, tokenizer: "tokenizer.json" } as const;

/**
 * Writes config.json, model.safetensors and, for tokenizers, tokenizer.json.
 * @param values flat weights, as in `Parameters`
 * @param tokenizer path of the tokenizer file that the model was trained with, or "bytes"
 */
export function saveModel(folder: string, config: ModelConfig, values: Float32Array, tokenizer: string): void {
  mkdirSync(folder, { recursive: true });
  writeWeights(folder, named(layoutOf(config).table, values));
  const target = join(folder, modelFiles.tokenizer);
  if (tokenizer === "bytes") rmSync(target, { force: true });
  else copyFileSync(tokenizer, target);
  writeAtomically(join(folder, modelFiles.config), `${JSON.stringify({ model_type: "braid", ...config }, null, 2)}\n`);
}

/**
 * Reads a model folder.
 * @returns the config, the flat weights, and "bytes" or the path of the tokenizer
 * @throws Error naming the file, and the key or tensor, that is missing or wrong
 */
export function loadModel(folder: string): {
  config: ModelConfig;
  values: Float32Array;
  tokenizer: string;
} {
  const path = join(folder, modelFiles.config);
  if (!existsSync(path)) throw new Error(`${folder} is no model folder: it has no ${modelFiles.config}.`);
  const json = readJson(path) as Record<string, unknown> | null;
  // Written so that "null" and a list, which are JSON too, have no model_type.
  const { model_type: type, ...rest } = json ?? {};
  if (type !== "braid")
    throw new Error(`${path}: model_type is ${JSON.stringify(type)}; only "braid" can be read so far.`);
  const config = configFrom(rest, path);
  const weights = openWeights(folder);
  const { table, size } = layoutOf(config);
  const values = flatten(table, size, weights, weights.path);
  const tokenizer = join(folder, modelFiles.tokenizer);
  return { config, values, tokenizer: existsSync(tokenizer) ? tokenizer : "bytes" };
}
