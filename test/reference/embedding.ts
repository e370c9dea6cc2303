/** Rows of a table; float64, the definition. */
export function gather(ids: Uint32Array, table: Float64Array, width: number): Float64Array {
  return Float64Array.from(
    { length: ids.length * width },
    (_, i) => table[ids[Math.floor(i / width)] * width + (i % width)],
  );
}
