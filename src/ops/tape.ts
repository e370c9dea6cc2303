import type { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recorder } from "../gpu/recorder.js";
import type { ElementType, Tensor } from "../gpu/tensor.js";
import type { Recompute } from "../memory/recompute.js";
import { type Matrix, matrix } from "./matmul.js";

/** What one operation does, and what it leaves behind for the backward pass. */
export interface Operation {
  outputs: Tensor[];
  /** Those of its tensors that its backward pass reads: extra ones, or outputs. */
  saved?: Tensor[];
  /** Records the kernels that fill `outputs` and `saved`: at once, and perhaps again. Left out: they were recorded, and all is kept. */
  forward?: () => void;
  /** Whether another operation has filled them already: `forward` is for the backward pass alone. */
  made?: boolean;
  /** Whether `forward` takes little more than reading and writing activations as they are kept: then "light" runs it again. */
  cheap?: boolean;
  /** Whether no backward pass reads its outputs, so that they are given back at every level. (Who reads them all the same gets them computed again.) */
  unread?: boolean;
  /** Left out: no gradient goes through it. */
  backward?: () => void;
}

interface Entry extends Operation {
  /** Outputs and saved tensors, each once. */
  tensors: Set<Tensor>;
}

/** Where a tensor of the tape lies. */
interface Place {
  at: Tensor;
  /** Whether it holds its values: false while it is given back to the arena, to be filled again by `entry`. */
  held: boolean;
  entry?: Entry;
  /** What else was done to it, in place, since `entry` filled it. */
  changes: (() => void)[];
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
 * An operation allocates its outputs and pushes what records its kernels, forward and backward. When `backward()` comes to it,
 * everything downstream is done, so its outputs are released, unless it reads them itself; after it so are their gradients and what it
 * saved: the next operation's gradients get the same memory. There is no general tensor library here, only this rule.
 *
 * Tensors that nobody reads again, or that will be recomputed, are also given back at the end of the `scope` that they were made in. They come back when somebody asks for
 * their buffer: a command that is being recorded for the backward pass asks for those that it reads, and just before it the kernels
 * are recorded that fill them, which may ask for others. So each comes back as late as can be, and nothing that nobody reads.
 */
export class Tape {
  readonly gpu: Gpu;
  private readonly entries: Entry[] = [];
  private readonly gradients = new Map<Tensor, Tensor>();
  private readonly places = new Map<Tensor, Place>();
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
    readonly recompute: Recompute = "none",
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

  /** A tensor whose buffer may be another one at another point of the recording: ask for it when a command is recorded. */
  alloc(shape: readonly number[], label: string, type?: ElementType): Tensor {
    const place: Place = { at: this.arena.alloc(shape, label, type), held: true, changes: [] };
    const bufferNow = () => this.bufferOf(place);
    const tensor: Tensor = {
      ...place.at,
      get buffer() {
        return bufferNow();
      },
    };
    this.places.set(tensor, place);
    this.scoped?.add(tensor);
    return tensor;
  }

  /** @throws Error when it is released twice. */
  release(tensor: Tensor): void {
    this.scoped?.delete(tensor);
    const place = this.places.get(tensor);
    if (!place) throw new Error(`${tensor.label} is released twice, or was not allocated on this tape`);
    if (place.held) this.arena.release(place.at);
    this.places.delete(tensor);
  }

  /** Records the operation; outside training, releases `saved` at once. */
  push(operation: Operation): void {
    const { outputs, saved = [], forward, made } = operation;
    if (!made) forward?.();
    if (this.training) this.entries.push({ ...operation, tensors: new Set([...outputs, ...saved]) });
    else for (const tensor of saved) if (!outputs.includes(tensor)) this.release(tensor);
  }

  /** Records a change of a tensor in place, before anybody else reads it: whenever it is filled again, so is it changed. */
  change(tensor: Tensor, record: () => void): void {
    record();
    this.places.get(tensor)?.changes.push(record);
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
      const { outputs, saved = [] } = entry;
      for (const output of outputs) if (!saved.includes(output)) this.release(output);
      entry.backward?.();
      for (const output of outputs) {
        const gradient = this.gradients.get(output);
        if (gradient) this.arena.release(gradient);
        this.gradients.delete(output);
      }
      for (const tensor of saved) this.release(tensor);
    }
  }

  /**
   * Records one layer. Outside training, everything that `body` allocated is free again afterwards, bar its result,
   * and so is `input` (the result of the layer before); in training what will be computed again is.
   */
  scope(input: Tensor | undefined, body: () => Tensor): Tensor {
    const outer = this.scoped;
    const first = this.entries.length;
    this.scoped = new Set();
    const result = body();
    if (this.training) this.giveBack(this.entries.slice(first), result);
    else {
      for (const tensor of [...this.scoped]) if (tensor !== result) this.release(tensor);
      if (input && input !== result) this.release(input);
    }
    this.scoped = outer;
    return result;
  }

  /** Gives the memory back of all that these operations made and can make again at this level, bar the result. */
  private giveBack(entries: Entry[], result: Tensor): void {
    for (const entry of entries) {
      const again = entry.unread || this.recompute === "layer" || (this.recompute === "light" && entry.cheap);
      if (!again || !entry.forward || entry.tensors.has(result)) continue;
      for (const tensor of entry.tensors) {
        const place = this.places.get(tensor)!;
        this.arena.release(place.at);
        place.held = false;
        place.entry = entry;
      }
    }
  }

  private bufferOf(place: Place): GPUBuffer {
    if (place.entry && !place.held) this.fill(place.entry);
    return place.at.buffer;
  }

  /** Records the kernels again that fill an operation's tensors, in memory of their own. */
  private fill({ tensors, forward }: Entry): void {
    const places = [...tensors].map((tensor) => this.places.get(tensor)!);
    for (const place of places) {
      place.at = this.arena.alloc(place.at.shape, place.at.label, place.at.type);
      place.held = true;
    }
    forward!();
    for (const { changes } of places) for (const record of changes) record();
  }
}
