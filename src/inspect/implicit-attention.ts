/** The matrices M [T, T] that the scans of Mamba-2 and Mamba amount to, y = M x, in float64. */

export interface ImplicitOptions {
  /** Whether D, by which a token passes to its own output, is part of the diagonal; true by default. */
  skip?: boolean;
  /** |M| with rows that add up to 1; false by default. */
  normalise?: boolean;
}

/** What a scan of Mamba-2 read, of one sequence; rows are tokens. */
export interface HeadScan {
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

/** M of one head: M[t, s] = C_t · B_s · exp(Σ_{s < r <= t} dt_r A) · dt_s for s <= t, plus D where t = s. */
export function headMatrix(scan: HeadScan, head: number, options: ImplicitOptions): Float64Array {
  const { xBC, dtSource, dtBias, aLog, d, length, heads, headDim, state, groups, dtColumn } = scan;
  const { least = 0, most = Number.POSITIVE_INFINITY } = scan.timeStep ?? {};
  const row = xBC.length / length;
  const dtRow = dtSource.length / length;
  const inB = heads * headDim + Math.floor((head * groups) / heads) * state;
  const inC = inB + groups * state;
  const a = -Math.exp(aLog[head]);
  const dt = Float64Array.from({ length }, (_, t) =>
    Math.min(most, Math.max(least, softplus(dtSource[t * dtRow + dtColumn + head] + dtBias[head]))),
  );
  const elapsed = sums(dt);
  const weight = (t: number, s: number) => {
    let product = 0;
    for (let n = 0; n < state; n++) product += xBC[t * row + inC + n] * xBC[s * row + inB + n];
    return product * Math.exp(a * (elapsed[t] - elapsed[s])) * dt[s];
  };
  return lowerTriangle(length, weight, d[head], options);
}

/** What a selective scan read, of one sequence. */
export interface ChannelScan {
  /** [T, channels], before bias and softplus. */
  dt: ArrayLike<number>;
  /** [T, …], with the N elements of a token from `column` on. */
  b: { values: ArrayLike<number>; column: number };
  c: { values: ArrayLike<number>; column: number };
  /** [channels, state] */
  aLog: ArrayLike<number>;
  /** [channels] each. */
  dtBias: ArrayLike<number>;
  d: ArrayLike<number>;
  length: number;
  channels: number;
  state: number;
}

/** M of one channel, before the gate: M[t, s] = Σ_n C_t[n] B_s[n] exp(A[n] Σ_{s < r <= t} dt_r) · dt_s, plus D where t = s. */
export function channelMatrix(scan: ChannelScan, channel: number, options: ImplicitOptions): Float64Array {
  const { b, c, aLog, dtBias, d, length, channels, state } = scan;
  const [bRow, cRow] = [b.values.length / length, c.values.length / length];
  const a = Float64Array.from({ length: state }, (_, n) => -Math.exp(aLog[channel * state + n]));
  const dt = Float64Array.from({ length }, (_, t) => softplus(scan.dt[t * channels + channel] + dtBias[channel]));
  const elapsed = sums(dt);
  const weight = (t: number, s: number) => {
    let sum = 0;
    for (let n = 0; n < state; n++) {
      const product = c.values[t * cRow + c.column + n] * b.values[s * bRow + b.column + n];
      sum += product * Math.exp(a[n] * (elapsed[t] - elapsed[s]));
    }
    return sum * dt[s];
  };
  return lowerTriangle(length, weight, d[channel], options);
}

function lowerTriangle(
  length: number,
  weightOf: (t: number, s: number) => number,
  d: number,
  { skip = true, normalise = false }: ImplicitOptions,
): Float64Array {
  const matrix = new Float64Array(length * length);
  for (let t = 0; t < length; t++) {
    let total = 0;
    for (let s = 0; s <= t; s++) {
      const weight = weightOf(t, s) + (skip && s === t ? d : 0);
      matrix[t * length + s] = normalise ? Math.abs(weight) : weight;
      total += Math.abs(weight);
    }
    if (normalise && total > 0) for (let s = 0; s <= t; s++) matrix[t * length + s] /= total;
  }
  return matrix;
}

/** Σ_{r <= t}: with A < 0, exponents made of their differences are never positive. */
function sums(values: Float64Array): Float64Array {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/** ln(1 + exp(x)) without overflow. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
