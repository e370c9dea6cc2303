/** What a block is on paper: the half of a block that needs no GPU. `src/model/blocks` has the other half. */

import type { ModelConfig } from "../types.js";
import type { Activation } from "./activations.js";

/** Random numbers of one weight's own stream. */
export interface Random {
  uniform(least: number, most: number): number;
  normal(mean: number, deviation: number): number;
}

/** One weight tensor. Shapes are [out, in] for projections, row-major, as in PyTorch's `nn.Linear`. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  /** Whether AdamW applies weight decay. */
  decay: boolean;
  /** Draws element number `index` (row-major) at initialisation; called in the order of the elements. */
  initial: (random: Random, index: number) => number;
}

/** Where a block stands. */
export interface Place {
  /** 0-based. */
  layer: number;
  /** What the names of the layer's weights begin with, e.g. "model.layers.3". */
  prefix: string;
}

export interface BlockCost {
  /** Weights that take part in products: projections, convolution, A and dt_bias; without norms and biases. Shared ones once. */
  weights: number;
  /** Those that one token passes, where they are others: some experts of many, or weights that an earlier layer counts. */
  activeWeights?: number;
  /** FLOPs besides 6 for each active weight and token, forward and backward, for one sequence. */
  extraFlops: number;
  /** Numbers kept while decoding, after `context` tokens (times 2 in bfloat16 for bytes). */
  cacheElements: number;
}

/** A part of the config that blocks read; blocks that share one by name share its schema. */
export interface Section {
  /** A zod schema. (Typed loosely: TypeScript 5.0, which tslab has, cannot read zod's declarations.) */
  schema: object;
  /** Checks what the schema can't: how fields relate. Throws one sentence that names the field. */
  check?: (config: ModelConfig) => void;
}

export interface BlockSpec {
  /** One character, free in the pattern table. */
  letter: string;
  /** In a few words, for messages. */
  meaning: string;
  /** Mixers stand in `pattern`, feed-forward networks in `ffnPattern`. */
  role: "mixer" | "ffn";
  /** Sections that the config must have, by name. */
  needs: Record<string, Section>;
  /** Sections that it reads where the config has them. */
  uses?: Record<string, Section>;
  /** Throws one sentence when the kernels can't take the sizes; such configs can still be costed. */
  requireBuildable?: (config: ModelConfig) => void;
  /** The block's weights with their full names, its input norm first; a name that an earlier layer has is shared with it. */
  parameters: (config: ModelConfig, place: Place) => ParameterSpec[];
  /** Without a place: of a block whose weights no other layer shares. */
  cost: (config: ModelConfig, context: number, place?: Place) => BlockCost;
  /** What its operations give, in the order in which it records them, the new stream last: from this follows the memory of training. */
  activations: (config: ModelConfig) => Activation[];
}

/** The section's value. Throws one sentence when the config lacks it: parsed configs have what their pattern needs. */
export function section<K extends keyof ModelConfig>(config: ModelConfig, name: K): NonNullable<ModelConfig[K]> {
  const value = config[name];
  if (value === undefined || value === null) throw new Error(`${name}: missing, but a layer of the pattern needs it.`);
  return value;
}
