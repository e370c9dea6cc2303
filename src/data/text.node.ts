/** Local text files as data sets: .txt, .txt.gz or .txt.xz, UTF-8, documents separated by NUL. */

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { cacheFolder } from "../gpu/cache-folders.js";
import { firstInvalidUtf8, firstTokens, holdOut, StreamBuilder, splitAtNul } from "./documents.js";
import { endings, readWhole, requireFile, uncompressed } from "./files.node.js";
import { loadTokens, saveTokens } from "./tokens.node.js";
import type { Dataset, TokenCodec, TokenStream } from "./types.js";

/** What to read, and how. */
export interface TextOptions {
  /** Path of the training text. */
  train: string;
  /** Path of the validation text; without it a part of the training text is held out (see `holdOut`). */
  validation?: string;
  codec: TokenCodec;
  /** Name of the data set; the training file's base name without its endings unless given. */
  name?: string;
  /** Keep only the first tokens of the training stream. The data set's name then says so: "corpus[:16000000]". */
  limitTokens?: number;
  /** Folder for tokenised texts; `cacheFolder()` unless given, false for none. */
  cache?: string | false;
  /** Called now and then with the fraction of the text that is tokenised. */
  onProgress?: (fraction: number) => void;
}

/** Raised when the way text becomes ids changes, so that old cache entries are not read. */
const cacheVersion = 1;

/**
 * Reads and tokenises a text. Each document is preceded by the separator. `sha256` is over the uncompressed training file.
 * Ids are kept in a cache, so that a text is tokenised once.
 * @throws Error when a path is wrong, a file is empty, truncated or of an unknown kind, or the text is not UTF-8
 */
export async function loadText(options: TextOptions): Promise<Dataset> {
  const { train, codec, limitTokens } = options;
  if (limitTokens !== undefined && !(Number.isSafeInteger(limitTokens) && limitTokens > 0)) {
    throw new Error(`limitTokens must be a positive integer, got ${limitTokens}`);
  }
  const dataset = await wholeText(options);
  const plain = basename(train).replace(/(\.txt)?(\.gz|\.xz)?$/i, "");
  const name = options.name ?? plain;
  if (limitTokens === undefined || limitTokens >= dataset.train.ids.length) return { ...dataset, name };
  const limited = firstTokens(dataset.train, limitTokens, codec.byteLengths);
  return { ...dataset, name: `${name}[:${limitTokens}]`, train: limited };
}

async function wholeText({ train, validation, codec, cache, onProgress }: TextOptions): Promise<Dataset> {
  const packed = await Promise.all([train, ...(validation === undefined ? [] : [validation])].map(readTextFile));
  // Keyed by the files as they lie on disk: unpacking a large file takes longer than reading its ids.
  const key = sha256(JSON.stringify([cacheVersion, codec.kind, codec.sha256, packed.map((bytes) => sha256(bytes))]));
  // Bytes need no tokenising, so caching them would only double the text on disk.
  const file = join("tokens", `${key}.tokens`);
  const cached = cache !== false && codec.kind !== "bytes" ? join(cache ?? cacheFolder(file), file) : undefined;
  if (cached !== undefined) {
    // A missing entry is the usual case, a damaged one is written anew.
    const found = await loadTokens(cached, codec).catch(() => undefined);
    if (found) return found;
  }

  const trainText = await uncompressed(packed[0], train, what);
  let parts = { train: documentsOf(trainText, train), validation: [] as Uint8Array[] };
  const identity: { sha256: string; validationSha256?: string } = { sha256: sha256(trainText) };
  if (validation !== undefined) {
    const text = await uncompressed(packed[1], validation, what);
    parts.validation = documentsOf(text, validation);
    identity.validationSha256 = sha256(text);
  } else {
    parts = holdOut(parts.train, `${what} ${train}`, sha256);
  }
  const total = [...parts.train, ...parts.validation].reduce((n, document) => n + document.length, 0);
  let done = 0;
  const tokenise = async (documents: Uint8Array[]): Promise<TokenStream> => {
    const builder = new StreamBuilder(codec);
    for (const document of documents) {
      builder.add(document);
      done += document.length;
      onProgress?.(done / total);
      await setImmediate(); // lets a signal or a progress display through between documents
    }
    return builder.stream();
  };
  const dataset: Dataset = {
    name: "",
    ...identity,
    codec,
    train: await tokenise(parts.train),
    validation: await tokenise(parts.validation),
  };
  if (cached !== undefined) {
    try {
      saveTokens(dataset, cached);
    } catch {
      // A cache that is read-only or full costs the time of tokenising again, not the run.
    }
  }
  return dataset;
}

const what = "data file";

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

async function readTextFile(path: string): Promise<Uint8Array> {
  const [ending, compression] = endings(path);
  await requireFile(path, what);
  if (ending !== ".txt" && !(ending === "" && compression !== "")) {
    throw new Error(
      `${what} ${path} has the ending ${JSON.stringify(ending + compression)}; ` +
        "braid reads .txt, .txt.gz and .txt.xz (UTF-8, documents separated by NUL), and for training .tokens",
    );
  }
  return readWhole(path, what);
}

function documentsOf(text: Uint8Array, path: string): Uint8Array[] {
  const documents = splitAtNul(text);
  if (documents.length === 0) throw new Error(`${what} ${path} holds no text`);
  if (!isUtf8(text)) {
    const offset = firstInvalidUtf8(text);
    // Documents are counted as the splitter counts them: from 1, without the empty ones.
    const number = splitAtNul(text.subarray(0, offset + 1)).length;
    throw new Error(`${what} ${path} is not UTF-8: invalid byte at offset ${offset} (document ${number})`);
  }
  return documents;
}
