import { type DispatchOptions, spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import { sumSlots } from "./moe-combine.js";
import type { ExpertPlan } from "./moe-plan.js";
import { groupedTensorText } from "./moe-tensor.js";
import { type Rows, rowText, tiled } from "./moe-text.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * y[slot] = x · W_eᵀ for every slot, e the expert of its segment: W [E, N, K], each W_e as PyTorch's Linear keeps it, → [A, N].
 * x has a row for each token, [R, K], of which every slot takes its token's; or one for each slot, [A, K].
 * The gradient of x is summed over a token's assignments in their order; an expert without tokens has a weight gradient of zeros.
 * @throws Error when x or W does not fit the plan.
 */
export function groupedLinear(
  tape: Tape,
  x: Tensor,
  weight: Tensor,
  plan: ExpertPlan,
  rows: Rows,
  label: string,
): Tensor {
  const [experts, n, k] = weight.shape;
  const slots = plan.rows * plan.topK;
  const wanted = rows === "tokens" ? plan.rows : slots;
  if (weight.shape.length !== 3 || experts !== plan.experts || columnsOf(x) !== k || rowsOf(x) !== wanted) {
    throw new Error(
      `Product ${label}: x [${x.shape}] and W [${weight.shape}] do not fit ${wanted} rows and ${plan.experts} experts`,
    );
  }
  const y = tape.alloc([slots, n], label, tape.activations);
  tape.push({
    outputs: [y],
    forward: () => productOfRows(tape, plan, { a: x, b: weight, c: y, n, k, transposed: true, source: rows, label }),
    backward: () => {
      const dy = tape.incoming(y);
      const { gradient, accumulate } = tape.gradientOf(x);
      const product = { a: dy, b: weight, n: k, k: n, transposed: false, label: `${label} dx` };
      if (rows === "slots" || plan.topK === 1) {
        productOfRows(tape, plan, { ...product, c: gradient, target: rows, accumulate });
      } else {
        const parts = tape.arena.alloc([slots, k], `${label} dx by slot`);
        productOfRows(tape, plan, { ...product, c: parts });
        sumSlots(tape, plan, parts, gradient, accumulate, `${label} dx (add assignments)`);
        tape.arena.release(parts);
      }
      const dw = tape.gradientOf(weight);
      productOfWeights(tape, plan, { a: dy, b: x, c: dw.gradient, source: rows, accumulate: dw.accumulate, label });
    },
  });
  return y;
}

interface RowsProduct {
  a: Tensor;
  /** [E, n, k] where `transposed`, else [E, k, n]. */
  b: Tensor;
  c: Tensor;
  /** Columns of c and of a. */
  n: number;
  k: number;
  transposed: boolean;
  /** Which rows a and c have: slots by default. A c of tokens asks for one assignment a token. */
  source?: Rows;
  target?: Rows;
  accumulate?: boolean;
  label: string;
}

function productOfRows(tape: Tape, plan: ExpertPlan, o: RowsProduct): void {
  const { recorder, gpu } = tape;
  const { a, b, c, n, k, transposed, source = "slots", target = "slots", accumulate = false, label } = o;
  const indices = rowText(plan, source, target);
  const order = source === "tokens" || target === "tokens" ? [plan.order] : [];
  const bindings = [a, b, c, plan.lists, ...order];
  // Every assignment is computed once, whichever expert has it.
  const flops = 2 * plan.rows * plan.topK * n * k;
  const constants = { EXPERTS: plan.experts, TRANSPOSED: transposed };
  if (gpu.info.software) {
    recorder.dispatch({
      kernel: "moe/direct-rows",
      constants: { ...constants, ACCUMULATE: accumulate },
      before: indices,
      bindings,
      params: [plan.tiles, n, k],
      groups: spread(Math.ceil((plan.tiles * Math.ceil(n / 4)) / 32)),
      label,
      flops,
    });
    return;
  }
  const bm = plan.height;
  const bn = n >= 96 && plan.tiles * Math.ceil(n / 128) >= 128 ? 128 : 64;
  const groups: DispatchOptions["groups"] = [Math.ceil(n / bn), plan.tiles];
  const operand = tape.operand(b);
  const widths = [n, k];
  const on = { a, b: operand.tensor, widths, bm, bn, accumulate, transposed };
  const tensor = groupedTensorText(gpu, recorder.halves, on);
  if (tensor !== undefined) {
    recorder.dispatch({
      kernel: "moe/tensor",
      constants: { EXPERTS: plan.experts },
      before: indices + tensor,
      bindings: [a, operand.tensor, ...bindings.slice(2)],
      params: [0, 0, n, k, operand.start],
      ...{ groups, label, flops },
      bytes: bytesIn(bindings),
    });
    return;
  }
  const tiling = tiled({ kernel: "moe/tiled-rows", bm, bn, wide: isWide(n, k), accumulate });
  recorder.dispatch({
    kernel: "moe/tiled",
    constants: { ...constants, ...tiling.constants },
    before: indices + tiling.before,
    bindings,
    params: [0, 0, n, k],
    ...{ groups, label, flops },
  });
}

interface WeightsProduct {
  /** [A, M], by slot. */
  a: Tensor;
  /** [A or R, N] */
  b: Tensor;
  /** [E, M, N] */
  c: Tensor;
  source: Rows;
  accumulate: boolean;
  label: string;
}

/** Records c_e (+)= Σ a[slot]ᵀ · b[its row] over the slots of each expert e. */
function productOfWeights({ recorder, arena, gpu }: Tape, plan: ExpertPlan, o: WeightsProduct): void {
  const { a, b, c, source, accumulate } = o;
  const [m, n] = [columnsOf(a), columnsOf(b)];
  const { experts, lists } = plan;
  const indices = rowText(plan, source, "slots");
  const order = source === "tokens" ? [plan.order] : [];
  const label = `${o.label} dW`;
  const flops = 2 * plan.rows * plan.topK * m * n;
  if (gpu.info.software) {
    recorder.dispatch({
      kernel: "moe/direct-weight",
      constants: { EXPERTS: experts, ACCUMULATE: accumulate },
      before: indices,
      bindings: [a, b, c, lists, ...order],
      params: [plan.tiles, m, n],
      groups: spread(Math.ceil((experts * Math.ceil(m / 8) * Math.ceil(n / 4)) / 32)),
      label,
      flops,
    });
    return;
  }
  const [bm, bn] = m >= 96 && n >= 96 ? [128, 128] : [64, 64];
  const across = [Math.ceil(n / bn), Math.ceil(m / bm)];
  // Experts alone keep a GPU busy where their weights are large; small ones are summed by chunks of slots.
  const chunked = across[0] * across[1] * experts < 128;
  const wide = isWide(m, n);
  const adds = accumulate && !chunked;
  const tensor = groupedTensorText(gpu, recorder.halves, { a, b, widths: [m, n], bm, bn, accumulate: adds, chunked });
  const tiling = tensor === undefined && tiled({ kernel: "moe/tiled-weight", bm, bn, wide, accumulate: adds });
  const into = chunked ? arena.alloc([plan.chunks, m, n], `${label} parts`) : c;
  const first = plan.tiles + (chunked ? experts : 0);
  recorder.dispatch({
    ...(tiling
      ? {
          kernel: "moe/tiled",
          constants: { EXPERTS: experts, CHUNKED: chunked, ...tiling.constants },
          before: indices + tiling.before,
          params: [first, m, n, 0],
        }
      : {
          kernel: "moe/tensor",
          constants: { EXPERTS: experts },
          before: indices + tensor,
          params: [first, m, n, 0, 0],
        }),
    bindings: [a, b, into, lists, ...order],
    groups: [across[0], across[1], chunked ? plan.chunks : experts],
    label,
    flops,
  });
  if (!chunked) return;
  const wideSum = isWide(m * n);
  const units = (m * n) / lengthOf(wideSum);
  recorder.dispatch({
    kernel: "moe/chunks",
    constants: { EXPERTS: experts, UNITS: units, ACCUMULATE: accumulate },
    before: vector(wideSum),
    bindings: [into, lists, c],
    params: [plan.tiles, plan.chunk],
    groups: spread(Math.ceil((experts * units) / 256)),
    label: `${label} (add chunks)`,
  });
  arena.release(into);
}
