/** Opening data by name, wherever the code runs: files in Node, the synthetic language everywhere. */

import { bytesCodec } from "./codec.js";
import { defaultTokens, syntheticDataset } from "./synthetic.js";
import type { Dataset, TokenCodec } from "./types.js";

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
  /** Folder for tokenised texts (~/.cache/braid or BRAID_CACHE unless given), false for none. */
  cache?: string | false;
  /** Called now and then with the fraction of the text that is tokenised. */
  onProgress?: (fraction: number) => void;
}

/**
 * Opens a data set.
 * @throws Error in one sentence for each thing that can be wrong with the paths, the files and their combination
 */
export async function openDataset(options: OpenOptions): Promise<Dataset> {
  if (inNode) return (await import("./node.js")).openDataset(options);
  const { data, seed = 0, tokens = defaultTokens } = options;
  if (data !== "synthetic") throw new Error(`data ${data}: files are read in Node; in a browser, data is "synthetic"`);
  return syntheticDataset({ seed, trainTokens: tokens, codec: await loadCodec(options.tokenizer ?? "bytes") });
}

/** The codec that `tokenizer` names: "bytes", or (in Node) the path of a tokenizer.json. @throws Error as `openDataset` */
export async function loadCodec(tokenizer: string): Promise<TokenCodec> {
  if (inNode) return (await import("./node.js")).loadCodec(tokenizer);
  if (tokenizer === "bytes") return bytesCodec();
  throw new Error(`tokenizer ${tokenizer}: files are read in Node; in a browser, give its text to tokenizerCodec`);
}

const inNode = typeof process !== "undefined" && process.versions?.node !== undefined;
