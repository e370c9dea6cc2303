import { type Arena, tensorFrom, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import { alignment, bytesIn, sizeOf, type Tensor } from "../gpu/tensor.js";
import { type LossScale, unscaling } from "./loss-scale.js";
import { total } from "./partials.js";

/** What changes from step to step, as data that the recorded step reads: see `writeOptimizerState`. */
export interface OptimizerState {
  readonly tensor: Tensor;
  readonly host: Float32Array<ArrayBuffer>;
}

export interface OptimizerStep {
  lr: number;
  /** Counts from 1. */
  step: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** The largest global norm of the gradients; 0 for no limit. */
  clip: number;
}

/** The buffer that `adamW` takes its step's numbers from; `writeOptimizerState` before every step. */
export function createOptimizerState(gpu: Gpu): OptimizerState {
  return { tensor: tensorFrom(gpu, [8], "optimizer state"), host: new Float32Array(8) };
}

/** Sends a step's numbers to the GPU, computed in float64; allocates nothing. @throws Error when step is below 1. */
export function writeOptimizerState(gpu: Gpu, state: OptimizerState, o: OptimizerStep): void {
  if (!(o.step >= 1)) throw new Error(`AdamW counts its steps from 1, not ${o.step}`);
  const { host } = state;
  host[0] = 1 - o.lr * o.weightDecay;
  host[1] = o.lr / (1 - o.beta1 ** o.step);
  host[2] = 1 / Math.sqrt(1 - o.beta2 ** o.step);
  host[3] = o.eps;
  host[4] = o.beta2;
  host[5] = 1 - o.beta1;
  host[6] = 1 - o.beta2;
  host[7] = o.clip;
  upload(gpu, state.tensor, host);
}

/** The global norm of all gradients, sqrt(Σ g²), without their scale, as [1]; in a fixed order. It belongs to the arena until released. */
export function gradientNorm(recorder: Recorder, arena: Arena, gradients: Tensor, lossScale?: LossScale): Tensor {
  const norm = arena.alloc([1], "gradient norm");
  const text = `${unscaling(lossScale, 3, "f32")}fn finish(sum: f32) -> f32 { return unscaled(sqrt(sum)); }\n`;
  const finish = { text, bindings: lossScale ? [lossScale] : [] };
  total(recorder, arena, { values: gradients, into: norm, squares: true, finish, label: "gradient norm" });
  return norm;
}

export interface AdamWOptions {
  parameters: Tensor;
  /** In another buffer than the rest. */
  gradients: Tensor;
  first: Tensor;
  second: Tensor;
  /** u32 for each 64 elements: 1 where weight decay applies. */
  decayBlocks: Tensor;
  /** [1], of `gradientNorm`. */
  norm: Tensor;
  state: OptimizerState;
  /** What the gradients were multiplied by. */
  lossScale?: LossScale;
}

/**
 * One AdamW step with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), in place, as torch.optim.AdamW
 * does it after torch.nn.utils.clip_grad_norm_: gradients are multiplied by min(1, clip / (norm + 1e-6)).
 * parameters, gradients, first and second moment [size]. A norm that is not finite changes nothing.
 * @throws Error when sizes differ, or are no multiple of 64.
 */
export function adamW(recorder: Recorder, o: AdamWOptions): void {
  const size = sizeOf(o.parameters);
  const sizes = [o.gradients, o.first, o.second].map(sizeOf);
  if (size % alignment !== 0 || sizes.some((other) => other !== size) || sizeOf(o.decayBlocks) !== size / alignment) {
    throw new Error(
      `AdamW: ${size} parameters with ${sizes.join(", ")} gradients and moments and ${sizeOf(o.decayBlocks)} decay blocks; all must be of one size, a multiple of ${alignment}`,
    );
  }
  const count = size / 4;
  recorder.dispatch({
    kernel: "optimizer/adamw",
    before: unscaling(o.lossScale, 8, "vec4f"),
    bindings: [
      ...[o.parameters, o.gradients, o.first, o.second, o.decayBlocks, o.norm, o.state.tensor],
      ...(o.lossScale ? [o.lossScale] : []),
    ],
    params: [count],
    groups: spread(Math.ceil(count / 256)),
    label: "adamw",
    // Weights and moments are read and written, gradients read.
    bytes: 2 * bytesIn([o.parameters, o.first, o.second]) + bytesIn([o.gradients, o.decayBlocks]),
  });
}
