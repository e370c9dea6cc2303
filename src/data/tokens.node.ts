/**
 * `.tokens` files: a data set that is already tokenised, so that a bare machine can train on it without the text, and the
 * cache of tokenised texts.
 *
 * One line of JSON (what the data set is), then the ids of the training stream and of the validation stream, two bytes
 * each (four for vocabularies beyond 65,536), little-endian. The file may be packed as .tokens.gz or .tokens.xz.
 */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { endings, readWhole, uncompressed, writeAtomically } from "./files.node.js";
import type { Dataset, TokenCodec, TokenStream } from "./types.js";

interface Header {
  format: "braid-tokens";
  version: 1;
  name: string;
  sha256: string;
  validationSha256?: string;
  floor?: number;
  codec: { kind: string; vocabSize: number; sha256?: string };
  train: { tokens: number; bytes: number };
  validation: { tokens: number; bytes: number };
  /** SHA-256 of all that follows the header line. */
  idsSha256: string;
}

/** Writes a data set as a `.tokens` file (or `.tokens.gz`). @throws Error when the name ends otherwise */
export function saveTokens(dataset: Dataset, path: string): void {
  const [ending, compression] = endings(path);
  if (ending !== ".tokens" || compression === ".xz") {
    throw new Error(`tokens are written as .tokens or .tokens.gz, not ${basename(path)}`);
  }
  const { name, sha256, validationSha256, floor, codec, train, validation } = dataset;
  const ids = Buffer.concat([idBytes(train, codec), idBytes(validation, codec)]);
  const header: Header = {
    format: "braid-tokens",
    version: 1,
    name,
    sha256,
    validationSha256,
    floor,
    codec: { kind: codec.kind, vocabSize: codec.vocabSize, sha256: codec.sha256 },
    train: { tokens: train.ids.length, bytes: train.bytes },
    validation: { tokens: validation.ids.length, bytes: validation.bytes },
    idsSha256: createHash("sha256").update(ids).digest("hex"),
  };
  const line = `${JSON.stringify(header)}\n`;
  if (compression === ".gz") writeAtomically(path, gzipSync(Buffer.concat([Buffer.from(line), ids])));
  else writeAtomically(path, line, ids);
}

/**
 * Reads a `.tokens` file (also .gz, .xz): the data set that was saved, with the same name, checksums and ids.
 * @param codec must be the one that made the file
 * @throws Error when the path is wrong, the file is damaged, or it was made with another tokenizer
 */
export async function loadTokens(path: string, codec: TokenCodec): Promise<Dataset> {
  const what = "tokens file";
  const file = Buffer.from(await uncompressed(await readWhole(path, what), path, what));
  const newline = file.indexOf(0x0a);
  const header = parseHeader(file.subarray(0, Math.max(newline, 0)).toString(), path);
  const identity = (c: { kind: string; sha256?: string }) => (c.sha256 ? `${c.kind} ${c.sha256.slice(0, 12)}` : c.kind);
  if (header.codec.kind !== codec.kind || header.codec.sha256 !== codec.sha256) {
    throw new Error(`${what} ${path} was made with tokenizer ${identity(header.codec)}, not ${identity(codec)}`);
  }
  const ids = file.subarray(newline + 1);
  if (createHash("sha256").update(ids).digest("hex") !== header.idsSha256) {
    throw new Error(`${what} ${path} is truncated or damaged: its ids do not have the checksum that its header names`);
  }
  const trainBytes = header.train.tokens * idSize(codec);
  const { name, sha256, validationSha256, floor } = header;
  return {
    name,
    sha256,
    ...(validationSha256 === undefined ? {} : { validationSha256 }),
    codec,
    train: { ids: idsOf(ids.subarray(0, trainBytes), codec), bytes: header.train.bytes },
    validation: { ids: idsOf(ids.subarray(trainBytes), codec), bytes: header.validation.bytes },
    ...(floor === undefined ? {} : { floor }),
  };
}

function parseHeader(line: string, path: string): Header {
  try {
    const header: unknown = JSON.parse(line);
    if (typeof header === "object" && header !== null && (header as Header).format === "braid-tokens") {
      if ((header as Header).version === 1) return header as Header;
    }
  } catch {
    // Not JSON: reported below like any other file that is not ours.
  }
  throw new Error(`tokens file ${path} does not start with the header line that "braid tokens" writes`);
}

const idSize = (codec: TokenCodec) => (codec.vocabSize <= 2 ** 16 ? 2 : 4);

function idBytes({ ids }: TokenStream, codec: TokenCodec): Uint8Array {
  const sized = idSize(codec) === 2 ? Uint16Array.from(ids) : Uint32Array.from(ids);
  return new Uint8Array(sized.buffer);
}

function idsOf(bytes: Uint8Array, codec: TokenCodec): Uint16Array | Uint32Array {
  // A copy, because a view needs an offset that is a multiple of the id size. Every platform Node runs on is little-endian.
  const { buffer } = new Uint8Array(bytes);
  return idSize(codec) === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
}
