/** Attention in float64 from its definition: every score of every visible key, one softmax a query. */
export interface ReferenceOptions {
  batch: number;
  length: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  rope: { theta: number } | null;
  window: { size: number; sink: number } | null;
}

/** Turns one head at `position` as Llama does: (x_i, x_{i+D/2}) as a complex number times e^{i·angle}. */
export function turned(head: Float64Array, position: number, theta: number): Float64Array {
  const half = head.length / 2;
  return head.map((_, i) => {
    const angle = position / theta ** ((2 * (i % half)) / head.length);
    const [re, im] = [head[i % half], head[(i % half) + half]];
    return i < half ? re * Math.cos(angle) - im * Math.sin(angle) : re * Math.sin(angle) + im * Math.cos(angle);
  });
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

interface Head {
  q: Float64Array[];
  k: Float64Array[];
  v: Float64Array[];
  /** Probabilities of query i over keys 0..i; zero where hidden. */
  p: Float64Array[];
}

/** Calls `visit` for each sequence and query head, with where its q, k and v heads begin in row t. */
function eachHead(
  qkv: Float64Array,
  options: ReferenceOptions,
  visit: (head: Head, at: (t: number) => { q: number; k: number; v: number; o: number }) => void,
): void {
  const { batch, length, heads, kvHeads, headDim, rope, window } = options;
  const width = (heads + 2 * kvHeads) * headDim;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const shared = Math.floor(h / (heads / kvHeads));
      const at = (t: number) => ({
        q: (b * length + t) * width + h * headDim,
        k: (b * length + t) * width + (heads + shared) * headDim,
        v: (b * length + t) * width + (heads + kvHeads + shared) * headDim,
        o: ((b * length + t) * heads + h) * headDim,
      });
      const positions = Array.from({ length }, (_, t) => t);
      const cut = (t: number, part: "q" | "k" | "v") => qkv.slice(at(t)[part], at(t)[part] + headDim);
      const turn = (x: Float64Array, t: number) => (rope ? turned(x, t, rope.theta) : x);
      const q = positions.map((t) => turn(cut(t, "q"), t));
      const k = positions.map((t) => turn(cut(t, "k"), t));
      const v = positions.map((t) => cut(t, "v"));
      const p = positions.map((i) => {
        const weights = new Float64Array(i + 1);
        for (let j = 0; j <= i; j++) {
          const seen = !window || i - window.size < j || j < window.sink;
          if (seen) weights[j] = Math.exp(dot(q[i], k[j]) / Math.sqrt(headDim));
        }
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return weights.map((weight) => weight / total);
      });
      visit({ q, k, v, p }, at);
    }
  }
}

/** o [B*T, heads*headDim] from unrotated qkv. */
export function referenceAttention(qkv: Float64Array, options: ReferenceOptions): Float64Array {
  const { batch, length, heads, headDim } = options;
  const o = new Float64Array(batch * length * heads * headDim);
  eachHead(qkv, options, ({ v, p }, at) => {
    for (let i = 0; i < length; i++)
      for (let j = 0; j <= i; j++) for (let d = 0; d < headDim; d++) o[at(i).o + d] += p[i][j] * v[j][d];
  });
  return o;
}

/** The gradient of sum(upstream · o) with respect to unrotated qkv. The tests compare it with central differences too. */
export function referenceAttentionGradient(
  qkv: Float64Array,
  upstream: ArrayLike<number>,
  options: ReferenceOptions,
): Float64Array {
  const { length, headDim, rope } = options;
  const gradient = new Float64Array(qkv.length);
  eachHead(qkv, options, ({ q, k, v, p }, at) => {
    const zeros = () => Array.from({ length }, () => new Float64Array(headDim));
    const [dq, dk, dv] = [zeros(), zeros(), zeros()];
    for (let i = 0; i < length; i++) {
      const dO = Float64Array.from({ length: headDim }, (_, d) => upstream[at(i).o + d]);
      const dP = p[i].map((_, j) => dot(dO, v[j]));
      const mean = dot(p[i], dP);
      for (let j = 0; j <= i; j++) {
        const dS = (p[i][j] * (dP[j] - mean)) / Math.sqrt(headDim);
        for (let d = 0; d < headDim; d++) {
          dq[i][d] += dS * k[j][d];
          dk[j][d] += dS * q[i][d];
          dv[j][d] += p[i][j] * dO[d];
        }
      }
    }
    // A rotation's transpose is the rotation by the opposite angle.
    const back = (x: Float64Array, t: number) => (rope ? turned(x, -t, rope.theta) : x);
    for (let t = 0; t < length; t++) {
      const [q, k] = [back(dq[t], t), back(dk[t], t)];
      for (let d = 0; d < headDim; d++) {
        gradient[at(t).q + d] += q[d];
        gradient[at(t).k + d] += k[d];
        gradient[at(t).v + d] += dv[t][d];
      }
    }
  });
  return gradient;
}
