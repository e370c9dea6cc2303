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
  const rising = warmup > 0 ? (step + 1) / Math.max(1, Math.round(warmup * steps)) : 1;
  const falling = cooldown > 0 ? (steps - step) / Math.max(1, Math.round(cooldown * steps)) : 1;
  return Math.min(1, rising, falling);
}
