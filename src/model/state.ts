import { blocksOf } from "../config/blocks/table.js";
import type { ModelConfig } from "../config/types.js";
import type { Gpu } from "../gpu/gpu.js";
import type { BlockState } from "./blocks/block.js";
import { blockOf } from "./blocks/table.js";

/** Empty states of all blocks, in the order of `blocksOf`, for `batch` sequences of up to `capacity` tokens. */
export function createState(gpu: Gpu, config: ModelConfig, batch: number, capacity: number): BlockState[] {
  return blocksOf(config).map(({ spec }) => blockOf(spec).createState?.(gpu, config, batch, capacity) ?? {});
}

export function destroyState(states: BlockState[]): void {
  for (const state of states) for (const { buffer } of Object.values(state)) buffer.destroy();
}
