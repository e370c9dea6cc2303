import type { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { kernels } from "../gpu/kernels.generated.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import { bytesIn, sizeOf, type Tensor, typeOf } from "../gpu/tensor.js";
import {
  eights,
  type Finish,
  finisher,
  halfLoader,
  halfStorer,
  loader,
  type Matrix,
  matrixTarget,
  siluStorer,
  storer,
  vectors,
} from "./matmul-access.js";
import { noteProduct, type ProductPlan, type ProductShape, planProduct } from "./matmul-plan.js";
import { type TensorOperand, tensorK, tensorText, tensorTile } from "./matmul-tensor.js";
import { tiledText, tileK } from "./matmul-tiled.js";
import { times } from "./scale.js";

export type { Matrix } from "./matmul-access.js";

/** The part of its tensor that a matrix is. */
const partOf = ({ tensor: { type }, rows, columns }: Matrix) => ({ shape: [rows, columns], type });

/** A tensor [..., columns] as a matrix; `column` and `width` cut out some of its columns. */
export function matrix(tensor: Tensor, column = 0, width?: number): Matrix {
  const stride = tensor.shape[tensor.shape.length - 1];
  const rows = tensor.shape.slice(0, -1).reduce((product, length) => product * length, 1);
  return { tensor, rows, columns: width ?? stride - column, stride, start: column };
}

export interface MatmulOptions {
  a: Matrix;
  b: Matrix;
  /** Where the result goes. */
  c: Matrix;
  transposeA?: boolean;
  transposeB?: boolean;
  /** Add to what c holds. */
  accumulate?: boolean;
  /** Add this to the product: c = d + a·b. */
  add?: Matrix;
  /** What the product, with its bias, is multiplied by; 1 by default. */
  alpha?: number;
  /** [M, N / 2], gets silu(first half of c) · second half as well, where the kernel can. */
  silu?: Matrix;
  /** [N], added to each row of the product. */
  bias?: Tensor;
  label?: string;
}

/** Whether the kernel of a product writes silu(first half) · second half of its result as well. */
function writesSilu({ kernel, tile, parts }: ProductPlan, options: MatmulOptions): boolean {
  const { a, b, c, silu, transposeA, transposeB, accumulate, add, bias, alpha = 1 } = options;
  if (!silu || kernel !== "tensor" || parts > 1 || add || bias || accumulate || alpha !== 1) return false;
  // Rows of b, which are taken in another order, are the columns of c.
  if (transposeA || !transposeB) return false;
  const { bm, bn, across } = tensorTile(tile);
  const even = a.rows % bm === 0 && c.columns % bn === 0 && a.columns % tensorK === 0;
  const strip = bn / across / 2;
  return even && strip % 8 === 0 && [a, b, c, silu].every((x) => vectors(x, x.columns)) && eights(c) && eights(silu);
}

/** The text of a kernel that goes through workgroup memory. */
function stagedText(
  gpu: Gpu,
  { m, n, k }: ProductShape,
  { kernel, tile }: ProductPlan,
  options: MatmulOptions,
  target: Matrix,
  finish: Finish,
  silu: Matrix | undefined,
): string {
  const { a, b, c, transposeA = false, transposeB = false, accumulate = false, add } = options;
  const [bm, bn, form] = tile;
  const adds = accumulate && target === c;
  const params = kernels["matmul/params"];
  const step = kernel === "tensor" ? tensorK : tileK;
  const wide = vectors(target, n) && (!add || vectors(add, n));
  // Operands whose rows are no whole vectors have to be read with care.
  const whole = wide && vectors(a, a.columns) && vectors(b, b.columns);
  const even = whole && m % bm === 0 && n % bn === 0 && k % step === 0;
  if (kernel === "tiled") {
    const access = loader("a", 1, a, even) + loader("b", 2, b, even) + storer(finish, adds, wide);
    return params + access + tiledText({ bm, bn, transposeA, transposeB, ahead: form === 1, even });
  }
  const operand = (x: Matrix, transposed: boolean): TensorOperand => ({ transposed, width: eights(x) ? 8 : 4 });
  const read = (name: "a" | "b", binding: number, x: Matrix) =>
    eights(x) ? halfLoader(name, binding, even) : loader(name, binding, x, even);
  // Results that nothing is added to leave as they are.
  const plain = !finish.add && !finish.bias && !adds;
  const straight = plain && even && finish.alpha === "" && typeOf(target.tensor) === "f32";
  const leave = straight ? "matrices" : plain && eights(target) ? "eights" : "fours";
  const stored = { matrices: matrixTarget, eights: halfStorer(finish, even), fours: storer(finish, adds, wide) }[leave];
  const text = tensorText({
    shape: gpu.info.matrices!,
    tile: tensorTile(tile),
    a: operand(a, transposeA),
    b: operand(b, transposeB),
    access: read("a", 1, a) + read("b", 2, b) + stored + (silu ? siluStorer : ""),
    ...{ even, leave, half: silu?.columns },
  });
  return params + text;
}

/**
 * Records c = [c +] [d +] alpha · (op(a) · op(b) [+ bias]), with op(a) [M, K] and op(b) [K, N]; deterministic on every adapter.
 * @returns whether it wrote `silu` @throws Error when the shapes don't fit, or alpha is not a finite f32.
 */
export function matmul(recorder: Recorder, arena: Arena, options: MatmulOptions): boolean {
  const { a, b, c, transposeA = false, transposeB = false, accumulate = false } = options;
  const { add, bias, label = "matmul" } = options;
  const [m, k] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [inner, n] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  if (inner !== k || c.rows !== m || c.columns !== n || (add && (add.rows !== m || add.columns !== n))) {
    throw new Error(
      `Product ${label}: [${m}, ${k}] · [${inner}, ${n}] into [${c.rows}, ${c.columns}]${add ? ` plus [${add.rows}, ${add.columns}]` : ""}`,
    );
  }
  if (bias && sizeOf(bias) !== n) throw new Error(`Product ${label}: a bias [${bias.shape}] for ${n} columns`);
  const finish: Finish = { add: add !== undefined, bias: bias !== undefined, alpha: times(options.alpha) };
  const product: ProductShape = {
    ...{ m, n, k, transposeA, transposeB },
    whole: finish.add || finish.bias,
    types: [typeOf(a.tensor), typeOf(b.tensor), typeOf(c.tensor)],
    halves: recorder.halves,
  };
  noteProduct(recorder, product);
  const plan = planProduct(recorder.gpu, product);
  const { kernel, parts, part } = plan;
  const [bm, bn] = plan.tile;
  const silu = writesSilu(plan, options) ? options.silu : undefined;
  const beside = add ?? silu;
  const starts = [a.start, b.start, c.start, beside?.start ?? 0];
  const shape = [m, n, k, a.stride, b.stride, c.stride, beside?.stride ?? 0, ...starts];
  const pieces = Math.ceil(m / bm) * Math.ceil(n / bn);
  const inputs = [a.tensor, b.tensor];
  const added = [...(beside ? [beside.tensor] : []), ...(bias ? [bias] : [])];
  const flops = 2 * m * n * k;
  const operands = [a, b, ...(add ? [add] : [])].map(partOf);
  const result = partOf(c);
  // What a product is added to is read as well.
  const once = bytesIn([...operands, result]) + (accumulate ? bytesIn([result]) : 0);
  if (kernel === "direct" || kernel === "quads") {
    recorder.dispatch({
      kernel: `matmul/${kernel}`,
      constants: { TRANS_A: transposeA, TRANS_B: transposeB, ACCUMULATE: accumulate },
      before: finisher(finish),
      bindings: [...inputs, c.tensor, ...added],
      params: shape,
      groups: spread(Math.ceil(pieces / (kernel === "quads" ? 8 : 32))),
      label,
      flops,
      bytes: once,
    });
    return false;
  }
  const split = parts > 1;
  const target: Matrix = split
    ? { tensor: arena.alloc([parts, m, n], `${label} parts`), rows: m, columns: n, stride: n, start: 0 }
    : c;
  if (split) {
    shape[5] = n;
    shape[9] = 0;
  }
  recorder.dispatch({
    kernel: `matmul/${kernel}`,
    before: stagedText(recorder.gpu, product, plan, options, target, finish, silu),
    bindings: [...inputs, target.tensor, ...added],
    params: [...shape, part, m * n],
    groups: [Math.ceil(n / bn), Math.ceil(m / bm), parts],
    label,
    flops,
    bytes: (split ? bytesIn([...operands, target.tensor]) : once) + (silu ? bytesIn([partOf(silu)]) : 0),
  });
  if (!split) return silu !== undefined;
  recorder.dispatch({
    kernel: "matmul/reduce",
    constants: { ACCUMULATE: accumulate },
    bindings: [target.tensor, c.tensor],
    params: [m, n, c.stride, c.start, parts],
    groups: spread(Math.ceil((m * n) / 64)),
    label: `${label} (add parts)`,
    bytes: bytesIn([target.tensor, result]) + (accumulate ? bytesIn([result]) : 0),
  });
  arena.release(target.tensor);
  return false;
}
