import { cost } from "../cost/cost.js";
import { estimateTrainingMemory } from "../cost/memory.js";
import type { PlannedRun } from "./types.js";

/** What a run asks of a card. */
export interface RunNeeds {
  /** Bytes, by estimate; 0 for a model that cannot be built, which its own run will say. */
  memory: number;
  flopsPerToken: number;
}

/** What a process takes besides the run's tensors: the driver's context, pipelines, staging buffers. */
const perProcess = 2 ** 29;

export function needsOf({ spec: { config, batch, precision } }: PlannedRun): RunNeeds {
  try {
    const { flopsPerToken } = cost(config, { context: batch.length, tokens: 1 });
    return { memory: estimateTrainingMemory(config, batch, { precision }).total + perProcess, flopsPerToken };
  } catch {
    return { memory: 0, flopsPerToken: 0 };
  }
}
