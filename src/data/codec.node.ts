/** Codecs from files. */

import { bytesCodec, tokenizerCodec } from "./codec.js";
import { readWhole } from "./files.node.js";
import type { TokenCodec } from "./types.js";

/**
 * The codec that `--tokenizer` names: "bytes", or the path of a tokenizer.json.
 * @throws Error when the file is missing, empty, or not a byte-level BPE
 */
export async function loadCodec(tokenizer: string): Promise<TokenCodec> {
  if (tokenizer === "bytes") return bytesCodec();
  const json = new TextDecoder().decode(await readWhole(tokenizer, "tokenizer file"));
  return tokenizerCodec(json, `tokenizer file ${tokenizer}`);
}
