import type { Batch } from "../data/types.js";
import { Arena, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { paperGpu } from "../gpu/paper.js";
import type { Profile } from "../gpu/profile.js";
import { Recorder } from "../gpu/recorder.js";
import { alignment, type Tensor } from "../gpu/tensor.js";
import { planBuffers } from "../memory/buffers.js";
import type { Recompute } from "../memory/recompute.js";
import { headWeight, languageModel } from "../model/language-model.js";
import { Parameters } from "../model/parameters.js";
import { adamW, createOptimizerState, gradientNorm, type OptimizerState, writeOptimizerState } from "../ops/adamw.js";
import { convert } from "../ops/convert.js";
import { crossEntropy, uploadTargets } from "../ops/cross-entropy.js";
import { createTokenBuffers, destroyTokenBuffers, type TokenBuffers, uploadTokens } from "../ops/embedding.js";
import { createLossScale, type LossScale, updateLossScale } from "../ops/loss-scale.js";
import { type ProductShape, productsOf } from "../ops/matmul-plan.js";
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
  /** Where activations are f16: what the gradients are multiplied by. A step whose gradients do not fit changes no weight. */
  readonly lossScale: LossScale | undefined;
  /** What the routers did in the last step run. */
  readonly routers: RouterLog;
  private readonly recorder: Recorder;
  /** Whose memory nobody needs between two steps, bar what is still out. */
  readonly arena: Arena;
  private readonly tokens: TokenBuffers;
  private readonly targets: Tensor;
  private readonly decay: Tensor;
  private readonly state: OptimizerState;

  constructor(
    readonly gpu: Gpu,
    readonly spec: Pick<TrainSpec, "config" | "batch" | "precision" | "optimizer" | "seed">,
    /** Changes memory and time, but no bit of the outcome. */
    readonly recompute: Recompute = "none",
  ) {
    const { config, batch } = spec;
    const rows = batch.sequences * batch.length;
    const halves = spec.precision === "mixed" && gpu.has("shader-f16");
    this.parameters = new Parameters(gpu, config, true, halves);
    this.lossScale = halves ? createLossScale(gpu) : undefined;
    const { size } = this.parameters;
    this.moments = {
      first: tensorFrom(gpu, [size], "first moment"),
      second: tensorFrom(gpu, [size], "second moment"),
    };
    this.tokens = createTokenBuffers(gpu, rows, config.vocabSize);
    this.targets = tensorFrom(gpu, [rows], "targets");
    this.decay = tensorFrom(gpu, [size / alignment], "decay", this.parameters.decayBlocks());
    this.state = createOptimizerState(gpu);
    // Once on paper, to learn when each tensor is needed, then with buffers planned for that.
    const paper = paperGpu(gpu);
    const trial = new Arena(paper);
    this.record(new Recorder(paper, spec.precision), trial, new RouterLog(paper, new Recorder(paper)));
    this.arena = new Arena(gpu, planBuffers(trial.stays));
    this.recorder = new Recorder(gpu, spec.precision);
    this.routers = new RouterLog(gpu, this.recorder);
    const { loss, norm } = this.record(this.recorder, this.arena, this.routers);
    this.loss = loss;
    this.norm = norm;
  }

  private record(recorder: Recorder, arena: Arena, routers: RouterLog): { loss: Tensor; norm: Tensor } {
    const { config, batch } = this.spec;
    const { lossScale } = this;
    const tape = new Tape(recorder, arena, true, this.parameters, this.recompute);
    if (this.parameters.halves) convert(recorder, this.parameters.values, this.parameters.halves, "halve weights");
    const after: (() => void)[] = [];
    const hidden = languageModel(tape, this.parameters, this.tokens, {
      batch: batch.sequences,
      length: batch.length,
      afterBackward: (record) => after.push(record),
      observe: routers.observe,
    });
    const { loss } = crossEntropy(tape, hidden, headWeight(this.parameters), this.targets, {
      logitScale: config.multipliers?.logits,
      lossScale,
    });
    tape.backward();
    for (const record of after) record();
    const gradients = this.parameters.gradients!;
    const norm = gradientNorm(recorder, arena, gradients, lossScale);
    adamW(recorder, {
      parameters: this.parameters.values,
      gradients,
      ...this.moments,
      decayBlocks: this.decay,
      norm,
      state: this.state,
      lossScale,
    });
    if (lossScale) updateLossScale(recorder, lossScale, norm);
    return { loss, norm };
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

  /** Tensors that stay as they are from step to step, the weights and what belongs to them aside. */
  get kept(): number {
    return this.arena.stays.filter(({ end }) => end === Number.POSITIVE_INFINITY).length;
  }

  /** Its products, each shape once. */
  get products(): ProductShape[] {
    return productsOf(this.recorder);
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
