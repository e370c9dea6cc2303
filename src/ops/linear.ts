import { bytesIn, type ElementType, rowsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { type Matrix, matmul, matrix } from "./matmul.js";
import { addPartials } from "./partials.js";
import { times } from "./scale.js";
import type { Tape } from "./tape.js";

export interface LinearOptions {
  /** Multiplies the projection, bias included, before the residual is added; 1 by default. */
  scale?: number;
  /** One [N] for each weight. */
  bias?: Tensor[];
  /** Whether the result is only added to, as the `residual` of another projection: then nothing has to be kept of it. */
  unread?: boolean;
  /** [..., N / 2], gets silu(first half of y) · second half as well, the first time, where the kernel can; then `onMade` is called. */
  silu?: { into: Tensor; onMade: () => void };
  /** What y is kept as, where there is no residual, whose type it takes: by default as activations are. */
  type?: ElementType;
}

/**
 * y[..., N] = scale · (x[..., K] · Wᵀ + bias), with W the rows of `weights` ([N1, K], [N2, K], …) one below the other; plus
 * `residual` [..., N] where given, whose gradient is then that of y, in place: it must have no reader after this.
 * One product where the weights (and biases) lie side by side in memory (q, k, v; gate, up), else one for each.
 * @throws Error when shapes don't fit, or the scale is not a finite f32.
 */
export function linear(
  tape: Tape,
  x: Tensor,
  weights: Tensor[],
  label: string,
  residual?: Tensor,
  { scale: alpha = 1, bias, unread, silu, type = tape.activations }: LinearOptions = {},
): Tensor {
  if (bias && bias.length !== weights.length) {
    throw new Error(`Projection ${label}: ${bias.length} biases for ${weights.length} weights`);
  }
  const width = weights.reduce((sum, weight) => sum + weight.shape[0], 0);
  const y = tape.alloc([...x.shape.slice(0, -1), width], label, residual ? residual.type : type);
  const groups = sideBySide(weights, bias);
  // Again in the backward pass, it is another operation's.
  let also = groups.length === 1 ? silu : undefined;
  tape.push({
    outputs: [y],
    unread,
    forward: () => {
      let column = 0;
      for (const { weight, bias } of groups) {
        const n = weight.shape[0];
        const add = residual && matrix(residual, column, n);
        const c = matrix(y, column, n);
        const b = tape.operand(weight);
        const product = { a: matrix(x), b, c, transposeB: true, add, alpha, bias, label };
        if (matmul(tape.recorder, tape.arena, { ...product, silu: also && matrix(also.into) })) also?.onMade();
        column += n;
      }
      also = undefined;
    },
    backward: () => {
      const dy = tape.incoming(y);
      let column = 0;
      for (const { weight, weightParts, biasParts } of groups) {
        const n = weight.shape[0];
        const part: Matrix = matrix(dy, column, n);
        const { gradient, accumulate } = tape.gradientOf(x);
        const c = matrix(gradient);
        const b = tape.operand(weight);
        const dx = { a: part, b, c, accumulate, alpha, label: `${label} dx` } as const;
        matmul(tape.recorder, tape.arena, dx);
        for (const target of gradientsOf(tape, weightParts)) {
          const c = matrix(target.gradient);
          matmul(tape.recorder, tape.arena, {
            a: matrix(dy, column + target.first, c.rows),
            b: matrix(x),
            c,
            transposeA: true,
            accumulate: target.accumulate,
            alpha,
            label: `${label} dW`,
          });
        }
        for (const target of gradientsOf(tape, biasParts)) {
          const own = matrix(dy, column + target.first, target.gradient.shape[0]);
          addColumns(tape, own, target, alpha, `${label} db`);
        }
        column += n;
      }
      if (residual) tape.passOn(y, residual);
    },
  });
  return y;
}

interface Target {
  /** Its first column of dy, counted from the first of the parts. */
  first: number;
  gradient: Tensor;
  accumulate: boolean;
}

/** The gradients of parameters that lie side by side, joined where they lie so themselves, as those of a model's weights do. */
function gradientsOf(tape: Tape, parts: readonly Tensor[]): Target[] {
  const targets: Target[] = [];
  let first = 0;
  for (const part of parts) {
    const { gradient, accumulate } = tape.gradientOf(part);
    const last = targets.at(-1);
    if (last && last.accumulate === accumulate && follows(last.gradient, gradient)) {
      last.gradient = joined(last.gradient, gradient);
    } else targets.push({ first, gradient, accumulate });
    first += part.shape[0];
  }
  return targets;
}

/** into (+)= alpha · the sums of the columns of x, in two stages and a fixed order. */
function addColumns(tape: Tape, x: Matrix, into: Target, alpha: number, label: string): void {
  const { recorder, arena, gpu } = tape;
  const across = Math.ceil(x.columns / 64);
  // About a thousand workgroups keep the memory of a GPU busy; in software a few are enough for its cores.
  const wanted = Math.ceil((gpu.info.software ? 8 : 1024) / across);
  const rows = Math.max(32, Math.ceil(x.rows / wanted));
  const partial = arena.alloc([Math.ceil(x.rows / rows), x.columns], `${label} parts`);
  recorder.dispatch({
    kernel: "matmul/columns",
    before: `fn finished(sum: f32) -> f32 { return sum${times(alpha)}; }\n`,
    bindings: [x.tensor, partial],
    params: [x.rows, x.columns, x.stride, x.start, rows],
    groups: [across, rowsOf(partial)],
    label,
    bytes: bytesIn([{ shape: [x.rows, x.columns], type: x.tensor.type }, partial]),
  });
  addPartials(recorder, partial, into.gradient, into.accumulate, label);
  arena.release(partial);
}

/** Parameters of one product: one after another in memory. */
interface Joined {
  weight: Tensor;
  weightParts: Tensor[];
  bias?: Tensor;
  biasParts: Tensor[];
}

/** Joins weights that follow one another in one buffer without a gap, where their biases do too. */
function sideBySide(weights: Tensor[], biases?: Tensor[]): Joined[] {
  const groups: Joined[] = [];
  weights.forEach((weight, index) => {
    const bias = biases?.[index];
    const biasParts = bias ? [bias] : [];
    const last = groups.at(-1);
    if (last && follows(last.weight, weight) && (!last.bias || !bias || follows(last.bias, bias))) {
      last.weight = joined(last.weight, weight);
      last.weightParts.push(weight);
      last.bias = last.bias && bias && joined(last.bias, bias);
      last.biasParts.push(...biasParts);
    } else groups.push({ weight, weightParts: [weight], bias, biasParts });
  });
  return groups;
}

const follows = (last: Tensor, next: Tensor): boolean =>
  last.buffer === next.buffer &&
  next.offset === last.offset + sizeOf(last) &&
  next.shape.slice(1).every((length, index) => length === last.shape[index + 1]);

const joined = (last: Tensor, next: Tensor): Tensor => ({
  ...last,
  shape: [last.shape[0] + next.shape[0], ...last.shape.slice(1)],
});
