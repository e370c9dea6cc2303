/** Documents to token streams, and the deterministic split for texts that come without a validation file. */

import { sha256 } from "./sha256.js";
import type { TokenCodec, TokenStream } from "./types.js";

/** Collects documents into a stream, each preceded by the separator. */
export class StreamBuilder {
  private ids: Uint16Array | Uint32Array;
  private length = 0;
  private bytes = 0;

  constructor(private readonly codec: TokenCodec) {
    this.ids = codec.vocabSize <= 2 ** 16 ? new Uint16Array(1024) : new Uint32Array(1024);
  }

  /** Tokens so far. */
  get tokens(): number {
    return this.length;
  }

  /** Adds one document, as its text or as the UTF-8 bytes of its text (which the caller has checked). */
  add(document: string | Uint8Array): void {
    const { codec } = this;
    const text = () =>
      typeof document === "string" ? document : new TextDecoder("utf-8", { ignoreBOM: true }).decode(document);
    // The bytes codec's ids are the bytes: a file without separators may be too long for an array of numbers.
    const ids = codec.kind === "bytes" && typeof document !== "string" ? document : codec.encode(text());
    this.reserve(this.length + 1 + ids.length);
    this.ids[this.length] = codec.separator;
    this.ids.set(ids, this.length + 1);
    this.length += 1 + ids.length;
    this.bytes += codec.byteLengths[codec.separator];
    for (const id of ids) this.bytes += codec.byteLengths[id];
  }

  stream(): TokenStream {
    return { ids: this.ids.slice(0, this.length), bytes: this.bytes };
  }

  private reserve(length: number): void {
    if (length <= this.ids.length) return;
    const wider = new (this.ids.constructor as Uint16ArrayConstructor)(Math.max(length, 2 * this.ids.length));
    wider.set(this.ids.subarray(0, this.length));
    this.ids = wider;
  }
}

/** The first `tokens` tokens of a stream, with their bytes. */
export function firstTokens(stream: TokenStream, tokens: number, byteLengths: Uint16Array): TokenStream {
  if (tokens >= stream.ids.length) return stream;
  const ids = stream.ids.slice(0, tokens);
  let bytes = 0;
  for (const id of ids) bytes += byteLengths[id];
  return { ids, bytes };
}

/** Cuts a text at its NULs, dropping empty documents. */
export function splitAtNul(text: Uint8Array): Uint8Array[] {
  const documents: Uint8Array[] = [];
  for (let start = 0; start < text.length; ) {
    const nul = text.indexOf(0, start);
    const end = nul < 0 ? text.length : nul;
    if (end > start) documents.push(text.subarray(start, end));
    start = end + 1;
  }
  return documents;
}

/**
 * Sets a part of a text aside for validation, the same part whenever the text is the same. Several documents: ordered by
 * SHA-256, the first ones up to 3 % of the bytes or just over it, at least one and never all. A single document: its last
 * 5 %, cut after a newline where its second half has one before that, else between two characters.
 * @throws Error (starting with `name`) when the text is too short to be split
 */
export function holdOut(
  documents: Uint8Array[],
  name: string,
  hash: (bytes: Uint8Array) => string = sha256,
): {
  train: Uint8Array[];
  validation: Uint8Array[];
} {
  const total = documents.reduce((n, document) => n + document.length, 0);
  if (documents.length > 1) {
    const hashes = documents.map(hash);
    const order = documents.map((_, i) => i).sort((a, b) => (hashes[a] < hashes[b] ? -1 : 1));
    const held = new Set<number>();
    for (let i = 0, bytes = 0; i < order.length - 1 && bytes < 0.03 * total; i++) {
      held.add(order[i]);
      bytes += documents[order[i]].length;
    }
    return { train: documents.filter((_, i) => !held.has(i)), validation: documents.filter((_, i) => held.has(i)) };
  }
  if (total < 40) throw new Error(`${name} has ${total} bytes, too few to set some aside for validation`);
  const [document] = documents;
  const at = Math.floor(0.95 * total);
  let cut = document.lastIndexOf(0x0a, at) + 1;
  if (cut < total / 2) for (cut = at; (document[cut] & 0xc0) === 0x80; cut--);
  return { train: [document.subarray(0, cut)], validation: [document.subarray(cut)] };
}

/** Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7), or -1. */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  const continues = (i: number) => i < bytes.length && (bytes[i] & 0xc0) === 0x80;
  for (let i = 0; i < bytes.length; ) {
    const b = bytes[i];
    const next = bytes[i + 1];
    let length = 1;
    if (b >= 0x80) {
      if (b >= 0xc2 && b <= 0xdf) length = 2;
      else if (b >= 0xe0 && b <= 0xef) length = 3;
      else if (b >= 0xf0 && b <= 0xf4) length = 4;
      else return i;
      // Overlong forms, surrogates and code points beyond U+10FFFF show in the second byte.
      if ((b === 0xe0 && next < 0xa0) || (b === 0xed && next > 0x9f)) return i;
      if ((b === 0xf0 && next < 0x90) || (b === 0xf4 && next > 0x8f)) return i;
      for (let k = 1; k < length; k++) if (!continues(i + k)) return i;
    }
    i += length;
  }
  return -1;
}
