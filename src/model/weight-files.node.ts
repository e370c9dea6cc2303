/**
 * A folder's weights in Hugging Face's layout: model.safetensors, or shards (model-00001-of-00003.safetensors, …) and an
 * index that says which tensor lies in which. Tensors are read and written one at a time, so that a folder may be larger
 * than memory has room for twice.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import {
  encodeHeader,
  encodeTensor,
  type FloatType,
  floatsOf,
  headerSize,
  integersOf,
  readHeader,
  type StoredTensor,
  type TensorEntry,
  tensorSize,
} from "./safetensors.js";

export const weightsFile = "model.safetensors";
export const indexFile = `${weightsFile}.index.json`;
const isShard = (file: string) => /^model-\d{5,}-of-\d{5,}\.safetensors$/.test(file);

/** Where a tensor lies. */
interface Located extends TensorEntry {
  /** Path of the file that holds it. */
  file: string;
}

/** The tensors of a folder; `keys` and `get` are those of a Map, but each `get` reads from the disk. */
export class Weights {
  constructor(
    /** The file that says which tensors there are (the one file, or the index): errors about the whole name it. */
    readonly path: string,
    private readonly located: Map<string, Located>,
  ) {}

  keys(): IterableIterator<string> {
    return this.located.keys();
  }

  has(name: string): boolean {
    return this.located.has(name);
  }

  /** A tensor's shape, the type the file has it in, and the file; nothing is read. */
  entry(name: string): { shape: readonly number[]; dtype: string; file: string } | undefined {
    return this.located.get(name);
  }

  /** Reads a tensor of F32, F16, BF16 or F64 as float32. @throws Error naming the file and the tensor */
  get(name: string): (StoredTensor & { dtype: string }) | undefined {
    const at = this.located.get(name);
    if (!at) return undefined;
    return { shape: at.shape, dtype: at.dtype, values: floatsOf(bytesOf(at), at.dtype, `${at.file}: tensor ${name}`) };
  }

  /** Reads a tensor of I32 or I64. @throws Error naming the file and the tensor, also when a value is beyond 32 bits */
  integers(name: string): { shape: readonly number[]; values: Int32Array } | undefined {
    const at = this.located.get(name);
    return at && { shape: at.shape, values: integersOf(bytesOf(at), at.dtype, `${at.file}: tensor ${name}`) };
  }
}

/**
 * Reads which tensors a folder has; model.safetensors goes before an index, as in transformers.
 * @throws Error naming the file and the tensor when the folder has no weights, the index is malformed or names a shard that
 *   is missing or lacks the tensor, two shards have the same tensor, or a file is truncated or malformed
 */
export function openWeights(folder: string): Weights {
  const single = join(folder, weightsFile);
  if (existsSync(single)) {
    return new Weights(
      single,
      new Map([...entriesOf(single)].map(([name, entry]) => [name, { ...entry, file: single }])),
    );
  }
  const index = join(folder, indexFile);
  if (!existsSync(index)) throw new Error(`${folder} has neither ${weightsFile} nor ${indexFile}.`);
  const shardOf = weightMap(index);
  const located = new Map<string, Located>();
  for (const shard of new Set(shardOf.values())) {
    const file = join(folder, shard);
    if (!existsSync(file)) throw new Error(`${index} names the shard ${shard}, which the folder does not have.`);
    for (const [name, entry] of entriesOf(file)) {
      const other = located.get(name);
      if (other) throw new Error(`${folder}: tensor ${name} is both in ${basename(other.file)} and in ${shard}.`);
      located.set(name, { ...entry, file });
    }
  }
  for (const [name, shard] of shardOf) {
    if (located.get(name)?.file !== join(folder, shard))
      throw new Error(`${join(folder, shard)} lacks the tensor ${name}, which ${indexFile} places there.`);
  }
  return new Weights(index, located);
}

/** Which shard has which tensor. @throws Error naming the index and what is wrong in it */
export function weightMap(index: string): Map<string, string> {
  let json: { weight_map?: unknown } | null;
  try {
    json = JSON.parse(readFileSync(index, "utf8"));
  } catch (error) {
    throw new Error(`${index} is not JSON: ${(error as Error).message}.`);
  }
  const map = json?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new Error(`${index} has no weight_map from tensors to shards.`);
  }
  const entries = Object.entries(map);
  if (entries.length === 0) throw new Error(`${index}: weight_map names no tensor.`);
  for (const [name, shard] of entries) {
    // Only a name in the same folder: an index from elsewhere must not point at other files.
    if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new Error(
        `${index}: tensor ${name} is in ${JSON.stringify(shard)}, which is no name of a safetensors file.`,
      );
    }
  }
  return new Map(entries);
}

