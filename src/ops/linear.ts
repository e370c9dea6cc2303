import type { Tensor } from "../gpu/tensor.js";
import { type Matrix, matmul, matrix } from "./matmul.js";
import type { Tape } from "./tape.js";

/**
 * y[..., N] = x[..., K] · Wᵀ, with W the rows of `weights` ([N1, K], [N2, K], …) one below the other; plus `residual`
 * [..., N] where given, whose gradient is then that of y, in place: it must have no reader after this.
 * One product where the weights lie side by side in memory (q, k, v; gate, up), else one for each.
 */
export function linear(tape: Tape, x: Tensor, weights: Tensor[], label: string, residual?: Tensor): Tensor {
  const width = weights.reduce((sum, weight) => sum + weight.shape[0], 0);
  const y = tape.alloc([...x.shape.slice(0, -1), width], label);
  const groups = sideBySide(weights);
  let column = 0;
  for (const { weight } of groups) {
    const n = weight.shape[0];
    const add = residual && matrix(residual, column, n);
    const c = matrix(y, column, n);
    matmul(tape.recorder, tape.arena, { a: matrix(x), b: matrix(weight), c, transposeB: true, add, label });
    column += n;
  }
  tape.push({
    outputs: [y],
    backward: () => {
      const dy = tape.incoming(y);
      let column = 0;
      for (const { weight, parts } of groups) {
        const n = weight.shape[0];
        const part: Matrix = matrix(dy, column, n);
        const { gradient, accumulate } = tape.gradientOf(x);
        const c = matrix(gradient);
        matmul(tape.recorder, tape.arena, { a: part, b: matrix(weight), c, accumulate, label: `${label} dx` });
        // Weights that lie side by side have gradients that do, and were written equally often.
        const targets = parts.map((tensor) => tape.gradientOf(tensor));
        const into: Tensor = { ...targets[0].gradient, shape: weight.shape };
        matmul(tape.recorder, tape.arena, {
          a: part,
          b: matrix(x),
          c: matrix(into),
          transposeA: true,
          accumulate: targets[0].accumulate,
          label: `${label} dW`,
        });
        column += n;
      }
      if (residual) tape.passOn(y, residual);
    },
  });
  return y;
}

/** Joins weights that follow one another in one buffer without a gap. */
function sideBySide(weights: Tensor[]): { weight: Tensor; parts: Tensor[] }[] {
  const groups: { weight: Tensor; parts: Tensor[] }[] = [];
  for (const next of weights) {
    const last = groups.at(-1);
    if (last && last.weight.buffer === next.buffer) {
      const [rows, columns] = last.weight.shape;
      if (next.offset === last.weight.offset + rows * columns && next.shape[1] === columns) {
        last.weight = { ...last.weight, shape: [rows + next.shape[0], columns] };
        last.parts.push(next);
        continue;
      }
    }
    groups.push({ weight: next, parts: [next] });
  }
  return groups;
}
