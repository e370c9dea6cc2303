import type { CurvePoint } from "./types.js";

/** What a curve is drawn from: the loss of every step from the first on, and validation losses by step. */
export interface CurveState {
  /** null where a step was left out and had no loss. */
  losses: (number | null)[];
  validations: [step: number, nll: number][];
}

/** How a run's curve is cut into points. */
export interface CurveCut {
  /** Steps of the run. */
  steps: number;
  tokensPerStep: number;
  /** Learning rate of the step with this index, from 0. */
  lrAt: (index: number) => number;
  /** Steps between validations, each of which ends a point. */
  every: number;
}

/**
 * Keeps every step's loss, so that runs that share their beginning but not their length (`trunk.ts`) each cut their own
 * curve from it.
 */
export class Curve {
  private readonly losses: CurveState["losses"];
  private readonly validations: Map<number, number>;

  constructor(saved: CurveState = { losses: [], validations: [] }) {
    this.losses = [...saved.losses];
    this.validations = new Map(saved.validations);
  }

  /** @param loss of the step that follows those added before; one that is not finite counts in no mean */
  add(loss: number): void {
    this.losses.push(Number.isFinite(loss) ? loss : null);
  }

  /** @param step steps done */
  validate(step: number, nll: number): void {
    this.validations.set(step, nll);
  }

  isValidated(step: number): boolean {
    return this.validations.has(step);
  }

  save(): CurveState {
    return { losses: this.losses, validations: [...this.validations] };
  }

  /** At most 200 points, and one more for each validation and the end; each the mean since the one before. */
  points({ steps, tokensPerStep, lrAt, every }: CurveCut): CurvePoint[] {
    const interval = Math.ceil(steps / 200);
    const points: CurvePoint[] = [];
    let sum = 0;
    let count = 0;
    let mean = 0;
    this.losses.forEach((loss, index) => {
      const step = index + 1;
      if (loss !== null) {
        sum += loss;
        count++;
      }
      if (step % interval !== 0 && step !== steps && step % every !== 0) return;
      // A shorter run whose beginning this is may have been validated at its end.
      const validation = step === steps || step % every === 0 ? this.validations.get(step) : undefined;
      if (count > 0) mean = sum / count;
      const point = { step, tokens: step * tokensPerStep, lr: lrAt(index), train: mean };
      points.push(validation === undefined ? point : { ...point, validation });
      sum = 0;
      count = 0;
    });
    return points;
  }
}
