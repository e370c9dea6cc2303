import type { Gpu } from "../gpu/gpu.js";
import { type Tensor, typeOf } from "../gpu/tensor.js";
import { fitsTensorKernel, type TensorOperand, tensorText, tensorTile, tensorTiles } from "./matmul-tensor.js";

/** Which of the products of experts: rows by expert, or the gradients of the experts' weights. */
interface GroupedProduct {
  a: Tensor;
  b: Tensor;
  /** Columns of rows of a, b and c: whole vec4s, or there is no such kernel. */
  widths: readonly number[];
  bm: number;
  bn: number;
  accumulate: boolean;
  /** Of a product of rows: whether w[e] is [N, K]. Undefined for gradients of weights. */
  transposed?: boolean;
  /** Of gradients of weights: by chunks rather than by experts. */
  chunked?: boolean;
}

/**
 * The text of a product of experts on tensor cores, after that of `rowText`; undefined where there are none for it. `a` and `b` are at
 * bindings 1 and 2, the result at 3, and what is computed is that of kernels/moe/tiled-rows or tiled-weight.
 */
export function groupedTensorText(gpu: Gpu, halves: boolean, product: GroupedProduct): string | undefined {
  const { matrices } = gpu.info;
  const memory = gpu.limits.maxComputeWorkgroupStorageSize;
  const { a, b, widths, bm, bn, transposed } = product;
  if (!halves || !matrices || !fitsTensorKernel(matrices, memory) || widths.some((width) => width % 4))
    return undefined;
  if (!tensorTiles(bm, bn, matrices).some(([height, width]) => height === bm && width === bn)) return undefined;
  const eights = widths.every((width) => width % 8 === 0);
  const operand = (x: Tensor, turned: boolean): TensorOperand => ({
    transposed: turned,
    width: eights && typeOf(x) === "f16" ? 8 : 4,
  });
  const ofWeights = transposed === undefined;
  const left = operand(a, ofWeights);
  const right = operand(b, transposed === true);
  const access =
    loader("a", 1, left.width, ofWeights ? "line * p.m" : "source(line) * p.k") +
    loader("b", 2, right.width, ofWeights ? "source(line) * p.n" : `b_first + line * ${transposed ? "p.k" : "p.n"}`) +
    storer(product);
  const begin = ofWeights ? weightTile(product) : rowTile(product);
  return tensorText({
    shape: matrices,
    tile: tensorTile([bm, bn]),
    a: left,
    b: right,
    access,
    leave: "fours",
    begin,
  });
}

/** The tile of list entry workgroup.y: slots of one expert. */
const rowTile = ({ bn }: GroupedProduct) => `let tile = tiles[group.y];
  if (tile.x >= EXPERTS) { return; }
  b_first = p.b0 + tile.x * p.n * p.k;
  let row0 = tile.y;
  let row_end = tile.z;
  last_row = row_end;
  let column0 = group.x * ${bn}u;
  let column_end = p.n;
  let k_begin = 0u;
  let k_end = p.k;
  let c0 = 0u;`;

/** A tile of the sum over the slots of list entry p.first + workgroup.z. */
const weightTile = ({ bm, bn, chunked }: GroupedProduct) => `let tile = tiles[p.first + group.z];
  if (tile.x >= EXPERTS) { return; }
  let row0 = group.y * ${bm}u;
  let row_end = p.m;
  last_row = row_end;
  let column0 = group.x * ${bn}u;
  let column_end = p.n;
  let k_begin = tile.y;
  let k_end = tile.z;
  let c0 = ${chunked ? "group.z" : "tile.x"} * p.m * p.n;`;

function loader(name: "a" | "b", binding: number, width: 4 | 8, first: string): string {
  const type = width === 8 ? "vec4u" : "vec4f";
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${type}>;
${name === "b" ? "var<private> b_first: u32;\n" : ""}fn load_${name}${width}(line: u32, at: u32, lines: u32, length: u32) -> ${type} {
  if (line >= lines || at >= length) { return ${type}(); }
  return ${name}[(${first} + at) / ${width}u];
}
`;
}

const storer = ({
  transposed,
  accumulate,
}: GroupedProduct) => `@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;
var<private> last_row: u32;
fn store4(c0: u32, row: u32, column: u32, value: vec4f) {
  if (row >= last_row || column >= p.n) { return; }
  c[(c0 + ${transposed === undefined ? "row" : "target_row(row)"} * p.n + column) / 4u] ${accumulate ? "+=" : "="} value;
}
`;
