// The safetensors format: 8 bytes with the header's length (little-endian), a JSON header, the tensors' bytes.
// https://github.com/huggingface/safetensors#format. Here tensors are float32 whatever the file holds.
import { fromBF16, fromF16, toBF16, toF16 } from "../gpu/half.js";

export interface StoredTensor {
  shape: readonly number[];
  values: Float32Array;
}

/** How a file's numbers are stored: what is written. */
export type FloatType = "F32" | "F16" | "BF16";

/** What a header says of a tensor. */
export interface TensorEntry {
  dtype: string;
  shape: readonly number[];
  /** First byte, and the one after the last, counted from the beginning of the file. */
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  entries: Map<string, TensorEntry>;
  metadata: Record<string, string>;
}

/** The format's own limit, 100 MB, so that a file of something else is not taken for one with a huge header. */
const largestHeader = 100e6 + 8;

const elementBytes: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 };
const isFloatType = (dtype: string) => !dtype.startsWith("I");

/** How many bytes tensors of this shape take. */
export function tensorSize(shape: readonly number[], dtype: string): number {
  return shape.reduce((product, size) => product * size, elementBytes[dtype]);
}

/** The beginning of a safetensors file, up to the first tensor; the tensors' bytes follow in the order given. */
export function encodeHeader(
  tensors: Iterable<readonly [name: string, tensor: { shape: readonly number[] }]>,
  dtype: FloatType,
  metadata: Record<string, string>,
): Uint8Array {
  let end = 0;
  const entries = Array.from(tensors, ([name, { shape }]) => {
    const begin = end;
    end += tensorSize(shape, dtype);
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  let json = JSON.stringify(Object.fromEntries([["__metadata__", { format: "pt", ...metadata }], ...entries]));
  // Readers map the data in place, so it has to begin at a multiple of 8.
  json += " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8);
  const text = new TextEncoder().encode(json);
  const header = new Uint8Array(8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, 8);
  return header;
}

/**
 * A tensor's bytes in a file.
 * @param name how errors call the tensor
 * @throws Error when the values are not as many as the shape says, or a finite one would become infinite
 */
export function encodeTensor({ shape, values }: StoredTensor, dtype: FloatType, name: string): Uint8Array {
  if (tensorSize(shape, "F32") !== values.byteLength) {
    throw new Error(`tensor ${name} is [${shape}], but has ${values.length} values.`);
  }
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = dtype === "F16" ? toF16(values) : toBF16(values);
  const infinity = dtype === "F16" ? 0x7c00 : 0x7f80;
  const lost = bits.findIndex((half, i) => (half & 0x7fff) === infinity && Number.isFinite(values[i]));
  if (lost >= 0) throw new Error(`tensor ${name} has the value ${values[lost]}, which is too large for ${dtype}.`);
  return new Uint8Array(bits.buffer);
}

/**
 * A safetensors file with the tensors in their order; `metadata` values are strings, as the format wants.
 * @throws Error naming the tensor as `encodeTensor`
 */
export function encodeSafetensors(
  tensors: Map<string, StoredTensor>,
  metadata: Record<string, string> = {},
  dtype: FloatType = "F32",
): Uint8Array {
  const parts = [encodeHeader(tensors, dtype, metadata)];
  for (const [name, tensor] of tensors) parts.push(encodeTensor(tensor, dtype, name));
  const file = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/**
 * Where the first tensor begins.
 * @param start the file's first 8 bytes, or more
 * @param fileSize the whole file's bytes
 * @throws Error when the file, called `name`, can't hold the header
 */
export function headerSize(start: Uint8Array, fileSize: number, name: string): number {
  const size = start.length < 8 ? Number.NaN : Number(viewOf(start).getBigUint64(0, true)) + 8;
  if (!(size <= Math.min(fileSize, largestHeader)))
    throw new Error(`${name} is no safetensors file, or its header is cut off.`);
  return size;
}

/**
 * Reads what a file says of its tensors; these have to fill it without overlaps and gaps, as the format wants.
 * @param start the file's beginning: `headerSize` bytes, or more
 * @param fileSize the whole file's bytes
 * @throws Error naming the file, by `name`, and the tensor when the header is malformed or the file cut off
 */
export function readHeader(start: Uint8Array, fileSize: number, name: string): SafetensorsHeader {
  const base = headerSize(start, fileSize, name);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(start.subarray(8, base)));
  } catch {
    throw new Error(`${name}: the safetensors header is not JSON.`);
  }
  if (!isRecord(json)) throw new Error(`${name}: the safetensors header is no JSON object.`);
  const { __metadata__: metadata = {}, ...rest } = json;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw new Error(`${name}: __metadata__ of the safetensors header has to map names to strings.`);
  }
  const entries = new Map(Object.entries(rest).map(([tensor, entry]) => [tensor, entryOf(entry, base, tensor, name)]));
  let [at, last] = [base, "the header"];
  for (const [tensor, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (end > fileSize) throw new Error(`${name} is cut off within tensor ${tensor}.`);
    if (begin < at) throw new Error(`${name}: tensor ${tensor} overlaps ${last}.`);
    if (begin > at)
      throw new Error(`${name}: ${begin - at} bytes between ${last} and tensor ${tensor} belong to none.`);
    [at, last] = [end, `tensor ${tensor}`];
  }
  if (at < fileSize) throw new Error(`${name}: the last ${fileSize - at} bytes belong to no tensor.`);
  return { entries, metadata: metadata as Record<string, string> };
}

function entryOf(entry: unknown, base: number, tensor: string, name: string): TensorEntry {
  const { dtype, shape, data_offsets: range } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(range) || range.length !== 2) {
    throw new Error(`${name}: the header's entry of tensor ${tensor} lacks a right dtype, shape or data_offsets.`);
  }
  const bytes = range[1] - range[0];
  // Of other types a reader may still want to know that they are there.
  if (bytes < 0 || (dtype in elementBytes && bytes !== tensorSize(shape, dtype))) {
    throw new Error(`${name}: tensor ${tensor} [${shape}] of ${dtype} does not fill its ${bytes} bytes.`);
  }
  return { dtype, shape, begin: base + range[0], end: base + range[1] };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * A tensor of floats as float32, rounded where the file has F64.
 * @param bytes the file's bytes from `begin` to `end`; the result may share their memory
 * @param where how errors call the tensor
 * @throws Error when the type is another one
 */
export function floatsOf(bytes: Uint8Array, dtype: string, where: string): Float32Array {
  const buffer = aligned(bytes, elementBytes[dtype]);
  const place = [buffer.buffer, buffer.byteOffset, buffer.length / elementBytes[dtype]] as const;
  if (dtype === "F32") return new Float32Array(...place);
  if (dtype === "F16") return fromF16(new Uint16Array(...place));
  if (dtype === "BF16") return fromBF16(new Uint16Array(...place));
  if (dtype === "F64") return Float32Array.from(new Float64Array(...place));
  throw new Error(`${where} is ${dtype}; floats are read as ${typesThat(isFloatType)}.`);
}

/**
 * A tensor of whole numbers, such as token ids.
 * @throws Error when the type is no I32 or I64, or a value does not fit in 32 bits
 */
export function integersOf(bytes: Uint8Array, dtype: string, where: string): Int32Array {
  const buffer = aligned(bytes, elementBytes[dtype]);
  if (dtype === "I32") return new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4);
  if (dtype !== "I64")
    throw new Error(`${where} is ${dtype}; integers are read as ${typesThat((t) => !isFloatType(t))}.`);
  return Int32Array.from(new BigInt64Array(buffer.buffer, buffer.byteOffset, buffer.length / 8), (value) => {
    if (BigInt.asIntN(32, value) !== value) throw new Error(`${where} has the value ${value}, beyond 32 bits.`);
    return Number(value);
  });
}

const typesThat = (match: (dtype: string) => boolean) =>
  Object.keys(elementBytes)
    .filter(match)
    .join(", ")
    .replace(/, (\w+)$/, " or $1");

/** The bytes themselves, or a copy where a typed array could not look at them. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size ? new Uint8Array(bytes) : bytes;
}

/**
 * Reads a whole file of floats.
 * @param name how errors call it
 * @returns each tensor with its values, in memory of its own, and the type that the file has it in
 * @throws Error naming the file and the tensor when it is truncated, malformed or of a type that is not read
 */
export function decodeSafetensors(
  file: Uint8Array,
  name: string,
): { tensors: Map<string, StoredTensor & { dtype: string }>; metadata: Record<string, string> } {
  const { entries, metadata } = readHeader(file, file.length, name);
  const tensors = new Map(
    [...entries].map(([tensor, { dtype, shape, begin, end }]) => {
      // A Node Buffer's `slice` would be a view.
      const bytes = new Uint8Array(file.subarray(begin, end));
      return [tensor, { dtype, shape, values: floatsOf(bytes, dtype, `${name}: tensor ${tensor}`) }];
    }),
  );
  return { tensors, metadata };
}
