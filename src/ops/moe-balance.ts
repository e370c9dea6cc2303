import type { Arena } from "../gpu/arena.js";
import { float, type Recorder } from "../gpu/recorder.js";
import { sizeOf, type Tensor } from "../gpu/tensor.js";

/** What a layer's router did in a step, for `balance`. Both tensors belong to the arena until then. */
export interface RouterUsage {
  /** Tokens, and experts a token. */
  rows: number;
  topK: number;
  /** u32 [E]: assignments of each expert. */
  counts: Tensor;
  /** The router's entropies, summed by parts. */
  entropy: Tensor;
}

export interface BalanceOptions {
  /** The layer's bias [E], moved against the imbalance of the step. */
  bias?: Tensor;
  /** How far; 1e-3 in the paper (training_setup.md, Table 4). */
  step?: number;
}

/**
 * Records, after the backward pass, what becomes of a router's counts. They are kept as statistics [E + 1]: the counts, and the mean
 * entropy in nats of the scores divided by their sum. And loss-free balancing (Wang et al. 2024, arXiv:2408.15664) moves the bias
 * of each expert by `step` towards the mean load, bias_e += step · (sign(mean load - load_e) - the mean of these signs). Taking
 * off the mean, as TorchTitan does, keeps the biases about zero and changes no choice.
 * Releases the tensors of `usage`; the statistics belong to the arena until released.
 * @throws Error when the bias does not fit.
 */
export function balance(recorder: Recorder, arena: Arena, usage: RouterUsage, o: BalanceOptions = {}): Tensor {
  const { rows, topK, counts, entropy } = usage;
  const { bias, step = 0 } = o;
  const experts = sizeOf(counts);
  if (bias && sizeOf(bias) !== experts) {
    throw new Error(`Balance: a bias [${bias.shape}] does not fit ${experts} experts`);
  }
  const text = bias
    ? `@group(0) @binding(4) var<storage, read_write> bias: array<f32>;
fn move_bias(e: u32, by: f32) { bias[e] += by; }
`
    : "fn move_bias(e: u32, by: f32) {}\n";
  const statistics = arena.alloc([experts + 1], "router statistics");
  recorder.dispatch({
    kernel: "moe/balance",
    constants: { EXPERTS: experts },
    before: text,
    bindings: [counts, entropy, statistics, ...(bias ? [bias] : [])],
    params: [rows, rows * topK, sizeOf(entropy), float(step)],
    groups: [1],
    label: "balance experts",
  });
  arena.release(counts);
  arena.release(entropy);
  return statistics;
}
