/** Columns [column, column + width) of rows of `columns`. */
export function sliceColumns(x: Float64Array, columns: number, column: number, width: number): Float64Array {
  const rows = x.length / columns;
  return Float64Array.from(
    { length: rows * width },
    (_, i) => x[Math.floor(i / width) * columns + column + (i % width)],
  );
}

/** Matrices of the given widths side by side. */
export function concatColumns(parts: { values: Float64Array; width: number }[]): Float64Array {
  const rows = parts[0].values.length / parts[0].width;
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const { values, width } of parts) out.push(...values.subarray(row * width, (row + 1) * width));
  }
  return Float64Array.from(out);
}

/** Rows of heads in which each head is `order[h]` of the input's. */
export function orderHeads(v: Float64Array, heads: number, dim: number, order: number[]): Float64Array {
  const rows = v.length / heads / dim;
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const head of order) out.push(...v.subarray((row * heads + head) * dim, (row * heads + head + 1) * dim));
  }
  return Float64Array.from(out);
}
