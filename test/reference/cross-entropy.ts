/** scale · hidden · tableᵀ of a row; float64. */
function logitsOf(hidden: Float64Array, table: Float64Array, row: number, width: number, scale: number): number[] {
  return Array.from({ length: table.length / width }, (_, id) => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += hidden[row * width + j] * table[id * width + j];
    return scale * sum;
  });
}

/** The id with the largest logit of each row. */
export function likeliest(hidden: ArrayLike<number>, table: ArrayLike<number>, width: number): number[] {
  const [rows, ids] = [Float64Array.from(hidden), Float64Array.from(table)];
  return Array.from({ length: rows.length / width }, (_, row) => {
    const logits = logitsOf(rows, ids, row, width, 1);
    return logits.indexOf(Math.max(...logits));
  });
}

/** 1 where no logit of a row is larger than its target's, 0 elsewhere and where the target is 0xffffffff. */
export function hits(
  hidden: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  width: number,
  scale = 1,
): number[] {
  return Array.from(targets, (target, row) => {
    const logits = logitsOf(hidden, table, row, width, scale);
    return target !== 0xffffffff && logits.every((logit) => logit <= logits[target]) ? 1 : 0;
  });
}

/** -log softmax(scale · hidden · tableᵀ)[target] of each row, 0 where the target is 0xffffffff; float64, the definition. */
export function losses(
  hidden: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  width: number,
  scale = 1,
): Float64Array {
  return Float64Array.from(targets, (target, row) => {
    if (target === 0xffffffff) return 0;
    const logits = logitsOf(hidden, table, row, width, scale);
    const most = logits.reduce((a, b) => Math.max(a, b));
    return most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) - logits[target];
  });
}

/** Their mean over the scored rows. */
export function crossEntropy(
  hidden: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  width: number,
  scale = 1,
): number {
  const scored = targets.filter((target) => target !== 0xffffffff).length;
  return losses(hidden, table, targets, width, scale).reduce((sum, loss) => sum + loss, 0) / scored;
}
