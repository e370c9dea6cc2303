/** Checks of matrix products: a rate of wrong results says nothing. */

/** Products of values k/64 in [-1, 1) are exact in f16 as well as in f32. */
const steps = 64;

/** Multiples of 1/64 in [-1, 1). */
export function randomSteps(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state >>> 25) / steps - 1;
  }
  return values;
}

/**
 * Checks c = a·b, all [n, n], as a whole in O(n²): c·r must equal a·(b·r) for a random r, in float64.
 * One wrong element of c shows, which a few sampled dot products would miss.
 * @returns the largest error of a row, relative to the root mean square of the rows; NaN where c has one
 */
export function productError(a: Float32Array, b: Float32Array, c: Float32Array, n: number): number {
  const r = Float64Array.from(randomSteps(n, 3));
  const expected = timesVector(a, timesVector(b, r, n), n);
  const actual = timesVector(c, r, n);
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    squares += expected[i] ** 2;
  }
  return largest / Math.sqrt(squares / n);
}

function timesVector(m: Float32Array, v: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += m[i * n + j] * v[j];
    out[i] = sum;
  }
  return out;
}
