import type { ModelConfig } from "../config/types.js";
import { type Adapter, anyHardware, paperGpu } from "../gpu/paper.js";
import type { Recompute } from "../memory/recompute.js";
import { adam } from "./defaults.js";
import { TrainStep } from "./step.js";
import type { TrainSpec } from "./types.js";

export interface PlanOptions {
  recompute?: Recompute;
  precision?: TrainSpec["precision"];
  /** Any GPU by default. */
  adapter?: Adapter;
}

/** What a training step takes. */
export interface StepPlan {
  /** GPU bytes, as `TrainStep.bytes` has them. */
  bytes: TrainStep["bytes"];
  dispatches: number;
  /** Bytes of all that its dispatches bind: about what they read and write, but for those that use a part, or use it twice. */
  bound: number;
}

/**
 * Records a training step on paper: its buffers are planned as on the adapter, but nothing is allocated or run.
 * @throws Error when the model cannot be built
 */
export function planStep(config: ModelConfig, batch: TrainSpec["batch"], options: PlanOptions = {}): StepPlan {
  const { recompute, precision = "f32", adapter = anyHardware } = options;
  let bound = 0;
  const gpu = paperGpu(adapter, (bytes) => {
    bound += bytes;
  });
  const spec = { config, batch, precision, optimizer: { lr: 0, ...adam }, seed: 0 };
  const { bytes, dispatches } = new TrainStep(gpu, spec, recompute);
  return { bytes, dispatches, bound };
}
