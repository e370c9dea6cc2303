/** What a block does on the GPU: the other half of `src/config/blocks`. */

import type { ModelConfig } from "../../config/types.js";
import type { Gpu } from "../../gpu/gpu.js";
import type { Tensor } from "../../gpu/tensor.js";
import type { AttentionOptions } from "../../ops/attention.js";
import type { ScanInputs, ScanWeights, SelectiveScanOptions } from "../../ops/scan-inputs.js";
import type { SsdOptions } from "../../ops/ssd.js";
import type { Tape } from "../../ops/tape.js";

/** What one block remembers of the tokens so far, by name: keys and values, or a convolution's tail and a state. */
export type BlockState = Record<string, Tensor>;

/** How a tensor that a block shows mixes tokens: from both, the weight of each token on each later one can be computed. */
export type Mixing =
  /** The tensor is [q | k | v], rotated. */
  | { kind: "attention"; options: AttentionOptions }
  /** The tensor is [x | B | C] after its convolution; `dtSource` has the raw dt, `weights` are dt_bias, A_log and D. */
  | { kind: "ssd"; dtSource: Tensor; weights: readonly [Tensor, Tensor, Tensor]; options: SsdOptions }
  /** The tensor is x after its convolution, as it is in `inputs`. */
  | { kind: "selective scan"; inputs: ScanInputs; weights: ScanWeights; options: SelectiveScanOptions };

/** What every block is given. */
export interface BlockContext {
  tape: Tape;
  config: ModelConfig;
  /** 0-based. */
  layer: number;
  /** The layer's weight by the last part of its name, e.g. "self_attn.q_proj.weight". */
  weight: (name: string) => Tensor;
  /** Any weight of the model by its whole name. */
  parameter: (name: string) => Tensor;
  batch: number;
  length: number;
  /** Generation only: what is left behind for later tokens. */
  state?: BlockState;
  /** Generation only: u32 [1], how many tokens came before those at hand, which then continue from `state`. */
  position?: Tensor;
  /** The embedded tokens [B·T, dModel], for blocks that say `readsEmbedding`. */
  embedded?: Tensor;
  /** Shows an inner tensor to whoever looks inside (src/inspect, router statistics): record a copy, don't keep it. */
  observe?: (name: string, tensor: Tensor, mixing?: Mixing) => void;
  /** Training only: records something after the backward pass, such as an update that is no gradient step. */
  afterBackward?: (record: () => void) => void;
}

export interface Block {
  letter: string;
  readsEmbedding?: boolean;
  /** x + block(norm(x)), x [B·T, dModel]. */
  record: (context: BlockContext, x: Tensor) => Tensor;
  /** Zeroed states for `batch` sequences of up to `capacity` tokens; blocks that remember nothing have none. */
  createState?: (gpu: Gpu, config: ModelConfig, batch: number, capacity: number) => BlockState;
}

/** The factor of everything that blocks add to the residual stream (Granite). */
export const residualScale = (config: ModelConfig): number => config.multipliers?.residual ?? 1;
