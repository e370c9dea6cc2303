/** Attention in float64 from its definition: every score of every visible key, one softmax a query. */
import { type ReferenceRope, turned } from "./rope.js";

export interface ReferenceOptions {
  batch: number;
  length: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  valueHeads?: number;
  valueDim?: number;
  scale?: number;
  rope: ReferenceRope | null;
  window: { size: number; sink: number } | null;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

interface Head {
  q: Float64Array[];
  k: Float64Array[];
  v: Float64Array[];
  /** Probabilities of query i over keys 0..i; zero where hidden. */
  p: Float64Array[];
}

/** Everything optional filled in; a row of qkv is [heads*headDim | kvHeads*headDim | valueHeads*valueDim]. */
function filled(options: ReferenceOptions) {
  const { heads, kvHeads, headDim } = options;
  const { valueHeads = kvHeads, valueDim = headDim, scale = 1 / Math.sqrt(headDim) } = options;
  return { ...options, valueHeads, valueDim, scale, width: (heads + kvHeads) * headDim + valueHeads * valueDim };
}

/** Calls `visit` for each sequence and query head, with where its q, k and v heads begin in row t. */
function eachHead(
  qkv: Float64Array,
  options: ReferenceOptions,
  visit: (head: Head, at: (t: number) => { q: number; k: number; v: number; o: number }) => void,
): void {
  const { batch, length, heads, kvHeads, headDim, valueHeads, valueDim, scale, width, rope, window } = filled(options);
  const rep = heads / kvHeads;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const keyHead = Math.floor(h / rep);
      const valueHead = Math.floor((h % (valueHeads * rep)) / rep);
      const at = (t: number) => ({
        q: (b * length + t) * width + h * headDim,
        k: (b * length + t) * width + (heads + keyHead) * headDim,
        v: (b * length + t) * width + (heads + kvHeads) * headDim + valueHead * valueDim,
        o: ((b * length + t) * heads + h) * valueDim,
      });
      const positions = Array.from({ length }, (_, t) => t);
      const turn = (x: Float64Array, t: number) => (rope ? turned(x, t, rope) : x);
      const q = positions.map((t) => turn(qkv.slice(at(t).q, at(t).q + headDim), t));
      const k = positions.map((t) => turn(qkv.slice(at(t).k, at(t).k + headDim), t));
      const v = positions.map((t) => qkv.slice(at(t).v, at(t).v + valueDim));
      const p = positions.map((i) => {
        const weights = new Float64Array(i + 1);
        for (let j = 0; j <= i; j++) {
          const seen = !window || i - window.size < j || j < window.sink;
          if (seen) weights[j] = Math.exp(dot(q[i], k[j]) * scale);
        }
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return weights.map((weight) => weight / total);
      });
      visit({ q, k, v, p }, at);
    }
  }
}

/** o [B*T, heads*valueDim] from unrotated qkv. */
export function referenceAttention(qkv: Float64Array, options: ReferenceOptions): Float64Array {
  const { batch, length, heads, valueDim } = filled(options);
  const o = new Float64Array(batch * length * heads * valueDim);
  eachHead(qkv, options, ({ v, p }, at) => {
    for (let i = 0; i < length; i++)
      for (let j = 0; j <= i; j++) for (let d = 0; d < valueDim; d++) o[at(i).o + d] += p[i][j] * v[j][d];
  });
  return o;
}

/** Probabilities [B, heads, T, T] of query t (third) over keys (last), zero where a key is not seen, from unrotated qkv. */
export function referenceAttentionWeights(qkv: Float64Array, options: ReferenceOptions): Float64Array {
  const { batch, length, heads } = options;
  const weights = new Float64Array(batch * heads * length * length);
  let row = 0;
  eachHead(qkv, options, ({ p }) => {
    for (const probabilities of p) weights.set(probabilities, row++ * length);
  });
  return weights;
}

/** The gradient of sum(upstream · o) with respect to unrotated qkv. The tests compare it with central differences too. */
export function referenceAttentionGradient(
  qkv: Float64Array,
  upstream: ArrayLike<number>,
  options: ReferenceOptions,
): Float64Array {
  const { length, headDim, valueDim, scale, rope } = filled(options);
  const gradient = new Float64Array(qkv.length);
  eachHead(qkv, options, ({ q, k, v, p }, at) => {
    const zeros = (dim: number) => Array.from({ length }, () => new Float64Array(dim));
    const [dq, dk, dv] = [zeros(headDim), zeros(headDim), zeros(valueDim)];
    for (let i = 0; i < length; i++) {
      const dO = Float64Array.from({ length: valueDim }, (_, d) => upstream[at(i).o + d]);
      const dP = p[i].map((_, j) => dot(dO, v[j]));
      const mean = dot(p[i], dP);
      for (let j = 0; j <= i; j++) {
        const dS = p[i][j] * (dP[j] - mean) * scale;
        for (let d = 0; d < headDim; d++) {
          dq[i][d] += dS * k[j][d];
          dk[j][d] += dS * q[i][d];
        }
        for (let d = 0; d < valueDim; d++) dv[j][d] += p[i][j] * dO[d];
      }
    }
    // A rotation's transpose is the rotation by the opposite angle.
    const back = (x: Float64Array, t: number) => (rope ? turned(x, -t, rope) : x);
    for (let t = 0; t < length; t++) {
      const [q, k] = [back(dq[t], t), back(dk[t], t)];
      for (let d = 0; d < headDim; d++) {
        gradient[at(t).q + d] += q[d];
        gradient[at(t).k + d] += k[d];
      }
      for (let d = 0; d < valueDim; d++) gradient[at(t).v + d] += dv[t][d];
    }
  });
  return gradient;
}
