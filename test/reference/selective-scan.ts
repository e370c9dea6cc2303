export interface ScanShape {
  batch: number;
  length: number;
  channels: number;
  state: number;
  bColumn: number;
  cColumn: number;
  bcColumns: number;
  zColumn: number;
  zColumns: number;
}

/**
 * Mamba's recurrence in float64, the definition: delta = softplus(raw + dt_bias), h_t = exp(-exp(A_log) delta_t) h_{t-1} + delta_t x_t B_t,
 * out_t = (h_t · C_t + D x_t) silu(z_t), for each channel with a state of N numbers. Also gives the states after the last token [B, D, N].
 */
export function selectiveScanReference(
  x: Float64Array,
  dt: Float64Array,
  bc: Float64Array,
  zSource: Float64Array,
  aLog: Float64Array,
  d: Float64Array,
  dtBias: Float64Array,
  o: ScanShape,
): { out: Float64Array; state: Float64Array } {
  const { batch, length, channels, state: n } = o;
  const out = new Float64Array(batch * length * channels);
  const state = new Float64Array(batch * channels * n);
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < length; t++)
      for (let c = 0; c < channels; c++) {
        const token = b * length + t;
        const value = x[token * channels + c];
        const delta = Math.log1p(Math.exp(dt[token * channels + c] + dtBias[c]));
        let y = d[c] * value;
        for (let i = 0; i < n; i++) {
          const at = (b * channels + c) * n + i;
          const decay = Math.exp(-Math.exp(aLog[c * n + i]) * delta);
          state[at] = decay * state[at] + delta * value * bc[token * o.bcColumns + o.bColumn + i];
          y += state[at] * bc[token * o.bcColumns + o.cColumn + i];
        }
        const z = zSource[token * o.zColumns + o.zColumn + c];
        out[token * channels + c] = (y * z) / (1 + Math.exp(-z));
      }
  return { out, state };
}
