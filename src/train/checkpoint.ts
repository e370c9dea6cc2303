import type { CurveState } from "./curve.js";
import type { RouterUse } from "./types.js";

/** Everything that a stopped run needs to go on as if it had not stopped. Flat arrays as in `Parameters`. */
export interface Checkpoint {
  /** Steps done; the data position follows from it, batches being a function of (seed, step). */
  step: number;
  values: Float32Array;
  first: Float32Array;
  second: Float32Array;
  curve: CurveState;
  /** The state of the loss scale, where gradients are f16. */
  lossScale?: number[];
  /** What the routers did in the last step, where there are experts. */
  routers?: RouterUse[];
  /** Seconds of the run so far, and those of them that validation took. */
  seconds: number;
  validating: number;
  /** Steps that the run took over from another (`TrainResult.shared`). */
  shared?: number;
}

/** Where checkpoints go; `checkpoint.node.ts` keeps them in a folder. */
export interface CheckpointStore {
  /** The newest one of this very run, or undefined. @throws Error when what is there belongs to another run */
  load(): Promise<Checkpoint | undefined>;
  save(checkpoint: Checkpoint): Promise<void>;
}
