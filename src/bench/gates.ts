/** What has to hold before a time means anything. Each throws one sentence. */

import type { LoggedStep } from "../train/loss-log.js";

/** f16 products against f32 ones: seen are some 1e-4 of the loss and 1e-3 of the norm. */
const tolerances = { loss: 0.02, norm: 0.05 };

/** @throws Error when a loss of a batch that is seen again and again is not finite, or the last is not below the first */
export function checkLosses(what: string, losses: readonly number[]): void {
  const list = losses.map((loss) => loss.toFixed(3)).join(", ");
  if (losses.every(Number.isFinite) && losses.at(-1)! < losses[0]) return;
  const fault = losses.every(Number.isFinite)
    ? "do not fall on a batch that it sees again and again"
    : "are not finite";
  throw new Error(`The losses of ${what} ${fault} (${list}): a kernel or the driver is at fault; nothing was timed.`);
}

/** @throws Error when the first step of mixed precision has another loss or gradient norm than that of f32 */
export function checkAgreement(what: string, mixed: LoggedStep, exact: LoggedStep): void {
  const apart = { loss: Math.abs(mixed.loss - exact.loss), norm: Math.abs(mixed.norm / exact.norm - 1) };
  if (apart.loss <= tolerances.loss && apart.norm <= tolerances.norm) return;
  throw new Error(
    `The first step of ${what} has loss ${mixed.loss.toFixed(4)} and gradient norm ${mixed.norm.toPrecision(4)}, but in f32 ${exact.loss.toFixed(4)} and ${exact.norm.toPrecision(4)}; nothing was timed.`,
  );
}

/** @throws Error when logits from caches are not those of the whole sequence evaluated at once (root mean square ratio) */
export function checkLogits(what: string, cached: Float32Array, whole: Float32Array): void {
  let [error, size] = [0, 0];
  for (let i = 0; i < whole.length; i++) {
    error += (cached[i] - whole[i]) ** 2;
    size += whole[i] ** 2;
  }
  const ratio = Math.sqrt(error / size);
  if (cached.length === whole.length && ratio <= 1e-3) return;
  throw new Error(
    `Decoding ${what} from its caches gives other logits than evaluating the whole text (error ${ratio.toPrecision(2)}); nothing was timed.`,
  );
}
