import { type ParameterSpec, parameterTable } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";
import { tensorFrom, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { alignment, elements, slice, type Tensor } from "../gpu/tensor.js";
import type { StoredTensor } from "./safetensors.js";

/** Where a weight lies in the flat buffers. */
export interface Placed extends ParameterSpec {
  offset: number;
  size: number;
}

/** Where every weight of a model lies in a flat buffer, and the buffer's size; weights begin at multiples of 64 elements. */
export function layoutOf(config: ModelConfig): { table: Placed[]; size: number } {
  let size = 0;
  const table = parameterTable(config).map((spec) => {
    const placed = { ...spec, offset: size, size: elements(spec.shape) };
    size += Math.ceil(placed.size / alignment) * alignment;
    return placed;
  });
  return { table, size };
}

/**
 * A model's weights in one flat buffer, and where training wants them, gradients and AdamW's moments in three more of the
 * same layout: one norm, one optimizer step, one read-back serve them all.
 */
export class Parameters {
  readonly table: Placed[];
  readonly values: Tensor;
  readonly gradients: Tensor | undefined;
  /** A copy of `values` in f16, where asked for; whoever changes the values brings it up to date. */
  readonly halves: Tensor | undefined;
  private readonly tensors = new Map<string, Tensor>();
  private readonly gradientTensors = new Map<Tensor, Tensor>();

  constructor(
    readonly gpu: Gpu,
    readonly config: ModelConfig,
    training: boolean,
    halves = false,
  ) {
    const { table, size } = layoutOf(config);
    this.table = table;
    this.values = tensorFrom(gpu, [size], "parameters");
    this.halves = halves ? tensorFrom(gpu, [size], "parameters in f16", undefined, "f16") : undefined;
    this.gradients = training ? tensorFrom(gpu, [size], "gradients") : undefined;
    for (const { name, shape, offset } of this.table) {
      const tensor = { ...slice(this.values, offset, shape), label: name };
      this.tensors.set(name, tensor);
      if (this.gradients) this.gradientTensors.set(tensor, slice(this.gradients, offset, shape));
    }
  }

  /** Elements of each flat buffer, padding included. */
  get size(): number {
    return this.values.shape[0];
  }

  /** @throws Error when the model has no such weight. */
  get(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`The model has no weight ${name}`);
    return tensor;
  }

  gradientOf = (tensor: Tensor): Tensor | undefined => this.gradientTensors.get(tensor);

  /** The copy in f16 of all weights, if `tensor` is one of them and there is one. */
  halfOf = (tensor: Tensor): Tensor | undefined => (tensor.buffer === this.values.buffer ? this.halves : undefined);

  /** 1 for each block of 64 elements that AdamW decays. */
  decayBlocks(): Uint32Array {
    const blocks = new Uint32Array(this.size / alignment);
    for (const { offset, size, decay } of this.table) {
      if (decay) blocks.fill(1, offset / alignment, Math.ceil((offset + size) / alignment));
    }
    return blocks;
  }

  /** Writes the flat buffer. */
  load(values: Float32Array): void {
    upload(this.gpu, this.values, values);
  }

  destroy(): void {
    this.values.buffer.destroy();
    this.gradients?.buffer.destroy();
    this.halves?.buffer.destroy();
  }
}

/** Cuts a flat buffer into the named tensors of `table`. */
export function named(table: Placed[], flat: Float32Array): Map<string, StoredTensor> {
  return new Map(
    table.map(({ name, shape, offset, size }) => [name, { shape, values: flat.subarray(offset, offset + size) }]),
  );
}

/**
 * The reverse of `named`.
 * @throws Error when a tensor is missing, unknown, or has another shape than the model's
 */
export function flatten(
  table: Placed[],
  size: number,
  tensors: Pick<ReadonlyMap<string, StoredTensor>, "get" | "keys">,
  file: string,
): Float32Array {
  const flat = new Float32Array(size);
  for (const placed of table) {
    const tensor = tensors.get(placed.name);
    if (!tensor) throw new Error(`${file} lacks the tensor ${placed.name} [${placed.shape}].`);
    if (tensor.shape.join() !== placed.shape.join()) {
      throw new Error(`${file}: tensor ${placed.name} is [${tensor.shape}], but the config wants [${placed.shape}].`);
    }
    flat.set(tensor.values, placed.offset);
  }
  const known = new Set(table.map(({ name }) => name));
  const unknown = [...tensors.keys()].find((name) => !known.has(name));
  if (unknown) throw new Error(`${file} has the tensor ${unknown}, which a model of this config has not.`);
  return flat;
}
