import { silu } from "./norm.js";

/** silu(gate) · up for rows [gate | up] of 2 · width; float64, the definition. */
export function swiglu(gateUp: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: gateUp.length / 2 }, (_, i) => {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    return silu(gateUp[at]) * gateUp[at + width];
  });
}
