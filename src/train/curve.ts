import type { CurvePoint } from "./types.js";

/** Gathers step losses into at most about 200 points, each the mean since the one before. */
export class Curve {
  readonly points: CurvePoint[];
  private sum: number;
  private count: number;

  constructor(
    /** Steps a point. */
    readonly interval: number,
    saved: { points: CurvePoint[]; sum: number; count: number } = { points: [], sum: 0, count: 0 },
  ) {
    this.points = [...saved.points];
    this.sum = saved.sum;
    this.count = saved.count;
  }

  static intervalFor(steps: number): number {
    return Math.ceil(steps / 200);
  }

  /**
   * @param point the step just done (counted from 1); its `train` is the step's own loss
   * @param now ends a point here: at validations and at the last step
   */
  add(point: CurvePoint, now: boolean): void {
    this.sum += point.train;
    this.count++;
    if (point.step % this.interval !== 0 && !now) return;
    this.points.push({ ...point, train: this.sum / this.count });
    this.sum = 0;
    this.count = 0;
  }

  /** Puts a validation loss on the last point at or before now. */
  validate(step: number, validation: number): void {
    const point = this.points.at(-1);
    if (point) this.points[this.points.length - 1] = { ...point, validation };
    else throw new Error(`Validation at step ${step} before any curve point`);
  }

  save(): { points: CurvePoint[]; sum: number; count: number } {
    return { points: this.points, sum: this.sum, count: this.count };
  }
}
