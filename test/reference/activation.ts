import { silu } from "./norm.js";

/** erfc(z) for z ≥ 0: 1 - the Taylor series of erf where that is short, else the continued fraction (DLMF 7.6.1, 7.9.1); float64. */
function erfc(z: number): number {
  if (z < 2) {
    let [term, sum] = [z, z];
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= -(z ** 2) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = z;
  for (let n = 120; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.exp(-(z ** 2)) / Math.sqrt(Math.PI) / fraction;
}

/** The standard normal distribution: P(X ≤ z), and its density. */
export const phi = (z: number): number => (z < 0 ? erfc(-z / Math.SQRT2) : 2 - erfc(z / Math.SQRT2)) / 2;
export const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** The activations; float64, the definitions. */
export const activations = {
  silu,
  gelu: (z: number): number => z * phi(z),
  "gelu-tanh": (z: number): number => 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  relu2: (z: number): number => Math.max(z, 0) ** 2,
  sigmoid: (z: number): number => 1 / (1 + Math.exp(-z)),
};

/** f(gate) · up for rows [gate | up] of 2 · width. */
export function gated(f: (z: number) => number, gateUp: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: gateUp.length / 2 }, (_, i) => {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    return f(gateUp[at]) * gateUp[at + width];
  });
}
