import type { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import { bytesIn, sizeOf, type Tensor, typeOf } from "../gpu/tensor.js";
import { noteProduct, type ProductShape, planProduct, type Tile } from "./matmul-plan.js";
import { type TensorOperand, tensorK, tensorText, tensorTile } from "./matmul-tensor.js";
import { tiledText } from "./matmul-tiled.js";
import { times } from "./scale.js";

/** A matrix inside a tensor: rows `stride` elements apart, beginning `start` elements into it. */
export interface Matrix {
  tensor: Tensor;
  rows: number;
  columns: number;
  stride: number;
  start: number;
}

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
  /** [N], added to each row of the product. */
  bias?: Tensor;
  label?: string;
}

/** Whether rows of `length` elements can be read four at a time. */
const vectors = ({ stride, start, tensor }: Matrix, length: number, count = 4) =>
  stride % count === 0 && start % count === 0 && tensor.offset % count === 0 && length % count === 0;

/** Whether rows of halves can be read eight at a time. */
const eights = (x: Matrix) => typeOf(x.tensor) === "f16" && vectors(x, x.columns, 8);

/** Reads four numbers at a time, whatever their type (src/gpu/half-storage.ts). */
function loader(name: "a" | "b", binding: number, wide: boolean): string {
  const type = wide ? "vec4f" : "f32";
  // `line` runs along the stride, `at` along the row; past either end there are zeros.
  const body = wide
    ? `if (line >= lines || at >= length) { return vec4f(); }
  return ${name}[(p.${name}0 + line * p.ld${name} + at) / 4u];`
    : `var value = vec4f();
  if (line >= lines) { return value; }
  let first = p.${name}0 + line * p.ld${name} + at;
  for (var i = 0u; i < 4u; i++) { if (at + i < length) { value[i] = ${name}[first + i]; } }
  return value;`;
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${type}>;
fn load_${name}4(line: u32, at: u32, lines: u32, length: u32) -> vec4f {
  ${body}
}
`;
}

/** Reads eight halves at a time, as the words that they lie in. */
const halfLoader = (
  name: "a" | "b",
  binding: number,
) => `@group(0) @binding(${binding}) var<storage, read> ${name}: array<vec4u>;
fn load_${name}8(line: u32, at: u32, lines: u32, length: u32) -> vec4u {
  if (line >= lines || at >= length) { return vec4u(); }
  return ${name}[(p.${name}0 + line * p.ld${name} + at) / 8u];
}
`;

/** How a result leaves the kernel. */
interface Finish {
  add: boolean;
  bias: boolean;
  /** WGSL, see `times`. */
  alpha: string;
}

/** The bindings of what is added to a product: d, and the bias after it. */
const additions = ({ add, bias }: Finish, type: string): string =>
  (add ? `@group(0) @binding(4) var<storage, read> d: array<${type}>;\n` : "") +
  (bias ? `@group(0) @binding(${add ? 5 : 4}) var<storage, read> bias: array<${type}>;\n` : "");

function storer(finish: Finish, accumulate: boolean, wide: boolean): string {
  const { add, bias, alpha } = finish;
  const type = wide ? "vec4f" : "f32";
  const index = (base: string, ld: string) => `(${base} + row * p.${ld} + column)`;
  const c = index("c0", "ldc");
  const d = index("p.d0", "ldd");
  const result = (value: string, column: string) => (bias ? `(${value} + bias[${column}])${alpha}` : value + alpha);
  const body = wide
    ? `if (row >= p.m || column >= p.n) { return; }
  c[${c} / 4u] ${accumulate ? "+=" : "="} ${result("value", "column / 4u")}${add ? ` + d[${d} / 4u]` : ""};`
    : `if (row >= p.m) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.n) { c[${c} + i] ${accumulate ? "+=" : "="} ${result("value[i]", "column + i")}${add ? ` + d[${d} + i]` : ""}; }
  }`;
  return `@group(0) @binding(3) var<storage, read_write> c: array<${type}>;
${additions(finish, type)}fn store4(c0: u32, row: u32, column: u32, value: vec4f) {
  ${body}
}
`;
}

/** The same for the kernels of software adapters, as two functions. */
function finisher(finish: Finish): string {
  const { add, bias, alpha } = finish;
  return `${additions(finish, "f32")}fn addend(row: u32, column: u32) -> f32 { return ${add ? "d[p.d0 + row * p.ldd + column]" : "0.0"}; }
