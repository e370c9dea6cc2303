const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

export const differentialLambda = ({ q1, k1, q2, k2 }: Record<string, Float64Array>, initial: number): Float64Array =>
  Float64Array.of(Math.exp(dot(q1, k1)) - Math.exp(dot(q2, k2)) + initial);

export const mambaLambda = (v: Float64Array, initial: number): Float64Array =>
  Float64Array.of(1 / (1 + Math.exp(-v.reduce((sum, value) => sum + value, 0))) + initial);

/** o₁ ∓ λ · o₂ of the halves of rows of 2 · width. */
export function differential(o: Float64Array, lambda: number, width: number, sign: 1 | -1): Float64Array {
  return Float64Array.from({ length: o.length / 2 }, (_, i) => {
    const first = Math.floor(i / width) * 2 * width + (i % width);
    return o[first] + sign * lambda * o[first + width];
  });
}
