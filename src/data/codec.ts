/**
 * How text becomes tokens: plain bytes, or the byte-level BPE of a Hugging Face `tokenizer.json`.
 *
 * Both keep every byte of the text (decode(encode(x)) = x for well-formed strings), so each id stands for a fixed number
 * of bytes and a loss per token can be turned into a loss per byte. Special tokens are never recognised inside text:
 * a document that happens to contain "<|endoftext|>" cannot end itself.
 */

import { Tokenizer } from "@huggingface/tokenizers";
import { sha256 } from "./sha256.js";
import type { TokenCodec } from "./types.js";

const utf8 = new TextEncoder();

/** Bytes to a string; ignoreBOM, because a decoder that swallows a leading U+FEFF would lose three bytes. */
function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** UTF-8 bytes as tokens: 256 ids; NUL (id 0) separates documents. Invalid UTF-8 decodes to U+FFFD. */
export function bytesCodec(): TokenCodec {
  return {
    kind: "bytes",
    vocabSize: 256,
    separator: 0,
    encode: (text) => Array.from(utf8.encode(text)),
    decode: (ids) => decodeUtf8(Uint8Array.from(ids, (id) => checkedId(id, 256))),
    byteLengths: new Uint16Array(256).fill(1),
  };
}

/**
 * The codec of a `tokenizer.json` whose model is a byte-level BPE (GPT-2, Llama 3, Qwen 2 and the workbook's own).
 * @param json the file's text; its SHA-256 becomes the codec's identity
 * @param name how error messages call the file
 * @throws Error in one sentence when the text is not JSON, not such a tokenizer, or does not keep every byte
 */
export function tokenizerCodec(json: string, name = "tokenizer.json"): TokenCodec {
  const file = parseTokenizer(json, name);
  const { bytes, separator } = vocabularyBytes(file, name);
  // Without its added tokens the library treats special tokens inside text as plain text. The post-processor, which adds
  // them around the text, is left out too.
  const library = new Tokenizer({ ...file, added_tokens: [], post_processor: null }, {});
  const encodePiece = (text: string) => (text === "" ? [] : library.encode(text, { add_special_tokens: false }).ids);
  const encode = file.pre_tokenizer.type === "ByteLevel" ? cachedEncoder(encodePiece) : encodePiece;
  return {
    kind: "bpe",
    vocabSize: bytes.length,
    sha256: sha256(json),
    separator,
    encode,
    decode: (ids) => {
      const parts = Array.from(ids, (id) => bytes[checkedId(id, bytes.length)]);
      const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return decodeUtf8(out);
    },
    byteLengths: Uint16Array.from(bytes, (part) => part.length),
  };
}

/** Checks that a model can embed every token. @throws Error naming both sizes and the remedy */
export function checkVocabulary(codec: TokenCodec, vocabSize: number): void {
  if (codec.vocabSize <= vocabSize) return;
  throw new Error(
    `tokenizer has ${codec.vocabSize} entries but the model's vocabSize is ${vocabSize}: ` +
      `set vocabSize to ${codec.vocabSize} or more, or choose a tokenizer of at most ${vocabSize} entries`,
  );
}

/**
 * Turns ids that arrive one by one into text, holding back the bytes of an unfinished character.
 * @returns a function that takes the next id and gives the text that is now certain ("" while a character is incomplete)
 */
export function textStream(codec: TokenCodec): (id: number) => string {
  let pending: number[] = [];
  let emitted = 0;
  return (id) => {
    pending.push(id);
    const text = codec.decode(pending);
    // An unfinished character decodes to one final U+FFFD, and only the last character can be unfinished.
    const unfinished = text.endsWith("\uFFFD");
    const fresh = text.slice(emitted, unfinished ? -1 : undefined);
    if (unfinished) {
      emitted += fresh.length;
    } else {
      pending = [];
      emitted = 0;
    }
    return fresh;
  };
}

function checkedId(id: number, vocabSize: number): number {
  if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
    throw new Error(`token id ${id} is outside the vocabulary (0 to ${vocabSize - 1})`);
  }
  return id;
}

/** The parts of a tokenizer.json that are read here. */
interface TokenizerFile {
  model: { type: string; vocab: Record<string, number> };
  pre_tokenizer: { type: string };
  added_tokens?: { id: number; content: string; special?: boolean }[];
  [part: string]: unknown;
}

