import type { BufferPlan, Stay } from "../memory/buffers.js";
import type { Gpu } from "./gpu.js";
import { fromF16, toF16 } from "./half.js";
import { bytesOf, type ElementType, elements, sizeOf, type Tensor, typeOf } from "./tensor.js";

/**
 * Gives out buffers while a step is recorded. Commands run in the order in which they were recorded, so a buffer that is
 * freed at one point of the recording can serve again from there on: the plan of buffers comes from liveness, and replaying allocates nothing.
 */
export class Arena {
  private readonly free = new Set<GPUBuffer>();
  private readonly all: GPUBuffer[] = [];
  /** Buffers of the plan that exist. */
  private readonly planned = new Map<number, GPUBuffer>();
  private readonly live = new Map<GPUBuffer, Stay>();
  /** When each tensor that was given out was needed, in the order of asking: what a plan is made of. */
  readonly stays: Stay[] = [];
  private moment = 0;
  /** Bytes of all buffers ever created here. */
  bytes = 0;

  /** @param plan made from the `stays` of the same recording; tensors that come after it, or all without one, take what is free */
  constructor(
    readonly gpu: Gpu,
    private readonly plan?: BufferPlan,
  ) {}

  /** @throws Error when the recording is not the one of the plan. */
  alloc(shape: readonly number[], label: string, type: ElementType = "f32"): Tensor {
    const words = (Math.max(1, elements(shape)) * bytesOf({ type })) / 4;
    const size = Math.ceil(words / 64) * 64;
    const buffer = this.fromPlan(size, label) ?? this.reuse(size) ?? this.create(size, label);
    const stay = { bytes: 4 * size, start: this.moment++, end: Number.POSITIVE_INFINITY };
    this.stays.push(stay);
    this.free.delete(buffer);
    this.live.set(buffer, stay);
    return { buffer, offset: 0, shape, label, type };
  }

  /** The tensor's buffer may serve for something else from here on. */
  release({ buffer, label }: Tensor): void {
    const stay = this.live.get(buffer);
    if (!stay) throw new Error(`${label} is released twice, or was not allocated here`);
    stay.end = this.moment++;
    this.live.delete(buffer);
    this.free.add(buffer);
  }

  destroy(): void {
    for (const buffer of this.all) buffer.destroy();
  }

  private fromPlan(size: number, label: string): GPUBuffer | undefined {
    const number = this.plan?.buffers[this.stays.length];
    if (this.plan === undefined || number === undefined) return undefined;
    const buffer = this.planned.get(number) ?? this.create(this.plan.sizes[number] / 4, label);
    this.planned.set(number, buffer);
    if (buffer.size < 4 * size || this.live.has(buffer))
      throw new Error(`${label} is not what the plan has in its place`);
    return buffer;
  }

  /** The smallest free buffer that fits; without a plan, whose buffers are there anyway, only if it wastes no more than a quarter. */
  private reuse(size: number): GPUBuffer | undefined {
    let best: GPUBuffer | undefined;
    for (const buffer of this.free) {
      const free = buffer.size / 4;
      if (free >= size && (this.plan || free <= size * 1.25 + 1024) && (!best || buffer.size < best.size))
        best = buffer;
    }
    return best;
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
  type: ElementType = "f32",
): Tensor {
  const words = (elements(shape) * bytesOf({ type })) / 4;
  const tensor: Tensor = { buffer: gpu.buffer(words, label), offset: 0, shape, label, type };
  if (values) upload(gpu, tensor, values);
  return tensor;
}

/** Rounds to f16 where the tensor is kept so. @throws Error when there are not as many values as elements. */
export function upload(gpu: Gpu, tensor: Tensor, values: Float32Array | Uint32Array): void {
  if (values.length !== sizeOf(tensor)) {
    throw new Error(`${tensor.label} [${tensor.shape}] takes ${sizeOf(tensor)} values, not ${values.length}`);
  }
  const data = typeOf(tensor) === "f16" ? wholeWords(toF16(Float32Array.from(values))) : values;
  // Never shared memory here; the plain types are for tslab's TypeScript 5.0, whose typed arrays take no parameter.
  gpu.device.queue.writeBuffer(tensor.buffer, tensor.offset * bytesOf(tensor), data as Float32Array<ArrayBuffer>);
}

/** An odd number of halves with one more: buffers are written four bytes at a time. */
function wholeWords(halves: Uint16Array): Uint16Array {
  if (halves.length % 2 === 0) return halves;
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return padded;
}

/** The elements of a tensor as f32. */
export async function download(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  const [size, bytes] = [sizeOf(tensor), bytesOf(tensor)];
  const read = await gpu.read(tensor.buffer, (tensor.offset * bytes) / 4, Math.ceil((size * bytes) / 4));
  return typeOf(tensor) === "f16" ? fromF16(new Uint16Array(read, 0, size)) : new Float32Array(read);
}
