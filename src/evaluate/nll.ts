import { validationWindows } from "../data/batches.js";
import type { Dataset } from "../data/types.js";
import { Arena, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { headWeight, languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { crossEntropy, notScored, uploadTargets } from "../ops/cross-entropy.js";
import { createTokenBuffers, destroyTokenBuffers, type TokenBuffers, uploadTokens } from "../ops/embedding.js";
import { Tape } from "../ops/tape.js";

export interface Nll {
  /** Mean negative log-likelihood, nats. */
  nllPerToken: number;
  nllPerByte: number;
  tokens: number;
  bytes: number;
}

export interface EvaluationOptions {
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

/** Scores the first windows of a dataset's validation stream; recorded once, run whenever the weights have changed. */
export class NllEvaluation {
  private readonly recorder: Recorder;
  /** Undefined where the memory is lent. */
  private readonly own: Arena | undefined;
  private readonly tokens: TokenBuffers;
  private readonly targets: Tensor;
  private readonly loss: Tensor;
  private readonly batches: { inputs: Uint32Array; targets: Uint32Array; scored: number }[] = [];
  private readonly bytes: number;

  /**
   * @param tokens how many targets to score, rounded to whole windows
   * @param arena lends memory that nobody else needs while this runs
   * @throws Error when the validation stream is shorter than one window
   */
  constructor(
    readonly gpu: Gpu,
    parameters: Parameters,
    dataset: Dataset,
    { sequences, length, tokens, arena }: { sequences: number; length: number; tokens: number; arena?: Arena },
  ) {
    const windows = validationWindows(dataset.validation, length, tokens, dataset.codec.byteLengths);
    this.bytes = windows.targetBytes.reduce((sum, bytes) => sum + bytes, 0);
    const batch = Math.min(sequences, windows.count);
    const rows = batch * length;
    for (let first = 0; first < windows.count; first += batch) {
      const scored = Math.min(batch, windows.count - first) * length;
      const inputs = new Uint32Array(rows);
      const targets = new Uint32Array(rows).fill(notScored);
      inputs.set(windows.inputs.subarray(first * length, first * length + scored));
      targets.set(windows.targets.subarray(first * length, first * length + scored));
      this.batches.push({ inputs, targets, scored });
    }
    this.recorder = new Recorder(gpu);
    this.own = arena ? undefined : new Arena(gpu);
    this.tokens = createTokenBuffers(gpu, rows, parameters.config.vocabSize);
    this.targets = tensorFrom(gpu, [rows], "targets");
    const tape = new Tape(this.recorder, arena ?? this.own!, false);
    const hidden = languageModel(tape, parameters, this.tokens, { batch, length });
    const logitScale = parameters.config.multipliers?.logits;
    this.loss = crossEntropy(tape, hidden, headWeight(parameters), this.targets, { logitScale }).loss;
  }

  run(): Promise<Nll>;
  /**
   * @param options.signal ends it between two batches
   * @param options.onProgress told before each batch the share of them that is scored
   * @returns undefined where the signal came first
   */
  run(options: EvaluationOptions): Promise<Nll | undefined>;
  async run({ signal, onProgress }: EvaluationOptions = {}): Promise<Nll | undefined> {
    let sum = 0;
    let tokens = 0;
    for (const [index, { inputs, targets, scored }] of this.batches.entries()) {
      if (signal?.aborted) return undefined;
      onProgress?.(index / this.batches.length);
      uploadTokens(this.gpu, this.tokens, inputs);
      uploadTargets(this.gpu, this.targets, targets, this.tokens.vocabSize);
      this.recorder.submit();
      const [mean] = new Float32Array(await this.gpu.read(this.loss.buffer, this.loss.offset, 1));
      sum += mean * scored;
      tokens += scored;
    }
    return { nllPerToken: sum / tokens, nllPerByte: sum / this.bytes, tokens, bytes: this.bytes };
  }

  destroy(): void {
    this.recorder.destroy();
    this.own?.destroy();
    destroyTokenBuffers(this.tokens);
    this.targets.buffer.destroy();
  }
}
