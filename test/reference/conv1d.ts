/** y[b, t, c] = silu(bias[c] + Σ_j w[c, j] x[b, t - width + 1 + j, c]) over some columns of x, in float64: the definition. */
export function convSiluReference(
  x: Float64Array,
  w: Float64Array,
  bias: Float64Array,
  o: { batch: number; length: number; columns: number; column: number; channels: number; width: number },
): Float64Array {
  const y = new Float64Array(o.batch * o.length * o.channels);
  for (let b = 0; b < o.batch; b++)
    for (let t = 0; t < o.length; t++)
      for (let c = 0; c < o.channels; c++) {
        let sum = bias[c];
        for (let back = 0; back < Math.min(o.width, t + 1); back++)
          sum += w[c * o.width + o.width - 1 - back] * x[(b * o.length + t - back) * o.columns + o.column + c];
        y[(b * o.length + t) * o.channels + c] = sum / (1 + Math.exp(-sum));
      }
  return y;
}
