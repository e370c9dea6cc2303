/** Data for training and evaluation: everything that also runs in a browser. File access is in `node.ts`, which
 * `openDataset` and `loadCodec` load when they run in Node. */

export { type BatchOptions, batchAt, type ScoredWindows, validationWindows, windowsPerEpoch } from "./batches.js";
export { bytesCodec, checkVocabulary, textStream, tokenizerCodec } from "./codec.js";
export { type Language, syntheticLanguage } from "./language.js";
export { loadCodec, type OpenOptions, openDataset } from "./open.js";
export { Rng } from "./rng.js";
export { sha256 } from "./sha256.js";
export {
  type Echo,
  type SyntheticDocument,
  type SyntheticOptions,
  syntheticDataset,
  syntheticDocuments,
} from "./synthetic.js";
export type { Batch, Dataset, TokenCodec, TokenStream } from "./types.js";