fn finished(value: f32, column: u32) -> f32 { return ${bias ? "(value + bias[column])" : "value"}${alpha}; }
`;
}

/** Of a result in f16 that nothing is added to, eight at a time. */
const halfStorer = (alpha: string, even: boolean) => `@group(0) @binding(3) var<storage, read_write> c: array<vec4u>;
fn store8(c0: u32, row: u32, column: u32, low: vec4f, high: vec4f) {
  ${even ? "" : "if (row >= p.m || column >= p.n) { return; }\n  "}c[(c0 + row * p.ldc + column) / 8u] = vec4u(bitcast<vec2u>(vec4<f16>(low${alpha})), bitcast<vec2u>(vec4<f16>(high${alpha})));
}
`;

/** The text of a tensor-core kernel, which reads operands that lie well in f16 eight at a time, and so writes its results. */
function tensorKernel(
  gpu: Gpu,
  form: Tile,
  options: MatmulOptions,
  target: Matrix,
  store: string,
  alpha: string,
): string {
  const { a, b, transposeA = false, transposeB = false, accumulate = false } = options;
  const { matrices, limits } = { matrices: gpu.info.matrices!, limits: gpu.limits };
  const tile = tensorTile(form);
  const [m, k] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  // Operands whose rows are no whole vectors have to be read with care.
  const whole = vectors(a, a.columns) && vectors(b, b.columns);
  const even = whole && m % tile.bm === 0 && target.columns % tile.bn === 0 && k % tensorK === 0;
  const operand = (x: Matrix, transposed: boolean): TensorOperand => ({ transposed, width: eights(x) ? 8 : 4 });
  const read = (name: "a" | "b", binding: number, x: Matrix) => {
    if (even)
      return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${eights(x) ? "vec4u" : "vec4f"}>;\n`;
    return eights(x) ? halfLoader(name, binding) : loader(name, binding, vectors(x, x.columns));
  };
  // Results that nothing is added to leave as they are.
  const plain = !options.add && !options.bias && !accumulate;
  const straight = plain && even && alpha === "" && typeOf(target.tensor) === "f32" && vectors(target, target.columns);
  const leave = straight ? "matrices" : plain && eights(target) ? "eights" : "fours";
  const stored = {
    matrices: "@group(0) @binding(3) var<storage, read_write> c: array<f32>;\n",
    eights: halfStorer(alpha, even),
    fours: store,
  };
  return tensorText({
    ...{ shape: matrices, tile, even, leave, memory: limits.maxComputeWorkgroupStorageSize },
    a: operand(a, transposeA),
    b: operand(b, transposeB),
    access: read("a", 1, a) + read("b", 2, b) + stored[leave],
  });
}

/**
 * Records c = [c +] [d +] alpha · (op(a) · op(b) [+ bias]), with op(a) [M, K] and op(b) [K, N]; deterministic on every adapter.
 * @throws Error when the shapes don't fit, or alpha is not a finite f32.
 */
export function matmul(recorder: Recorder, arena: Arena, options: MatmulOptions): void {
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
  const { kernel, tile, parts, part } = planProduct(recorder.gpu, product);
  const [bm, bn, form = 0] = tile;
  const shape = [m, n, k, a.stride, b.stride, c.stride, add?.stride ?? 0, a.start, b.start, c.start, add?.start ?? 0];
  const constants = { TRANS_A: transposeA, TRANS_B: transposeB };
  const pieces = Math.ceil(m / bm) * Math.ceil(n / bn);
  const inputs = [a.tensor, b.tensor];
  const added = [...(add ? [add.tensor] : []), ...(bias ? [bias] : [])];
  const flops = 2 * m * n * k;
  const operands = [a, b, ...(add ? [add] : [])].map(partOf);
  const result = partOf(c);
  // What a product is added to is read as well.
  const once = bytesIn([...operands, result]) + (accumulate ? bytesIn([result]) : 0);
  if (kernel === "direct" || kernel === "quads") {
    recorder.dispatch({
      kernel: `matmul/${kernel}`,
      constants: { ...constants, ACCUMULATE: accumulate },
      before: finisher(finish),
      bindings: [...inputs, c.tensor, ...added],
      params: shape,
      groups: spread(Math.ceil(pieces / (kernel === "quads" ? 8 : 32))),
      label,
      flops,
      bytes: once,
    });
    return;
  }
  const split = parts > 1;
  const target: Matrix = split
    ? { tensor: arena.alloc([parts, m, n], `${label} parts`), rows: m, columns: n, stride: n, start: 0 }
    : c;
  if (split) {
    shape[5] = n;
    shape[9] = 0;
  }
  const wideC = vectors(target, n) && (!add || vectors(add, n));
  const store = storer(finish, accumulate && !split, wideC);
  const [loadA, loadB] = [loader("a", 1, vectors(a, a.columns)), loader("b", 2, vectors(b, b.columns))];
  recorder.dispatch({
    ...(kernel === "tensor"
      ? { kernel: "matmul/tensor", before: tensorKernel(recorder.gpu, tile, options, target, store, finish.alpha) }
      : {
          kernel: "matmul/tiled",
          before: loadA + loadB + store + tiledText({ bm, bn, transposeA, transposeB, ahead: form === 1 }),
        }),
    bindings: [...inputs, target.tensor, ...added],
    params: [...shape, part, m * n],
    groups: [Math.ceil(n / bn), Math.ceil(m / bm), parts],
    label,
    flops,
    bytes: split ? bytesIn([...operands, target.tensor]) : once,
  });
  if (!split) return;
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
}
