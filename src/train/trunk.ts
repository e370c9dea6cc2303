/**
 * Runs that differ in their length alone share their beginning: warm-up and the constant rate, up to where the shortest
 * cools down. That trunk is trained once and each run goes on from it, with the bits that it would have had alone. The paper
 * reuses checkpoints so for its scaling laws (training_setup.md).
 */
import { stepsOf, warmupSteps } from "./schedule.js";
import type { TrainSpec } from "./types.js";

/** Steps of a run that a longer run of the same trunk takes as well: those before the learning rate first falls. */
export function trunkSteps(spec: Pick<TrainSpec, "tokens" | "batch" | "schedule">): number {
  const steps = stepsOf(spec);
  const falling = Math.round(spec.schedule.cooldown * steps);
  // The first step of the cool-down still has the whole rate.
  return Math.min(steps, steps - falling + 1);
}

/**
 * The spec of a run less what is its own: runs with equal trunks share their beginning. (Only a name for it, no run to be
 * trained: it has no length.)
 */
export function trunkOf(spec: TrainSpec): TrainSpec {
  return { ...spec, tokens: 0, schedule: { warmup: warmupSteps(spec), cooldown: 0 } };
}
