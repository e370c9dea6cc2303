/** What training and evaluation read: two token streams cut from documents, with the byte length of every token. */

/** A stream of tokens; documents are joined, each preceded by the separator token. */
export interface TokenStream {
  /** Token ids, in order. */
  ids: Uint16Array | Uint32Array;
  /** UTF-8 bytes that the whole stream stands for (separators count one byte each, as NUL does in the text). */
  bytes: number;
}

/** How text becomes tokens. */
export interface TokenCodec {
  /** "bytes" or "bpe". */
  kind: string;
  /** Ids are below this. */
  vocabSize: number;
  /** SHA-256 of the tokenizer file; absent for bytes. */
  sha256?: string;
  /** Separator between documents. */
  separator: number;
  encode(text: string): number[];
  decode(ids: ArrayLike<number>): string;
  /** Bytes that each id stands for, indexed by id. */
  byteLengths: Uint16Array;
}

/** A named data set, ready to train on. */
export interface Dataset {
  /** E.g. "synthetic", or the file's base name. */
  name: string;
  /** SHA-256 over the uncompressed text (or the generator's parameters), so that a recorded run can name what it read. */
  sha256: string;
  /** SHA-256 over the uncompressed validation text, where it is a file of its own. */
  validationSha256?: string;
  codec: TokenCodec;
  train: TokenStream;
  validation: TokenStream;
  /** Nats a token that a model which knew the generator's rules would score on `validation` (synthetic data only). */
  floor?: number;
}

/** One training batch of B sequences of T tokens, row-major [B, T]; targets are inputs shifted by one. */
export interface Batch {
  inputs: Uint32Array;
  targets: Uint32Array;
}
