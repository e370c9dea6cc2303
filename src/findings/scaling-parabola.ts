/**
 * Iso-FLOP fits: the loss of models that cost the same training FLOPs, as a parabola in the logarithm of their size (the
 * paper's Tables 14 and 15; Hoffmann et al., arXiv:2203.15556, approach 2).
 */

/** One trained model among those of the same budget. */
interface SizePoint {
  /** Weights. */
  size: number;
  /** Nats a token. */
  loss: number;
}

/** loss = lowest + curvature · (ln size − centre)². Where the curvature is not positive there is no optimum. */
interface Parabola {
  curvature: number;
  /** Logarithm of the size at the vertex. */
  centre: number;
  lowest: number;
}

/** The size with the lowest loss; NaN where the parabola opens downwards or is flat. */
export function optimalSize({ curvature, centre }: Parabola): number {
  return curvature > 0 ? Math.exp(centre) : Number.NaN;
}

/** Whether the optimum lies between the smallest and the largest size: what lies outside is extrapolation. */
export function isBracketed(parabola: Parabola, points: readonly SizePoint[]): boolean {
  const sizes = points.map(({ size }) => size);
  const optimum = optimalSize(parabola);
  return optimum >= Math.min(...sizes) && optimum <= Math.max(...sizes);
}

/** The parabola's loss at a size. */
export function lossAt({ curvature, centre, lowest }: Parabola, size: number): number {
  return lowest + curvature * (Math.log(size) - centre) ** 2;
}

/**
 * Least-squares parabolas, one a group (a budget). With `shared` they have one curvature, so that a group needs two sizes
 * instead of three.
 * @throws Error when a group has fewer sizes than it needs
 */
export function fitParabolas(groups: readonly (readonly SizePoint[])[], shared = false): Parabola[] {
  const parts = groups.map((points) => {
    const distinct = new Set(points.map(({ size }) => size)).size;
    if (distinct < (shared ? 2 : 3))
      throw new Error(`a parabola needs three sizes (two where several share a curvature), got ${distinct}`);
    const x = points.map(({ size }) => Math.log(size));
    const middle = average(x);
    const u = x.map((value) => value - middle);
    const loss = line(
      u,
      points.map((point) => point.loss),
    );
    const square = line(
      u,
      u.map((value) => value * value),
    );
    // What a straight line leaves of the losses, against what it leaves of the squares, is the curvature.
    return { middle, loss, square, top: dot(loss.rest, square.rest), bottom: dot(square.rest, square.rest) };
  });
  const pooled = sum(parts.map(({ top }) => top)) / sum(parts.map(({ bottom }) => bottom));
  return parts.map(({ middle, loss, square, top, bottom }) => {
    const curvature = shared ? pooled : top / bottom;
    const slope = loss.slope - curvature * square.slope;
    const height = loss.height - curvature * square.height;
    const vertex = -slope / (2 * curvature);
    return { curvature, centre: middle + vertex, lowest: height - curvature * vertex ** 2 };
  });
}

/** The points of the `count` neighbouring sizes around the one with the lowest mean loss. */
export function aroundBest<P extends SizePoint>(points: readonly P[], count: number): P[] {
  const sizes = [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);
  const means = sizes.map((size) => average(points.filter((point) => point.size === size).map(({ loss }) => loss)));
  const best = means.indexOf(Math.min(...means));
  // Of an even count one more lies on the side whose next size is the better one.
  const below = (count - 1) / 2;
  const lean = (means[best - 1] ?? Number.POSITIVE_INFINITY) < (means[best + 1] ?? Number.POSITIVE_INFINITY);
  const first = best - (lean ? Math.ceil(below) : Math.floor(below));
  const from = Math.max(0, Math.min(first, sizes.length - count));
  const chosen = sizes.slice(from, from + count);
  return points.filter(({ size }) => chosen.includes(size));
}

/** Slope of ln y against ln x by least squares: the exponent of a power law. NaN for fewer than two different x. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  if (new Set(points.map(([x]) => x)).size < 2) return Number.NaN;
  const x = points.map(([value]) => Math.log(value));
  const middle = average(x);
  return line(
    x.map((value) => value - middle),
    points.map(([, value]) => Math.log(value)),
  ).slope;
}

/** The least-squares line through values over centred positions, and what it leaves. */
function line(u: readonly number[], y: readonly number[]) {
  const height = average(y);
  const slope = dot(u, y) / dot(u, u);
  return { slope, height, rest: y.map((value, i) => value - height - slope * u[i]) };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]) => sum(values) / values.length;
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]));
