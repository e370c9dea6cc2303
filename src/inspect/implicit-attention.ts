/** The matrix that the scan of one Mamba-2 head amounts to, in float64. */

/** What a scan read, of one sequence; rows are tokens. */
export interface Scan {
  /** [T, heads · headDim + 2 · groups · state]: x, B, C after the convolution. */
  xBC: ArrayLike<number>;
  /** [T, …], with the raw dt of head h in column dtColumn + h. */
  dtSource: ArrayLike<number>;
  /** [heads] each. */
  dtBias: ArrayLike<number>;
  aLog: ArrayLike<number>;
  d: ArrayLike<number>;
  length: number;
  heads: number;
  headDim: number;
  state: number;
  groups: number;
  dtColumn: number;
  /** Bounds of dt after softplus. */
  timeStep?: { least: number; most?: number };
}

/**
 * M [T, T] of one head: M[t, s] = C_t · B_s · exp(Σ_{s < r <= t} dt_r A) · dt_s for s <= t, zero above the diagonal; with `skip`, D is
 * added on the diagonal, and y = M x. With `normalise`, |M| with rows that add up to 1.
 */
export function implicitAttention(
  scan: Scan,
  head: number,
  { skip = true, normalise = false }: { skip?: boolean; normalise?: boolean },
): Float64Array {
  const { xBC, dtSource, dtBias, aLog, d, length, heads, headDim, state, groups, dtColumn } = scan;
  const { least = 0, most = Number.POSITIVE_INFINITY } = scan.timeStep ?? {};
  const row = xBC.length / length;
  const dtRow = dtSource.length / length;
  const inB = heads * headDim + Math.floor((head * groups) / heads) * state;
  const inC = inB + groups * state;
  const a = -Math.exp(aLog[head]);
  const dt = new Float64Array(length);
  /** Σ_{r <= t} dt_r A: differences of these are never positive. */
  const decay = new Float64Array(length);
  for (let t = 0; t < length; t++) {
    const raw = dtSource[t * dtRow + dtColumn + head] + dtBias[head];
    dt[t] = Math.min(most, Math.max(least, softplus(raw)));
    decay[t] = (t ? decay[t - 1] : 0) + dt[t] * a;
  }
  const matrix = new Float64Array(length * length);
  for (let t = 0; t < length; t++) {
    let total = 0;
    for (let s = 0; s <= t; s++) {
      let product = 0;
      for (let n = 0; n < state; n++) product += xBC[t * row + inC + n] * xBC[s * row + inB + n];
      const weight = product * Math.exp(decay[t] - decay[s]) * dt[s] + (skip && s === t ? d[head] : 0);
      matrix[t * length + s] = normalise ? Math.abs(weight) : weight;
      total += Math.abs(weight);
    }
    if (normalise && total > 0) for (let s = 0; s <= t; s++) matrix[t * length + s] /= total;
  }
  return matrix;
}

/** ln(1 + exp(x)) without overflow. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
