/** Data from local files (Node only), and the one way in which commands and notebooks open a data set. */

import { loadCodec } from "./codec.node.js";
import { endings } from "./files.node.js";
import { syntheticDataset } from "./synthetic.js";
import { loadText, type TextOptions } from "./text.node.js";
import { loadTokens } from "./tokens.node.js";
import type { Dataset } from "./types.js";

export { loadCodec } from "./codec.node.js";
export { loadText, type TextOptions } from "./text.node.js";
export { cacheFolder, loadTokens, saveTokens } from "./tokens.node.js";

/** What `--data`, `--validation`, `--tokenizer` and their like say. */
export interface OpenOptions {
  /** "synthetic", the path of a text (.txt, .txt.gz, .txt.xz), or of a .tokens file (also .gz, .xz). */
  data: string;
  /** Path of a validation text; texts only. */
  validation?: string;
  /** "bytes" (the default) or the path of a tokenizer.json. */
  tokenizer?: string;
  /** Seed of the synthetic language, 0 unless given. It is not the training seed: paired runs share their data. */
  seed?: number;
  /** Training tokens of the synthetic language, 16 million unless given. Texts are read whole; see `limitTokens`. */
  tokens?: number;
  /** Name of the data set, if not the file's base name; texts only. */
  name?: string;
  /** Keeps only a text's first training tokens. */
  limitTokens?: number;
  /** See `TextOptions`. */
  cache?: TextOptions["cache"];
  /** See `TextOptions`. */
  onProgress?: TextOptions["onProgress"];
}

/**
 * Opens a data set.
 * @throws Error in one sentence for each thing that can be wrong with the paths, the files and their combination
 */
export async function openDataset(options: OpenOptions): Promise<Dataset> {
  const { data, tokenizer = "bytes", seed = 0, tokens = 16_000_000, ...rest } = options;
  const codec = await loadCodec(tokenizer);
  const kind = data === "synthetic" ? "synthetic" : endings(data)[0] === ".tokens" ? ".tokens" : "text";
  if (kind !== "text") {
    const textOnly = (["validation", "name", "limitTokens"] as const).find((option) => rest[option] !== undefined);
    if (textOnly) throw new Error(`${textOnly} goes with a text; the data is ${kind === "synthetic" ? kind : data}`);
  }
  if (kind === "synthetic") return syntheticDataset({ seed, trainTokens: tokens, codec });
  if (kind === ".tokens") return loadTokens(data, codec);
  return loadText({ ...rest, train: data, codec });
}
