import type { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recorder } from "../gpu/recorder.js";
import type { ElementType, Tensor } from "../gpu/tensor.js";
import { type Matrix, matrix } from "./matmul.js";

/** What one operation leaves behind for the backward pass. */
interface Entry {
  outputs: Tensor[];
  /** Extra tensors that the backward pass reads; released after it. */
  saved: Tensor[];
  backward: () => void;
}

/** What a tape is told of the weights. */
export interface Weights {
  /** Where a weight's gradient goes; undefined for tensors that are no weights. */
  gradientOf?: (tensor: Tensor) => Tensor | undefined;
  /** The flat copy in f16 of the buffer that a weight lies in, if there is one. */
  halfOf?: (tensor: Tensor) => Tensor | undefined;
}

/**
 * Records a forward pass and, in reverse order, its backward pass, as commands that are replayed every step.
 *
 * An operation allocates its outputs, records its kernels and leaves an `Entry`. When `backward()` comes to an entry,
 * everything downstream is done, so afterwards its outputs, their gradients and what it saved are released: the next
 * operation's gradients get the same memory. There is no general tensor library here, only this rule.
 */
export class Tape {
  readonly gpu: Gpu;
  private readonly entries: Entry[] = [];
  private readonly gradients = new Map<Tensor, Tensor>();
  /** Allocated since the innermost `scope` began. */
  private scoped: Set<Tensor> | undefined;

  /**
   * @param training false records the forward pass alone, and `scope` frees what it no longer needs
   */
  constructor(
    readonly recorder: Recorder,
    readonly arena: Arena,
    readonly training: boolean,
    private readonly weights: Weights = {},
  ) {
    this.gpu = recorder.gpu;
  }

  /** Parameters whose gradient has been written at least once. */
  private readonly written = new Set<Tensor>();

  /** What activations are kept as. The residual stream, sums and statistics are f32 always. */
  get activations(): ElementType {
    return this.recorder.halves ? "f16" : "f32";
  }

  /** A weight as an operand of products: in f16, where there is such a copy. */
  operand(weight: Tensor): Matrix {
    const half = this.weights.halfOf?.(weight);
    return half ? { ...matrix(weight), tensor: half, start: weight.offset } : matrix(weight);
  }

  alloc(shape: readonly number[], label: string, type?: ElementType): Tensor {
    const tensor = this.arena.alloc(shape, label, type);
    this.scoped?.add(tensor);
    return tensor;
  }

  release(tensor: Tensor): void {
    this.scoped?.delete(tensor);
    this.arena.release(tensor);
  }

  /** Leaves what the backward pass of an operation needs; outside training, releases `saved` at once. */
  push(entry: { outputs: Tensor[]; saved?: Tensor[]; backward: () => void }): void {
    const saved = entry.saved ?? [];
    if (this.training) this.entries.push({ ...entry, saved });
    else for (const tensor of saved) this.release(tensor);
  }

  /**
   * The gradient of `tensor`, to be written by the caller: over what is there (`accumulate` false: nothing is) or added to it.
   * Ask once for each writing kernel, in the order of recording.
   */
  gradientOf(tensor: Tensor): { gradient: Tensor; accumulate: boolean } {
    const parameter = this.weights.gradientOf?.(tensor);
    if (parameter) {
      const accumulate = this.written.has(parameter);
      this.written.add(parameter);
      return { gradient: parameter, accumulate };
    }
    const known = this.gradients.get(tensor);
    if (known) return { gradient: known, accumulate: true };
    const gradient = this.arena.alloc(tensor.shape, `d ${tensor.label}`, tensor.type);
    this.gradients.set(tensor, gradient);
    return { gradient, accumulate: false };
  }

  /** The finished gradient of an operation's output, for its backward pass to read. @throws Error when nobody wrote one. */
  incoming(output: Tensor): Tensor {
    const gradient = this.gradients.get(output);
    if (!gradient) throw new Error(`Nothing downstream of ${output.label} has a gradient`);
    return gradient;
  }

  /**
   * For y = x + f(x): the gradient of y becomes the first part of the gradient of x, in place.
   * Only for the last reader of the gradient of y.
   */
  passOn(from: Tensor, to: Tensor): void {
    const gradient = this.incoming(from);
    if (this.gradients.has(to))
      throw new Error(`${to.label} has a gradient already: the residual must be its last reader`);
    this.gradients.delete(from);
    this.gradients.set(to, gradient);
  }

  /** Records the backward pass of everything on the tape, last first, and empties it. */
  backward(): void {
    for (let entry = this.entries.pop(); entry; entry = this.entries.pop()) {
      entry.backward();
      for (const output of entry.outputs) {
        const gradient = this.gradients.get(output);
        if (gradient) this.arena.release(gradient);
        this.gradients.delete(output);
        this.release(output);
      }
      for (const tensor of entry.saved) this.release(tensor);
    }
  }

  /**
   * Records one layer: outside training, everything that `body` allocated is free again afterwards, bar its result,
   * and so is `input` (the result of the layer before).
   */
  scope(input: Tensor | undefined, body: () => Tensor): Tensor {
    const outer = this.scoped;
    this.scoped = new Set();
    const result = body();
    if (!this.training) {
      for (const tensor of this.scoped) if (tensor !== result) this.arena.release(tensor);
      if (input && input !== result) this.arena.release(input);
    }
    this.scoped = outer;
    return result;
  }
}
