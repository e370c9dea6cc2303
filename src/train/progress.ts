/** What a training loop reports after steps and in validations; the terminal line and the notebook display both read it. */
export interface TrainProgress {
  /** Which run, where several follow each other, e.g. "1:5, seed 2"; a change starts a new curve. */
  label?: string;
  /** Steps done. */
  step: number;
  steps: number;
  /** Training tokens seen. */
  tokens: number;
  /** Training loss of this step, nats a token. */
  loss: number;
  /** Share of the validation batches that are scored, while that is under way. */
  validating?: number;
  /** Validation loss, nats a token: told once after each validation. */
  validation?: number;
  tokensPerSecond: number;
  secondsLeft: number;
}

/** "step 120/500, loss 3.214, 12.3 ktok/s, 1 min 20 s left" */
export function progressText(progress: TrainProgress): string {
  const { label, step, steps, loss, validating, validation, tokensPerSecond, secondsLeft } = progress;
  const parts = [`step ${step}/${steps}`, `loss ${loss.toFixed(3)}`];
  if (validation !== undefined) parts.push(`validation ${validation.toFixed(3)}`);
  parts.push(rateText(tokensPerSecond));
  if (validating !== undefined) parts.push(validatingText(validating));
  else parts.push(isDone(progress) ? "done" : `${durationText(secondsLeft)} left`);
  return `${label ? `${label}: ` : ""}${parts.join(", ")}`;
}

/** Whether it tells of a step, and not of a validation after one that was told before. */
export const isOfStep = ({ validating, validation }: TrainProgress) =>
  validating === undefined && validation === undefined;

/** Whether training is over: the last step has been validated. */
export const isDone = ({ step, steps, validation }: TrainProgress) => step >= steps && validation !== undefined;

/** "validating, 37 %" */
export const validatingText = (share: number) => `validating, ${Math.floor(100 * share)} %`;

/** Tokens a second with three digits: "940 tok/s", "12.3 ktok/s", "1.52 Mtok/s". */
export function rateText(tokensPerSecond: number): string {
  if (!Number.isFinite(tokensPerSecond)) return "– tok/s";
  if (tokensPerSecond < 1000) return `${Number(tokensPerSecond.toPrecision(3))} tok/s`;
  if (tokensPerSecond < 999_500) return `${(tokensPerSecond / 1e3).toPrecision(3)} ktok/s`;
  return `${(tokensPerSecond / 1e6).toPrecision(3)} Mtok/s`;
}

/** "8 s", "1 min 20 s", "2 h 5 min" */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown time";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
