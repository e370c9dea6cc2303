import type { Batch } from "../data/types.js";
import { Arena, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Profile } from "../gpu/profile.js";
import { Recorder } from "../gpu/recorder.js";
import { alignment, type Tensor } from "../gpu/tensor.js";
import { headWeight, languageModel } from "../model/language-model.js";
import { Parameters } from "../model/parameters.js";
import { adamW, createOptimizerState, gradientNorm, type OptimizerState, writeOptimizerState } from "../ops/adamw.js";
import { crossEntropy, uploadTargets } from "../ops/cross-entropy.js";
import { createTokenBuffers, destroyTokenBuffers, type TokenBuffers, uploadTokens } from "../ops/embedding.js";
import { Tape } from "../ops/tape.js";
import { RouterLog } from "./router-log.js";
import type { TrainSpec } from "./types.js";

/** Moments of AdamW, flat like the weights. */
export interface Moments {
  first: Tensor;
  second: Tensor;
}

/**
 * One training step, recorded once: forward, loss, backward, global norm, AdamW. `run` uploads a batch and the step's
 * scalars and replays it; nothing is allocated or compiled after the constructor.
 */
export class TrainStep {
  readonly parameters: Parameters;
  readonly moments: Moments;
  /** [1], the mean loss of the last batch in nats a token. */
  readonly loss: Tensor;
  /** [1], the global gradient norm before clipping. */
  readonly norm: Tensor;
  /** What the routers did in the last step run. */
  readonly routers: RouterLog;
  private readonly recorder: Recorder;
  private readonly arena: Arena;
  private readonly tokens: TokenBuffers;
  private readonly targets: Tensor;
  private readonly decay: Tensor;
  private readonly state: OptimizerState;

  constructor(
    readonly gpu: Gpu,
    readonly spec: TrainSpec,
  ) {
    const { config, batch } = spec;
    const rows = batch.sequences * batch.length;
    this.parameters = new Parameters(gpu, config, true);
    const { size } = this.parameters;
    this.moments = {
      first: tensorFrom(gpu, [size], "first moment"),
      second: tensorFrom(gpu, [size], "second moment"),
    };
    this.tokens = createTokenBuffers(gpu, rows, config.vocabSize);
    this.targets = tensorFrom(gpu, [rows], "targets");
    this.decay = tensorFrom(gpu, [size / alignment], "decay", this.parameters.decayBlocks());
    this.state = createOptimizerState(gpu);
    const mixed = { gradientScale: 2 ** Math.round(Math.log2(rows)) };
    this.recorder = new Recorder(gpu, spec.precision === "mixed" ? mixed : undefined);
    this.arena = new Arena(gpu);
    const tape = new Tape(this.recorder, this.arena, true, this.parameters.gradientOf);
    this.routers = new RouterLog(gpu, this.recorder);
    const after: (() => void)[] = [];
    const hidden = languageModel(tape, this.parameters, this.tokens, {
      batch: batch.sequences,
      length: batch.length,
      afterBackward: (record) => after.push(record),
      observe: this.routers.observe,
    });
    this.loss = crossEntropy(tape, hidden, headWeight(this.parameters), this.targets, {
      logitScale: config.multipliers?.logits,
    }).loss;
    tape.backward();
    for (const record of after) record();
    const gradients = this.parameters.gradients!;
    this.norm = gradientNorm(this.recorder, this.arena, gradients);
    adamW(this.recorder, {
      parameters: this.parameters.values,
      gradients,
      ...this.moments,
      decayBlocks: this.decay,
      norm: this.norm,
      state: this.state,
    });
  }

  /** Submits one step. @param step counts from 0; AdamW's bias correction uses step + 1 */
  run(batch: Batch, step: number, lr: number, profile?: Profile): void {
    const { beta1, beta2, eps, weightDecay, clip } = this.spec.optimizer;
    uploadTokens(this.gpu, this.tokens, batch.inputs);
    uploadTargets(this.gpu, this.targets, batch.targets, this.spec.config.vocabSize);
    writeOptimizerState(this.gpu, this.state, { lr, step: step + 1, beta1, beta2, eps, weightDecay, clip });
    this.recorder.submit(profile);
  }

  /** GPU bytes: activations and scratch, and the four flat buffers. */
  get bytes(): { activations: number; parameters: number; total: number } {
    const parameters = 4 * this.parameters.values.buffer.size;
    return { activations: this.arena.bytes, parameters, total: this.arena.bytes + parameters };
  }

  get dispatches(): number {
    return this.recorder.dispatches;
  }

  destroy(): void {
    this.recorder.destroy();
    this.routers.destroy();
    this.arena.destroy();
    destroyTokenBuffers(this.tokens);
    for (const { buffer } of [this.targets, this.decay, this.state.tensor]) buffer.destroy();
    this.parameters.destroy();
    this.moments.first.buffer.destroy();
    this.moments.second.buffer.destroy();
  }
}
