/** A row-major f32 (or u32) array on the GPU. `offset` counts elements and is a multiple of 64, so that it can be bound. */
export interface Tensor {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly label: string;
}

/** Bound offsets must be multiples of 256 bytes (minStorageBufferOffsetAlignment), that is of 64 elements. */
export const alignment = 64;

export const elements = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

export const sizeOf = (tensor: Tensor): number => elements(tensor.shape);

/** Rows of a matrix seen as [rows, columns]: all but the last dimension joined. */
export const rowsOf = (tensor: Tensor): number => sizeOf(tensor) / columnsOf(tensor);

export const columnsOf = (tensor: Tensor): number => tensor.shape[tensor.shape.length - 1];

/** A part of `tensor` that begins `start` elements into it. @throws Error when that can't be bound. */
export function slice(tensor: Tensor, start: number, shape: readonly number[]): Tensor {
  if (start % alignment !== 0 || start + elements(shape) > sizeOf(tensor)) {
    throw new Error(`No slice of ${tensor.label} [${tensor.shape}] at ${start} with shape [${shape}]`);
  }
  return { buffer: tensor.buffer, offset: tensor.offset + start, shape, label: tensor.label };
}
