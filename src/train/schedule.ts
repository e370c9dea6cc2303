import type { TrainSpec } from "./types.js";

type Course = Pick<TrainSpec, "tokens" | "batch" | "schedule">;

/** Steps that a spec takes: its tokens, rounded up to whole batches. */
export function stepsOf({ tokens, batch }: Pick<TrainSpec, "tokens" | "batch">): number {
  return Math.max(1, Math.ceil(tokens / (batch.sequences * batch.length)));
}

/** Steps over which the learning rate rises. */
export function warmupSteps({ tokens, batch, schedule: { warmup, warmupOf } }: Course): number {
  return Math.round(warmup * stepsOf({ tokens: warmupOf ?? tokens, batch }));
}

/**
 * Trapezoid schedule (training_setup.md): linear warm-up over the first `warmup` of the steps, constant, linear cool-down
 * over the last `cooldown`. The first step already learns, and the last one still does.
 * @param step from 0 to steps - 1
 * @returns the factor on the peak learning rate, in (0, 1]
 */
export function trapezoid(
  step: number,
  steps: number,
  { warmup, cooldown }: { warmup: number; cooldown: number },
): number {
  const falling = cooldown > 0 ? (steps - step) / Math.max(1, Math.round(cooldown * steps)) : 1;
  return Math.min(1, rising(step, Math.round(warmup * steps), warmup), falling);
}

const rising = (step: number, steps: number, warmup: number) => (warmup > 0 ? (step + 1) / Math.max(1, steps) : 1);

/** The factor at each step of a run: `trapezoid`, with a warm-up that may be that of a shorter run (`warmupOf`). */
export function rateFactor(spec: Course): (step: number) => number {
  const steps = stepsOf(spec);
  const { warmup, cooldown } = spec.schedule;
  const risingSteps = warmupSteps(spec);
  return (step) => Math.min(rising(step, risingSteps, warmup), trapezoid(step, steps, { warmup: 0, cooldown }));
}
