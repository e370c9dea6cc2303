import { kernels } from "../gpu/kernels.generated.js";
import { scalarSigmoid } from "./vector.js";

/** Bounds of dt after softplus (transformers: time_step_limit); `most` may be left out. */
export interface TimeStepLimit {
  least: number;
  most?: number;
}

/** WGSL: `time_step(x)`, dt of its raw value, and `time_slope(x, dt)`, the derivative: 0 where dt is held at a bound. */
export function timeStepText(limit: TimeStepLimit | undefined): string {
  const text = kernels["ssd/softplus"] + scalarSigmoid;
  if (!limit) {
    return `${text}fn time_step(x: f32) -> f32 { return softplus(x); }
fn time_slope(x: f32, dt: f32) -> f32 { return sigmoid(x); }
`;
  }
  const { least, most = 3.4e38 } = limit;
  return `${text}const LEAST = f32(${least});
const MOST = f32(${most});
fn time_step(x: f32) -> f32 { return clamp(softplus(x), LEAST, MOST); }
fn time_slope(x: f32, dt: f32) -> f32 { return select(0.0, sigmoid(x), dt > LEAST && dt < MOST); }
`;
}