function parseTokenizer(json: string, name: string): TokenizerFile {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (error) {
    // The engine's message quotes the file, line breaks and all.
    throw new Error(`${name} is not JSON: ${(error as Error).message.replace(/\s+/g, " ")}`);
  }
  const record = (x: unknown) => (typeof x === "object" && x !== null ? (x as Record<string, unknown>) : undefined);
  const model = record(record(file)?.model);
  if (!model) throw new Error(`${name} is not a tokenizer.json: it has no "model"`);
  // Old files leave the type out; only BPE has both a vocab object and merges.
  const type = model.type ?? (Array.isArray(model.merges) && record(model.vocab) ? "BPE" : undefined);
  const needs = 'braid reads byte-level BPE (model type "BPE" with a ByteLevel pre-tokenizer)';
  if (type !== "BPE") throw new Error(`${name}: model type ${JSON.stringify(type)} is not supported; ${needs}`);
  if (!record(model.vocab) || !Array.isArray(model.merges)) throw new Error(`${name}: its model lacks vocab or merges`);

  const { pre_tokenizer, normalizer } = file as Record<string, unknown>;
  const steps = [record(pre_tokenizer), ...((record(pre_tokenizer)?.pretokenizers as unknown[]) ?? []).map(record)];
  const byteLevel = steps.find((step) => step?.type === "ByteLevel");
  if (!byteLevel) throw new Error(`${name}: its pre-tokenizer is not ByteLevel; ${needs}`);
  if (byteLevel.add_prefix_space === true) {
    throw new Error(`${name}: its pre-tokenizer adds a space before the text (add_prefix_space); train it without`);
  }
  if (record(normalizer) && record(normalizer)?.type !== "NFC") {
    throw new Error(
      `${name}: normalizer ${JSON.stringify(record(normalizer)?.type)} changes the text; only NFC is supported`,
    );
  }
  return { ...(file as TokenizerFile), model: { ...(model as TokenizerFile["model"]), type } };
}

/** GPT-2's printable stand-ins: bytes that print stand for themselves, the others for U+0100 and up, in order. */
function byteOfCharacter(): Map<string, number> {
  const prints = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  const map = new Map<string, number>();
  for (let b = 0, next = 256; b < 256; b++) map.set(String.fromCharCode(prints(b) ? b : next++), b);
  return map;
}

const SEPARATORS = ["<|endoftext|>", "<|end_of_text|>", "<|eos|>", "</s>", "<eos>"];

/** The bytes of every id, and which id separates documents. */
function vocabularyBytes(file: TokenizerFile, name: string): { bytes: Uint8Array[]; separator: number } {
  const added = file.added_tokens ?? [];
  const special = added.filter((token) => token.special);
  const separator = special.find((token) => SEPARATORS.includes(token.content)) ?? special[0];
  if (!separator) throw new Error(`${name} has no special token to put between documents (e.g. "<|endoftext|>")`);

  const addedIds = new Set(added.map((token) => token.id));
  const bytes: Uint8Array[] = [];
  const byteOf = byteOfCharacter();
  for (const [entry, id] of Object.entries(file.model.vocab)) {
    if (addedIds.has(id)) continue;
    bytes[id] = Uint8Array.from(entry, (character) => {
      const byte = byteOf.get(character);
      if (byte === undefined) throw new Error(`${name}: vocabulary entry ${JSON.stringify(entry)} is not byte-level`);
      return byte;
    });
  }
  for (const token of added) bytes[token.id] = utf8.encode(token.content);
  // The separator stands for the NUL that separates documents in text files: one byte, so that losses per byte agree.
  bytes[separator.id] = Uint8Array.of(0);
  for (let id = 0; id < bytes.length; id++) bytes[id] ??= new Uint8Array(0); // gaps: ids that are never produced
  for (const [character, byte] of byteOf) {
    if (file.model.vocab[character] === undefined) {
      throw new Error(
        `${name} has no entry for byte 0x${byte.toString(16).padStart(2, "0")}, so some text cannot be encoded`,
      );
    }
  }
  return { bytes, separator: separator.id };
}

/**
 * Encodes piece by piece with a cache, which makes a 140 MB text a matter of seconds. Pieces are cut only where GPT-2's
 * pre-tokenizer always cuts: before a space between a printing ASCII character and an ASCII letter, and between an ASCII
 * letter and ASCII punctuation other than an apostrophe. Its pattern never looks behind, and looks ahead only from white
 * space, so the ids are those of the whole text (`test/data/codec.test.ts` checks this on random text).
 */
function cachedEncoder(encode: (text: string) => number[]): (text: string) => number[] {
  const cache = new Map<string, number[]>();
  return (text) => {
    const ids: number[] = [];
    const piece = (from: number, to: number) => {
      const part = text.slice(from, to);
      let found = cache.get(part);
      if (!found) {
        found = encode(part);
        // Long pieces rarely come back; a full cache starts anew rather than tracking use.
        if (cache.size >= 500_000) cache.clear();
        if (part.length <= 24) cache.set(part, found);
      }
      for (const id of found) ids.push(id);
    };
    let start = 0;
    for (let i = 1; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (isLetter(c) || c > 0x7e || c < 0x20) continue;
      const previous = text.charCodeAt(i - 1);
      const cut =
        c === 0x20
          ? previous > 0x20 && previous < 0x7f && isLetter(text.charCodeAt(i + 1))
          : isLetter(previous) && c !== 0x27 && !(c >= 0x30 && c <= 0x39);
      if (!cut) continue;
      piece(start, i);
      start = i;
    }
    if (start < text.length) piece(start, text.length);
    return ids;
  };
}

function isLetter(c: number): boolean {
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
