/** The parametric scaling law L = E + A / N^α + B / D^β (Hoffmann et al., arXiv:2203.15556, approach 3), by least squares. */

export interface LawPoint {
  /** Weights, N. */
  size: number;
  /** Training tokens, D. */
  tokens: number;
  /** Nats a token. */
  loss: number;
}

export interface ScalingLaw {
  /** Loss without end, E, and the losses that size and data add at their units. */
  floor: number;
  ofSize: number;
  ofTokens: number;
  alpha: number;
  beta: number;
  /** N and D are counted in these: the geometric means of the points. */
  units: { size: number; tokens: number };
}

/** Where the search for (α, β) begins when nothing is known: near the 0.34 and 0.28 of Hoffmann et al., and steeper. */
const starts = [
  [0.3, 0.3],
  [0.6, 0.6],
  [0.3, 0.9],
  [0.9, 0.3],
] as const;
/** The fewest points that the law is fitted to: it has five parameters. */
export const leastPoints = 6;
const narrowest = 1e-3;
const bounds = { low: 0.02, high: 3 };

/**
 * The law with the smallest squared error: for each (α, β) the rest is linear, and (α, β) are found by halving steps.
 * @param near where to begin, such as the fit of nearly the same points
 * @throws Error for fewer than `leastPoints`
 */
export function fitLaw(points: readonly LawPoint[], near?: ScalingLaw): ScalingLaw {
  if (points.length < leastPoints) throw new Error(`the scaling law needs ${leastPoints} points, got ${points.length}`);
  const geometric = (values: number[]) => Math.exp(values.reduce((s, v) => s + Math.log(v), 0) / values.length);
  const units = { size: geometric(points.map((p) => p.size)), tokens: geometric(points.map((p) => p.tokens)) };
  const x = points.map(({ size }) => Math.log(size / units.size));
  const t = points.map(({ tokens }) => Math.log(tokens / units.tokens));
  const y = points.map(({ loss }) => loss);
  const at = (alpha: number, beta: number) =>
    linearPart(
      x.map((v) => Math.exp(-alpha * v)),
      t.map((v) => Math.exp(-beta * v)),
      y,
    );
  const found = near
    ? [search(at, near.alpha, near.beta, 0.02)]
    : starts.map(([alpha, beta]) => search(at, alpha, beta, 0.1));
  const { alpha, beta, fit } = found.reduce((best, other) => (other.fit.error < best.fit.error ? other : best));
  const [floor, ofSize, ofTokens] = fit.values;
  return { floor, ofSize, ofTokens, alpha, beta, units };
}

type Linear = { values: number[]; error: number };

function search(at: (alpha: number, beta: number) => Linear, alpha: number, beta: number, first: number) {
  let fit = at(alpha, beta);
  for (let step = first; step > narrowest; ) {
    const moves = [
      [step, 0],
      [-step, 0],
      [0, step],
      [0, -step],
      [step, -step],
      [-step, step],
    ];
    let moved = false;
    for (const [da, db] of moves) {
      const [a, b] = [alpha + da, beta + db];
      if (Math.min(a, b) < bounds.low || Math.max(a, b) > bounds.high) continue;
      const tried = at(a, b);
      if (!(tried.error < fit.error)) continue;
      [alpha, beta, fit, moved] = [a, b, tried, true];
      break;
    }
    if (!moved) step /= 2;
  }
  return { alpha, beta, fit };
}

/** y ≈ E + A u + B v by the normal equations of the centred columns. */
function linearPart(u: readonly number[], v: readonly number[], y: readonly number[]): Linear {
  const n = y.length;
  let [mu, mv, my] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    mu += u[i] / n;
    mv += v[i] / n;
    my += y[i] / n;
  }
  let [uu, uv, vv, uy, vy] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [a, b, c] = [u[i] - mu, v[i] - mv, y[i] - my];
    uu += a * a;
    uv += a * b;
    vv += b * b;
    uy += a * c;
    vy += b * c;
  }
  const determinant = uu * vv - uv * uv;
  const [ofU, ofV] = [(uy * vv - vy * uv) / determinant, (vy * uu - uy * uv) / determinant];
  const floor = my - ofU * mu - ofV * mv;
  let error = 0;
  for (let i = 0; i < n; i++) error += (y[i] - floor - ofU * u[i] - ofV * v[i]) ** 2;
  return { values: [floor, ofU, ofV], error: Number.isFinite(error) ? error : Number.POSITIVE_INFINITY };
}

/** The law's loss for a size and a number of tokens. */
export function lawLoss(
  { floor, ofSize, ofTokens, alpha, beta, units }: ScalingLaw,
  size: number,
  tokens: number,
): number {
  return floor + ofSize * (size / units.size) ** -alpha + ofTokens * (tokens / units.tokens) ** -beta;
}

/**
 * The size with the lowest loss by the law, to 0.1 %; NaN where the loss falls to the end of the range.
 * @param tokensFor what the budget buys for a model of that size
 * @param range sizes to search, the smallest and the largest
 */
export function lawOptimum(
  law: ScalingLaw,
  tokensFor: (size: number) => number,
  range: readonly [number, number],
): number {
  const loss = (x: number) => lawLoss(law, Math.exp(x), tokensFor(Math.exp(x)));
  const [from, to] = range.map(Math.log);
  const count = 24;
  const grid = Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
  const losses = grid.map(loss);
  const best = losses.indexOf(Math.min(...losses));
  if (best <= 0 || best === count) return Number.NaN;
  // Golden section between the neighbours.
  let [low, high] = [grid[best - 1], grid[best + 1]];
  const golden = (Math.sqrt(5) - 1) / 2;
  while (high - low > 1e-3) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)];
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}