function entriesOf(file: string): Map<string, TensorEntry> {
  return withFile(file, (fd) => {
    const { size } = fstatSync(fd);
    const start = headerSize(readAt(fd, 0, Math.min(8, size), file), size, file);
    return readHeader(readAt(fd, 0, start, file), size, file).entries;
  });
}

const bytesOf = ({ file, begin, end }: Located) => withFile(file, (fd) => readAt(fd, begin, end - begin, file));

function withFile<T>(file: string, read: (fd: number) => T): T {
  const fd = openSync(file, "r");
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
}

function readAt(fd: number, position: number, length: number, file: string): Uint8Array {
  const bytes = new Uint8Array(length);
  // One read call gives 2 GiB at most.
  for (let at = 0; at < length; ) {
    const read = readSync(fd, bytes, at, Math.min(length - at, 2 ** 30), position + at);
    if (read === 0) throw new Error(`${file} was cut off while it was read.`);
    at += read;
  }
  return bytes;
}

export interface WriteOptions {
  /** How numbers are stored, F32 unless given. */
  dtype?: FloatType;
  /** Files hold no more bytes of tensors than this, unless one tensor alone does; 5 GB unless given. */
  maxShardBytes?: number;
}

/**
 * Writes a folder's weights, as one file when they fit, else as shards and an index, and removes those of an earlier save.
 * Files get their names when all are whole. Shapes are read first; `values`, which may be a getter, once per tensor and
 * not kept.
 * @throws Error naming the tensor when two have the same name, or its values are not as many as its shape says, or too
 *   large for the type; the folder then is as it was
 */
export function writeWeights(
  folder: string,
  tensors: Iterable<readonly [name: string, tensor: StoredTensor]>,
  { dtype = "F32", maxShardBytes = 5e9 }: WriteOptions = {},
): void {
  const shards = split([...tensors], dtype, maxShardBytes);
  const digits = (n: number) => String(n).padStart(5, "0");
  const names =
    shards.length === 1
      ? [weightsFile]
      : shards.map((_, i) => `model-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`);
  const temporary = (file: string) => join(folder, `${file}.${process.pid}.tmp`);
  mkdirSync(folder, { recursive: true });
  try {
    shards.forEach((shard, i) => {
      writeShard(temporary(names[i]), shard, dtype, folder);
    });
    if (shards.length > 1) writeIndex(temporary(indexFile), shards, names, dtype);
    // Without its index, a half-replaced set of shards is no model; with it, it would be a wrong one.
    rmSync(join(folder, indexFile), { force: true });
    const written = shards.length > 1 ? [...names, indexFile] : names;
    for (const file of written) renameSync(temporary(file), join(folder, file));
    for (const file of readdirSync(folder)) {
      if ((file === weightsFile || isShard(file)) && !written.includes(file)) rmSync(join(folder, file));
    }
  } finally {
    for (const file of [...names, indexFile]) rmSync(temporary(file), { force: true });
  }
}

type Named = readonly [name: string, tensor: StoredTensor];

/** Cuts a list of tensors, in its order, into shards. */
function split(tensors: Named[], dtype: FloatType, maxBytes: number): Named[][] {
  const names = new Set<string>();
  const shards: Named[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const [name, { shape }] = tensor;
    if (names.has(name)) throw new Error(`tensor ${name} is given twice; names in a file differ.`);
    names.add(name);
    const size = tensorSize(shape, dtype);
    if (bytes > 0 && bytes + size > maxBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards[shards.length - 1].push(tensor);
    bytes += size;
  }
  return shards;
}

function writeShard(path: string, shard: Named[], dtype: FloatType, folder: string): void {
  const fd = openSync(path, "w");
  try {
    write(fd, encodeHeader(shard, dtype, {}));
    for (const [name, tensor] of shard) write(fd, encodeTensor(tensor, dtype, name));
  } catch (error) {
    throw new Error(`The weights of ${folder} could not be written: ${(error as Error).message}`);
  } finally {
    closeSync(fd);
  }
}

function write(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, Math.min(bytes.length - at, 2 ** 30));
}

function writeIndex(path: string, shards: Named[][], names: string[], dtype: FloatType): void {
  const all = shards.flatMap((shard, i) => shard.map(([name, { shape }]) => ({ name, shard: names[i], shape })));
  const index = {
    metadata: { total_size: all.reduce((sum, { shape }) => sum + tensorSize(shape, dtype), 0) },
    weight_map: Object.fromEntries(all.map(({ name, shard }) => [name, shard])),
  };
  writeFileSync(path, `${JSON.stringify(index, null, 2)}\n`);
}
