/** v / sqrt(mean(v²) + eps) · w over each of `groups` equal parts of the rows of v; float64, the definition. */
export function rmsNorm(v: Float64Array, w: Float64Array, eps: number, groups = 1): Float64Array {
  const width = w.length / groups;
  const out = new Float64Array(v.length);
  for (let first = 0; first < v.length; first += width) {
    let squares = 0;
    for (let j = first; j < first + width; j++) squares += v[j] ** 2;
    for (let j = first; j < first + width; j++) out[j] = (v[j] / Math.sqrt(squares / width + eps)) * w[j % w.length];
  }
  return out;
}

export const silu = (z: number): number => z / (1 + Math.exp(-z));

/** Mamba-2's gated norm: z is columns [zColumn, zColumn + D) of rows of `columns`. */
export function gatedRmsNorm(
  y: Float64Array,
  zSource: Float64Array,
  w: Float64Array,
  o: { eps: number; zColumn: number; columns: number; groups: number },
): Float64Array {
  const gated = y.map((value, i) => {
    const row = Math.floor(i / w.length);
    return value * silu(zSource[row * o.columns + o.zColumn + (i % w.length)]);
  });
  return rmsNorm(gated, w, o.eps, o.groups);
}
