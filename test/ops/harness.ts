import { afterAll, beforeAll, expect } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { fromF16, toF16 } from "../../src/gpu/half.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { type ElementType, elements, type Tensor } from "../../src/gpu/tensor.js";
import { Tape } from "../../src/ops/tape.js";

/** One device for the tests of a file. */
export function useGpu(): { gpu: Gpu } {
  const holder = {} as { gpu: Gpu };
  beforeAll(async () => {
    holder.gpu = await Gpu.open();
  });
  afterAll(() => holder.gpu?.close());
  return holder;
}

/** The same device posing as a GPU: kernels meant for real ones are chosen, and have to be right everywhere. */
export function asHardware(gpu: Gpu): Gpu {
  return Object.create(gpu, { info: { value: { ...gpu.info, software: false } } });
}

/** Records zeros into a tensor. */
export function clear(tape: Tape, tensor: Tensor): void {
  const zeros = new Float32Array(elements(tensor.shape));
  tape.recorder.copy(tensorFrom(tape.gpu, tensor.shape, "zeros", zeros, tensor.type), tensor);
}

/** Reproducible values: uniform in [-1, 1) times `scale`, plus `shift`. */
export function random(shape: readonly number[], seed: number, scale = 1, shift = 0): Float32Array<ArrayBuffer> {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length: elements(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale + shift;
  });
}

export interface Input {
  shape: readonly number[];
  values: Float32Array<ArrayBuffer>;
  /** What it, and its gradient, are kept as; f16 makes the operation one of mixed precision. */
  type?: ElementType;
}
/** An input kept in f16, with values that are. */
export const half = ({ shape, values }: Input): Input => ({
  shape,
  values: Float32Array.from(fromF16(toF16(values))),
  type: "f16",
});
export const input = (shape: readonly number[], seed: number, scale = 1, shift = 0): Input => ({
  shape,
  values: random(shape, seed, scale, shift),
});

export type Inputs = Record<string, Input>;
export type Arrays = Record<string, Float64Array>;

/**
 * Runs an operation on the GPU, forward and backward: the gradient flowing into its output is `upstream`.
 * Every buffer the arena gives out is poisoned with NaN first, so that unwritten elements show.
 */
export async function runOp(
  gpu: Gpu,
  inputs: Inputs,
  build: (tape: Tape, tensors: Record<string, Tensor>) => Tensor,
  upstream: (shape: readonly number[]) => Float32Array<ArrayBuffer>,
): Promise<{ output: Float32Array; shape: readonly number[]; gradients: Record<string, Float32Array> }> {
  const tensors: Record<string, Tensor> = {};
  const gradients = new Map<Tensor, Tensor>();
  for (const [name, { shape, values, type }] of Object.entries(inputs)) {
    tensors[name] = tensorFrom(gpu, shape, name, values, type);
    gradients.set(tensors[name], tensorFrom(gpu, shape, `d ${name}`, poison(elements(shape)), type));
  }
  const mixed = Object.values(inputs).some(({ type }) => type === "f16");
  const recorder = new Recorder(gpu, mixed ? "mixed" : "f32");
  const arena = new PoisonedArena(gpu);
  const tape = new Tape(recorder, arena, true, { gradientOf: (tensor) => gradients.get(tensor) });
  const output = build(tape, tensors);
  const kept = tensorFrom(gpu, output.shape, "kept output", undefined, output.type);
  recorder.copy(output, kept);
  const { gradient } = tape.gradientOf(output);
  const seeded = tensorFrom(gpu, output.shape, "upstream", upstream(output.shape), output.type);
  recorder.copy(seeded, gradient);
  tape.backward();
  recorder.submit();
  const result = {
    output: await download(gpu, kept),
    shape: output.shape,
    gradients: {} as Record<string, Float32Array>,
  };
  for (const name of Object.keys(inputs)) result.gradients[name] = await download(gpu, gradients.get(tensors[name])!);
  arena.destroy();
  return result;
}

/** An arena whose buffers start out as NaN. */
class PoisonedArena extends Arena {
  override alloc(shape: readonly number[], label: string, type?: ElementType): Tensor {
    const before = this.bytes;
    const tensor = super.alloc(shape, label, type);
    // All bits set are NaN in f32 and in f16.
    if (this.bytes !== before)
      this.gpu.device.queue.writeBuffer(tensor.buffer, 0, new Uint32Array(tensor.buffer.size / 4).fill(0xffffffff));
    return tensor;
  }
}

const poison = (size: number) => new Float32Array(size).fill(Number.NaN);

/** RMS(actual - expected) / RMS(expected); NaN anywhere gives NaN. An all-zero reference is compared absolutely. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  return size === 0 ? Math.sqrt(error) : Math.sqrt(error / size);
}

export function expectClose(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(actual.length, `${name} has as many elements as the reference`).toBe(expected.length);
  const error = relativeError(actual, expected);
  // Written so that NaN fails.
  expect(error <= tolerance, `${name}: relative error ${error} should be at most ${tolerance}`).toBe(true);
}

/**
 * Compares an operation with its float64 reference: the output, and the gradient of sum(upstream · output) with respect to
 * every input, by central differences of the reference (all elements of an input, or `samples` of them).
 */
export async function checkOp(
  gpu: Gpu,
  options: {
    inputs: Inputs;
    build: (tape: Tape, tensors: Record<string, Tensor>) => Tensor;
    reference: (inputs: Arrays) => Float64Array;
    /** Inputs whose gradient is checked; all by default. */
    gradients?: string[];
    samples?: number;
    tolerance?: number;
    gradientTolerance?: number;
  },
): Promise<void> {
  const { inputs, build, reference, samples = 48, tolerance = 1e-5, gradientTolerance = 1e-4 } = options;
  const upstream = (shape: readonly number[]) => random(shape, 77);
  const { output, shape, gradients } = await runOp(gpu, inputs, build, upstream);
  const exact: Arrays = {};
  for (const [name, { values }] of Object.entries(inputs)) exact[name] = Float64Array.from(values);
  expectClose("output", output, reference(exact), tolerance);
  const weights = upstream(shape);
  const loss = () => reference(exact).reduce((sum, value, index) => sum + value * weights[index], 0);
  for (const name of options.gradients ?? Object.keys(inputs)) {
    const all = exact[name].length;
    const stride = Math.max(1, Math.floor(all / samples));
    const [actual, expected]: [number[], number[]] = [[], []];
    for (let i = 0; i < all; i += stride) {
      const value = exact[name][i];
      const h = 1e-5 * Math.max(1, Math.abs(value));
      exact[name][i] = value + h;
      const above = loss();
      exact[name][i] = value - h;
      const below = loss();
      exact[name][i] = value;
      actual.push(gradients[name][i]);
      expected.push((above - below) / (2 * h));
    }
    expectClose(`gradient of ${name}`, actual, expected, gradientTolerance);
    expect(gradients[name].every(Number.isFinite), `gradient of ${name} is finite everywhere`).toBe(true);
  }
}
