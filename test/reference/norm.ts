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

/** factor · v / sqrt(mean(v²) + eps) · w over each of `groups` parts of rows of `width`; w of a row, or of a part, or none. */
export function groupNorm(
  v: Float64Array,
  w: Float64Array | undefined,
  o: { width: number; groups: number; eps: number; factor?: number },
): Float64Array {
  const row = Float64Array.from({ length: o.width }, (_, j) => (o.factor ?? 1) * (w ? w[j % w.length] : 1));
  return rmsNorm(v, row, o.eps, o.groups);
}

export const silu = (z: number): number => z / (1 + Math.exp(-z));

/** Mamba-2's gated norm: z is columns [zColumn, zColumn + D) of rows of `columns`. */
export function gatedRmsNorm(
  y: Float64Array,
  zSource: Float64Array,
  w: Float64Array,
  o: { eps: number; zColumn: number; columns: number; groups: number; gateFirst?: boolean },
): Float64Array {
  const gated = (values: Float64Array) => gate(values, zSource, { ...o, width: w.length });
  return o.gateFirst === false ? gated(rmsNorm(y, w, o.eps, o.groups)) : rmsNorm(gated(y), w, o.eps, o.groups);
}

/** y · silu(z) for rows of `width`, z being columns [zColumn, zColumn + width) of rows of `columns`. */
export function gate(
  y: Float64Array,
  zSource: Float64Array,
  o: { width: number; zColumn: number; columns: number },
): Float64Array {
  return y.map((value, i) => {
    const row = Math.floor(i / o.width);
    return value * silu(zSource[row * o.columns + o.zColumn + (i % o.width)]);
  });
}
