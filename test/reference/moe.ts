/** A mixture of experts in float64, token by token, as the papers define it. */

export interface RouteShape {
  experts: number;
  topK: number;
  score: "sigmoid" | "softmax" | "softmax-topk";
  normalise: boolean;
  scale: number;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

function softmax(values: number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The indices of the `count` largest values, largest first; of equals the lower index. */
const largest = (values: number[], count: number) =>
  values
    .map((_, index) => index)
    .sort((a, b) => values[b] - values[a] || a - b)
    .slice(0, count);

/** logits [R, E], bias [E] or none → the K experts of each row, and their weights. */
export function route(logits: Float64Array, bias: Float64Array | undefined, o: RouteShape) {
  const rows = logits.length / o.experts;
  const choice: number[] = [];
  const weight: number[] = [];
  const entropies: number[] = [];
  for (let row = 0; row < rows; row++) {
    const z = Array.from(logits.subarray(row * o.experts, (row + 1) * o.experts));
    const scores = o.score === "sigmoid" ? z.map(sigmoid) : o.score === "softmax" ? softmax(z) : z;
    const chosen = largest(
      scores.map((score, e) => score + (bias ? bias[e] : 0)),
      o.topK,
    );
    let weights = o.score === "softmax-topk" ? softmax(chosen.map((e) => z[e])) : chosen.map((e) => scores[e]);
    const sum = weights.reduce((a, b) => a + b, 0);
    if (o.normalise) weights = weights.map((value) => value / sum);
    choice.push(...chosen);
    weight.push(...weights.map((value) => value * o.scale));
    const all = o.score === "sigmoid" ? scores : softmax(z);
    const total = all.reduce((a, b) => a + b, 0);
    entropies.push(-all.reduce((h, value) => h + (value / total) * Math.log(value / total), 0));
  }
  return { choice, weight, entropy: entropies.reduce((a, b) => a + b, 0) / rows };
}

/** Assignments sorted by expert, in their order within one. */
export const sorted = (choice: ArrayLike<number>): number[] =>
  Array.from(choice, (_, index) => index).sort((a, b) => choice[a] - choice[b] || a - b);

/** W [.., N, K] from `start` on, times x[at ..]. */
export function times(
  w: Float64Array,
  start: number,
  n: number,
  k: number,
  x: ArrayLike<number>,
  at: number,
): number[] {
  const y: number[] = [];
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += w[start + i * k + j] * x[at + j];
    y.push(sum);
  }
  return y;
}

/** y[slot] = W_e · x, in the order of `sorted`; x by token, or by slot. */
export function groupedLinear(
  x: Float64Array,
  w: Float64Array,
  choice: ArrayLike<number>,
  o: { n: number; k: number; topK: number; rows: "tokens" | "slots" },
): Float64Array {
  const order = sorted(choice);
  return Float64Array.from(
    order.flatMap((assignment, slot) => {
      const row = o.rows === "tokens" ? Math.floor(assignment / o.topK) : slot;
      return times(w, choice[assignment] * o.n * o.k, o.n, o.k, x, row * o.k);
    }),
  );
}

/** out[token] = Σ weight · y[slot of the assignment] + residual. */
export function combine(
  y: Float64Array,
  weight: ArrayLike<number>,
  choice: ArrayLike<number>,
  width: number,
  topK: number,
  residual?: Float64Array,
): Float64Array {
  const out = residual ? residual.slice() : new Float64Array((choice.length / topK) * width);
  sorted(choice).forEach((assignment, slot) => {
    const token = Math.floor(assignment / topK);
    for (let j = 0; j < width; j++) out[token * width + j] += weight[assignment] * y[slot * width + j];
  });
  return out;
}

const activations = { silu: (z: number) => z * sigmoid(z), relu2: (z: number) => Math.max(z, 0) ** 2 };

export interface MoeShape extends RouteShape {
  width: number;
  inner: number;
  activation: "silu" | "relu2";
  /** Inner width of the shared expert, 0 for none. */
  shared: number;
}

/** The whole layer on x [R, d]; silu experts are gated: in [E, 2F, d]; relu2 ones are not: in [E, F, d]. */
export function mixture(
  t: Record<"x" | "router" | "in" | "down" | "sharedIn" | "sharedDown", Float64Array> & { bias?: Float64Array },
  o: MoeShape,
): Float64Array {
  const rows = t.x.length / o.width;
  const act = activations[o.activation];
  const gated = o.activation === "silu";
  const ffn = (w: Float64Array, down: Float64Array, e: number, inner: number, at: number): number[] => {
    const lines = gated ? 2 * inner : inner;
    const z = times(w, e * lines * o.width, lines, o.width, t.x, at);
    const h = Array.from({ length: inner }, (_, i) => act(z[i]) * (gated ? z[inner + i] : 1));
    return times(down, e * o.width * inner, o.width, inner, h, 0);
  };
  const logits = Float64Array.from({ length: rows * o.experts });
  for (let row = 0; row < rows; row++) {
    logits.set(times(t.router, 0, o.experts, o.width, t.x, row * o.width), row * o.experts);
  }
  const { choice, weight } = route(logits, t.bias, o);
  const out = new Float64Array(rows * o.width);
  for (let row = 0; row < rows; row++) {
    const add = (values: number[], factor: number) =>
      values.forEach((value, j) => {
        out[row * o.width + j] += factor * value;
      });
    for (let k = 0; k < o.topK; k++) {
      const assignment = row * o.topK + k;
      add(ffn(t.in, t.down, choice[assignment], o.inner, row * o.width), weight[assignment]);
    }
    if (o.shared) add(ffn(t.sharedIn, t.sharedDown, 0, o.shared, row * o.width), 1);
  }
  return out;
}
