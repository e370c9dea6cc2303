// The safetensors format: 8 bytes with the header's length (little-endian), a JSON header, the tensors' bytes.
// https://github.com/huggingface/safetensors#format; only F32 is written, and read, so far.

export interface StoredTensor {
  shape: readonly number[];
  values: Float32Array;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A safetensors file with the tensors in their order; `metadata` values are strings, as the format wants. */
export function encodeSafetensors(
  tensors: Map<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt", ...metadata } };
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  let json = JSON.stringify(header);
  // Readers map the data in place, so it has to begin at a multiple of 8.
  json += " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8);
  const text = new TextEncoder().encode(json);
  const file = new Uint8Array(8 + text.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

/**
 * @param file the whole file
 * @param name how errors call it
 * @throws Error naming the file and the tensor when it is truncated, malformed or not F32
 */
export function decodeSafetensors(
  file: Uint8Array,
  name: string,
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = file.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.NaN;
  if (!(8 + length <= file.length)) throw new Error(`${name} is no safetensors file, or its header is cut off.`);
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  } catch {
    throw new Error(`${name}: the safetensors header is not JSON.`);
  }
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, HeaderEntry> & {
    __metadata__?: Record<string, string>;
  };
  const tensors = new Map<string, StoredTensor>();
  for (const [tensor, { dtype, shape, data_offsets: range }] of Object.entries(entries)) {
    if (dtype !== "F32") throw new Error(`${name}: tensor ${tensor} is ${dtype}; only F32 is read.`);
    const [begin, end] = range.map((offset) => 8 + length + offset);
    const count = shape.reduce((product, size) => product * size, 1);
    if (end > file.length) throw new Error(`${name} is cut off within tensor ${tensor}.`);
    if (end - begin !== count * 4)
      throw new Error(`${name}: tensor ${tensor} [${shape}] does not fill its ${end - begin} bytes.`);
    // A copy of its own, aligned to 4 bytes; a Node Buffer's `slice` would be a view.
    const values = new Float32Array(count);
    new Uint8Array(values.buffer).set(file.subarray(begin, end));
    tensors.set(tensor, { shape, values });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
