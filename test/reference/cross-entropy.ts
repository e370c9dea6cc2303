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
    const logits = Array.from({ length: table.length / width }, (_, id) => {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += hidden[row * width + j] * table[id * width + j];
      return scale * sum;
    });
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
