export interface SsdShape {
  batch: number;
  length: number;
  heads: number;
  headDim: number;
  state: number;
  groups: number;
  dtColumn: number;
  dtColumns: number;
  timeStep?: { least: number; most?: number };
}

/**
 * Mamba-2's recurrence in float64, the definition: h_t = exp(-exp(A_log) dt_t) h_{t-1} + dt_t x_t ⊗ B_t, y_t = h_t C_t + D x_t with
 * dt = softplus(raw + dt_bias); head h reads group floor(h / (H / G)). Also gives the states after the last token [B, H, P, N].
 */
export function ssdReference(
  xBC: Float64Array,
  dtSource: Float64Array,
  dtBias: Float64Array,
  aLog: Float64Array,
  d: Float64Array,
  o: SsdShape,
): { y: Float64Array; state: Float64Array } {
  const { batch, length, heads, headDim, state: n, groups } = o;
  const inner = heads * headDim;
  const row = inner + 2 * groups * n;
  const y = new Float64Array(batch * length * inner);
  const state = new Float64Array(batch * inner * n);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) {
      const group = Math.floor(h / (heads / groups));
      for (let t = 0; t < length; t++) {
        const token = b * length + t;
        const { least = 0, most = Number.POSITIVE_INFINITY } = o.timeStep ?? {};
        const raw = Math.log1p(Math.exp(dtSource[token * o.dtColumns + o.dtColumn + h] + dtBias[h]));
        const dt = Math.min(most, Math.max(least, raw));
        const decay = Math.exp(-Math.exp(aLog[h]) * dt);
        for (let p = 0; p < headDim; p++) {
          const x = xBC[token * row + h * headDim + p];
          let sum = d[h] * x;
          for (let i = 0; i < n; i++) {
            const at = ((b * heads + h) * headDim + p) * n + i;
            state[at] = decay * state[at] + dt * x * xBC[token * row + inner + group * n + i];
            sum += state[at] * xBC[token * row + inner + (groups + group) * n + i];
          }
          y[token * inner + h * headDim + p] = sum;
        }
      }
    }
  return { y, state };
}
