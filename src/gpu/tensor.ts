/** What an element is in memory. f16 holds activations in mixed precision; u32 lists lie in tensors of type f32, bit for bit. */
export type ElementType = "f32" | "f16";

/** A row-major f32 (or u32, or f16) array on the GPU. `offset` counts elements and is a multiple of 64, so that it can be bound. */
export interface Tensor {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly label: string;
  /** f32 by default. */
  readonly type?: ElementType;
}

/** Bound offsets must be multiples of 256 bytes (minStorageBufferOffsetAlignment), that is of 64 elements of 4 bytes. */
export const alignment = 64;

export const elements = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

export const sizeOf = (tensor: Tensor): number => elements(tensor.shape);

export const typeOf = (tensor: Tensor): ElementType => tensor.type ?? "f32";

/** Bytes of one element. */
export const bytesOf = ({ type }: Pick<Tensor, "type">): number => (type === "f16" ? 2 : 4);

/** Bytes of some tensors, one that is named twice counted once. */
export const bytesIn = (tensors: readonly Pick<Tensor, "shape" | "type">[]): number =>
  [...new Set(tensors)].reduce((sum, tensor) => sum + bytesOf(tensor) * elements(tensor.shape), 0);

/** Rows of a matrix seen as [rows, columns]: all but the last dimension joined. */
export const rowsOf = (tensor: Tensor): number => sizeOf(tensor) / columnsOf(tensor);

export const columnsOf = (tensor: Tensor): number => tensor.shape[tensor.shape.length - 1];

/** A part of `tensor` that begins `start` elements into it. @throws Error when that can't be bound. */
export function slice(tensor: Tensor, start: number, shape: readonly number[]): Tensor {
  if ((start * bytesOf(tensor)) % (4 * alignment) !== 0 || start + elements(shape) > sizeOf(tensor)) {
    throw new Error(`No slice of ${tensor.label} [${tensor.shape}] at ${start} with shape [${shape}]`);
  }
  return { ...tensor, offset: tensor.offset + start, shape };
}
