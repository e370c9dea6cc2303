const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export interface Scales {
  vector?: { a: Float64Array; b: Float64Array };
  lambda?: Float64Array;
  gate?: Float64Array;
  /** Logits of α for `groups` groups of columns, for each row or for all. */
  alpha?: { logits: Float64Array; groups: number; perToken: boolean };
}

/** The factors of element (row, j) of the branches. */
function factors(scales: Scales, row: number, j: number, width: number): [number, number] {
  if (scales.vector) return [scales.vector.a[j], scales.vector.b[j]];
  if (scales.lambda) return [1, scales.lambda[0]];
  let logit = 0;
  if (scales.gate) logit = scales.gate[row * width + j];
  else if (scales.alpha) {
    const { logits, groups, perToken } = scales.alpha;
    logit = logits[(perToken ? row * groups : 0) + Math.floor((j * groups) / width)];
  } else return [1, 1];
  return [sigmoid(logit), 1 - sigmoid(logit)];
}

/** p · a ⊕ q · b for rows of `width`. */
export function combine(
  a: Float64Array,
  b: Float64Array,
  o: { width: number; fusion: "add" | "subtract" | "concat"; scales: Scales },
): Float64Array {
  const out = new Float64Array(o.fusion === "concat" ? 2 * a.length : a.length);
  for (let i = 0; i < a.length; i++) {
    const [row, j] = [Math.floor(i / o.width), i % o.width];
    const [p, q] = factors(o.scales, row, j, o.width);
    if (o.fusion === "concat") {
      out[2 * row * o.width + j] = p * a[i];
      out[(2 * row + 1) * o.width + j] = q * b[i];
    } else out[i] = o.fusion === "add" ? p * a[i] + q * b[i] : p * a[i] - q * b[i];
  }
  return out;
}
