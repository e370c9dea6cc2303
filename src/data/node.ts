/** Data from local files (Node only), and the one way in which commands and notebooks open a data set. */

import { loadCodec } from "./codec.node.js";
import { endings } from "./files.node.js";
import type { OpenOptions } from "./open.js";
import { defaultTokens, syntheticDataset } from "./synthetic.js";
import { loadText } from "./text.node.js";
import { loadTokens } from "./tokens.node.js";
import type { Dataset } from "./types.js";

export { cacheFolder } from "../gpu/cache-folders.js";
export { loadCodec } from "./codec.node.js";
export type { OpenOptions } from "./open.js";
export { loadText, type TextOptions } from "./text.node.js";
export { loadTokens, saveTokens } from "./tokens.node.js";

/**
 * Opens a data set.
 * @throws Error in one sentence for each thing that can be wrong with the paths, the files and their combination
 */
export async function openDataset(options: OpenOptions): Promise<Dataset> {
  const { data, tokenizer = "bytes", seed = 0, tokens = defaultTokens, ...rest } = options;
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
