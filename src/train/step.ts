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
import { halve } from "../ops/halve.js";
import { createLossScale, type LossScale, updateLossScale } from "../ops/loss-scale.js";
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
  /** Where activations are f16: what the gradients are multiplied by. Such a step changes no weight when its gradients do not fit. */
  readonly lossScale: LossScale | undefined;
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
    this.recorder = new Recorder(gpu, spec.precision);
    const { halves } = this.recorder;
    this.parameters = new Parameters(gpu, config, true, halves);
    const { size } = this.parameters;
    this.moments = {
      first: tensorFrom(gpu, [size], "first moment"),
      second: tensorFrom(gpu, [size], "second moment"),
    };
    this.tokens = createTokenBuffers(gpu, rows, config.vocabSize);
    this.targets = tensorFrom(gpu, [rows], "targets");
    this.decay = tensorFrom(gpu, [size / alignment], "decay", this.parameters.decayBlocks());
    this.state = createOptimizerState(gpu);
    this.lossScale = halves ? createLossScale(gpu) : undefined;
    this.arena = new Arena(gpu);
    const tape = new Tape(this.recorder, this.arena, true, this.parameters);
    if (this.parameters.halves) halve(this.recorder, this.parameters.values, this.parameters.halves);
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
      lossScale: this.lossScale,
    }).loss;
    tape.backward();
    for (const record of after) record();
    const gradients = this.parameters.gradients!;
    this.norm = gradientNorm(this.recorder, this.arena, gradients, this.lossScale);
    adamW(this.recorder, {
      parameters: this.parameters.values,
      gradients,
      ...this.moments,
      decayBlocks: this.decay,
      norm: this.norm,
      state: this.state,
      lossScale: this.lossScale,
    });
    if (this.lossScale) updateLossScale(this.recorder, this.lossScale, this.norm);
  }

  /** Submits one step. @param step counts from 0; AdamW's bias correction uses step + 1 */
  run(batch: Batch, step: number, lr: number, profile?: Profile): void {
    const { beta1, beta2, eps, weightDecay, clip } = this.spec.optimizer;
    uploadTokens(this.gpu, this.tokens, batch.inputs);
    uploadTargets(this.gpu, this.targets, batch.targets, this.spec.config.vocabSize);
    writeOptimizerState(this.gpu, this.state, { lr, step: step + 1, beta1, beta2, eps, weightDecay, clip });
    this.recorder.submit(profile);
  }

  /** GPU bytes: activations and scratch, and the four flat buffers, in mixed precision with the weights in f16 too. */
  get bytes(): { activations: number; parameters: number; total: number } {
    const { values, halves } = this.parameters;
    const parameters = 4 * values.buffer.size + (halves?.buffer.size ?? 0);
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
    this.lossScale?.buffer.destroy();
    this.parameters.destroy();
    this.moments.first.buffer.destroy();
    this.moments.second.buffer.destroy();
  }
}
