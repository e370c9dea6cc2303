import type { Gpu } from "./gpu.js";
import { elements, sizeOf, type Tensor } from "./tensor.js";

/**
 * Gives out buffers while a step is recorded. Commands run in the order in which they were recorded, so a buffer that is
 * freed at one point of the recording can serve again from there on: the plan of buffers comes from liveness, and replaying allocates nothing.
 */
export class Arena {
  private readonly free = new Map<number, GPUBuffer[]>();
  private readonly all: GPUBuffer[] = [];
  private readonly live = new Set<GPUBuffer>();
  /** Bytes of all buffers ever created here. */
  bytes = 0;

  constructor(readonly gpu: Gpu) {}

  alloc(shape: readonly number[], label: string): Tensor {
    const size = Math.ceil(Math.max(1, elements(shape)) / 64) * 64;
    const buffer = this.reuse(size) ?? this.create(size, label);
    this.live.add(buffer);
    return { buffer, offset: 0, shape, label };
  }

  /** The tensor's buffer may serve for something else from here on. */
  release(tensor: Tensor): void {
    if (!this.live.delete(tensor.buffer))
      throw new Error(`${tensor.label} is released twice, or was not allocated here`);
    const size = tensor.buffer.size / 4;
    const list = this.free.get(size);
    if (list) list.push(tensor.buffer);
    else this.free.set(size, [tensor.buffer]);
  }

  destroy(): void {
    for (const buffer of this.all) buffer.destroy();
  }

  /** The smallest free buffer that fits without wasting more than a quarter. */
  private reuse(size: number): GPUBuffer | undefined {
    let best: number | undefined;
    for (const [free, list] of this.free) {
      if (list.length && free >= size && free <= size * 1.25 + 1024 && (best === undefined || free < best)) best = free;
    }
    return best === undefined ? undefined : this.free.get(best)!.pop();
  }

  private create(size: number, label: string): GPUBuffer {
    const buffer = this.gpu.buffer(size, label);
    this.bytes += buffer.size;
    this.all.push(buffer);
    return buffer;
  }
}

/** A tensor outside any arena, filled with `values` where given. */
export function tensorFrom(
  gpu: Gpu,
  shape: readonly number[],
  label: string,
  values?: Float32Array | Uint32Array,
): Tensor {
  const tensor: Tensor = { buffer: gpu.buffer(elements(shape), label), offset: 0, shape, label };
  if (values) upload(gpu, tensor, values);
  return tensor;
}

export function upload(gpu: Gpu, tensor: Tensor, values: Float32Array | Uint32Array): void {
  if (values.length !== sizeOf(tensor)) {
    throw new Error(`${tensor.label} [${tensor.shape}] takes ${sizeOf(tensor)} values, not ${values.length}`);
  }
  // Never shared memory here; the plain types are for tslab's TypeScript 5.0, whose typed arrays take no parameter.
  gpu.device.queue.writeBuffer(tensor.buffer, tensor.offset * 4, values as Float32Array<ArrayBuffer>);
}

export async function download(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  return new Float32Array(await gpu.read(tensor.buffer, tensor.offset, sizeOf(tensor)));
}
