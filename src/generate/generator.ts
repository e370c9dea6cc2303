import { Rng } from "../data/rng.js";
import { Arena, tensorFrom, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { bytesIn, type Tensor } from "../gpu/tensor.js";
import type { BlockState } from "../model/blocks/block.js";
import { type ForwardOptions, headWeight, languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { createState, destroyState } from "../model/state.js";
import { createTokenBuffers, destroyTokenBuffers, type TokenBuffers, uploadTokens } from "../ops/embedding.js";
import { matmul, matrix } from "../ops/matmul.js";
import { Tape } from "../ops/tape.js";
import { checkSampling, type SamplingOptions, sample } from "./sample.js";

export interface GenerateOptions extends SamplingOptions {
  maxTokens: number;
  seed?: number;
  /** A token that ends the text and is not returned. */
  stop?: number;
  signal?: AbortSignal;
}

/** A recorded evaluation of some tokens that ends in logits. */
interface Recorded {
  recorder: Recorder;
  tokens: TokenBuffers;
  logits: Tensor;
}

/**
 * Continues one sequence: the prompt in one go (prefill), then token by token from the layers' states, at a cost a token
 * that does not grow for Mamba layers and grows with the length for attention.
 */
export class Generator {
  private readonly arena: Arena;
  private readonly states: BlockState[];
  private readonly position: Tensor;
  private readonly step: Recorded;
  /** Tokens that the states hold. */
  private held = 0;

  /**
   * @param capacity the most tokens, prompt included, that the key-value caches have room for
   * @param batch sequences of one length that are continued side by side: ids are then [batch, T], and logits [batch, V]
   */
  constructor(
    readonly gpu: Gpu,
    readonly parameters: Parameters,
    readonly capacity: number,
    readonly batch = 1,
  ) {
    this.arena = new Arena(gpu);
    this.states = createState(gpu, parameters.config, batch, capacity);
    this.position = tensorFrom(gpu, [1], "position");
    this.step = this.record({ batch, length: 1, states: this.states, position: this.position }, this.arena);
  }

  /** Bytes of what the layers remember: keys and values for `capacity` tokens, and states. */
  get cacheBytes(): number {
    return bytesIn(this.states.flatMap((state) => Object.values(state)));
  }

  /**
   * Reads a prompt from an empty state. @returns logits [V] after its last token
   * @throws Error when the prompt is empty or does not fit
   */
  async prefill(ids: ArrayLike<number>): Promise<Float32Array> {
    if (ids.length === 0) throw new Error("The prompt is empty: give at least one token to continue from.");
    const length = this.lengthOf(ids);
    if (length > this.capacity) {
      throw new Error(`The prompt has ${length} tokens, but there is room for ${this.capacity}.`);
    }
    this.held = 0;
    return this.readPiece(ids);
  }

  /**
   * Reads more tokens after those held, in one go: a long prompt may come in pieces.
   * @returns logits [V] after the last
   * @throws Error when there is none, or they do not fit
   */
  async extend(ids: ArrayLike<number>): Promise<Float32Array> {
    if (this.held === 0) return this.prefill(ids);
    if (ids.length === 0) throw new Error("There is nothing to read: give at least one token.");
    const length = this.lengthOf(ids);
    if (length === 1) return this.decode(ids);
    const room = this.capacity - this.held;
    if (length > room) throw new Error(`${length} tokens more do not fit: there is room for ${room}.`);
    upload(this.gpu, this.position, Uint32Array.of(this.held));
    return this.readPiece(ids, this.position);
  }

  /** Reads one more token (of each sequence). @returns logits [V] after it @throws Error when the caches are full */
  async decode(id: number | ArrayLike<number>): Promise<Float32Array> {
    const ids = typeof id === "number" ? Uint32Array.of(id) : Uint32Array.from(id);
    this.lengthOf(ids);
    if (this.held >= this.capacity) throw new Error(`The caches are full: there is room for ${this.capacity} tokens.`);
    uploadTokens(this.gpu, this.step.tokens, ids);
    upload(this.gpu, this.position, Uint32Array.of(this.held++));
    this.step.recorder.submit();
    return this.read(this.step.logits);
  }

  /** Continues a prompt, token by token, until `maxTokens`, the stop token, full caches or the signal. */
  async *generate(prompt: ArrayLike<number>, options: GenerateOptions): AsyncGenerator<number> {
    checkSampling(options);
    const rng = new Rng(options.seed ?? 0, "sampling");
    let logits = await this.prefill(prompt);
    for (let count = 0; count < options.maxTokens && !options.signal?.aborted; count++) {
      const id = sample(logits, rng, options);
      if (id === options.stop) return;
      yield id;
      if (count + 1 === options.maxTokens || this.held >= this.capacity) return;
      logits = await this.decode(id);
    }
  }

  destroy(): void {
    this.step.recorder.destroy();
    destroyTokenBuffers(this.step.tokens);
    this.arena.destroy();
    this.position.buffer.destroy();
    destroyState(this.states);
  }

  /** Evaluates some tokens from an empty state, or from `position` on, and leaves their states behind. */
  private async readPiece(ids: ArrayLike<number>, position?: Tensor): Promise<Float32Array> {
    const arena = new Arena(this.gpu);
    const length = this.lengthOf(ids);
    const piece = this.record({ batch: this.batch, length, states: this.states, position }, arena);
    uploadTokens(this.gpu, piece.tokens, Uint32Array.from(ids));
    piece.recorder.submit();
    const logits = await this.read(piece.logits);
    piece.recorder.destroy();
    destroyTokenBuffers(piece.tokens);
    arena.destroy();
    this.held += length;
    return logits;
  }

  private record(options: ForwardOptions, arena: Arena): Recorded {
    const { parameters, gpu } = this;
    const recorder = new Recorder(gpu);
    const { batch, length } = options;
    const { dModel, vocabSize, multipliers } = parameters.config;
    const tokens = createTokenBuffers(gpu, batch * length, vocabSize);
    const hidden = languageModel(new Tape(recorder, arena, false), parameters, tokens, options);
    const last = { ...matrix(hidden), rows: batch, stride: length * dModel, start: (length - 1) * dModel };
    const logits = arena.alloc([batch, vocabSize], "logits");
    const head = matrix(headWeight(parameters));
    matmul(recorder, arena, { a: last, b: head, c: matrix(logits), transposeB: true, alpha: multipliers?.logits });
    return { recorder, tokens, logits };
  }

  /** Tokens of each sequence. @throws Error when they are not equally many */
  private lengthOf(ids: ArrayLike<number>): number {
    if (ids.length % this.batch === 0) return ids.length / this.batch;
    throw new Error(`${ids.length} tokens are not ${this.batch} sequences of one length.`);
  }

  private async read({ buffer, offset }: Tensor): Promise<Float32Array> {
    return new Float32Array(await this.gpu.read(buffer, offset, this.batch * this.parameters.config.vocabSize));
  }
}
