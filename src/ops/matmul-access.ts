// How the operands of a product are read from their tensors, and its result written, as WGSL: the bindings of the matmul kernels and
// their functions over them.
import { type Tensor, typeOf } from "../gpu/tensor.js";
import { vector } from "./vector.js";

/** A matrix inside a tensor: rows `stride` elements apart, beginning `start` elements into it. */
export interface Matrix {
  tensor: Tensor;
  rows: number;
  columns: number;
  stride: number;
  start: number;
}

/** Where a workgroup's tile, and its part of K, begin and end in a product, by kernels/matmul/params.wgsl. */
export const tileBounds = (bm: number, bn: number) => `let row0 = group.y * ${bm}u;
  let row_end = p.m;
  let column0 = group.x * ${bn}u;
  let column_end = p.n;
  let k_begin = group.z * p.part;
  let k_end = min(p.k, k_begin + p.part);
  let c0 = p.c0 + group.z * p.stride;`;

/** Whether rows of `length` elements can be read four at a time. */
export const vectors = ({ stride, start, tensor }: Matrix, length: number, count = 4) =>
  stride % count === 0 && start % count === 0 && tensor.offset % count === 0 && length % count === 0;

/** Whether rows of halves can be read eight at a time. */
export const eights = (x: Matrix) => typeOf(x.tensor) === "f16" && vectors(x, x.columns, 8);

/** Reads four numbers at a time, whatever their type (src/gpu/half-storage.ts); of an even product only the binding, read in place. */
export function loader(name: "a" | "b", binding: number, x: Matrix, even: boolean): string {
  const wide = vectors(x, x.columns);
  const type = wide ? "vec4f" : "f32";
  const declared = `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${type}>;\n`;
  if (even) return declared;
  // `line` runs along the stride, `at` along the row; past either end there are zeros.
  const body = wide
    ? `if (line >= lines || at >= length) { return vec4f(); }
  return ${name}[(p.${name}0 + line * p.ld${name} + at) / 4u];`
    : `var value = vec4f();
  if (line >= lines) { return value; }
  let first = p.${name}0 + line * p.ld${name} + at;
  for (var i = 0u; i < 4u; i++) { if (at + i < length) { value[i] = ${name}[first + i]; } }
  return value;`;
  return `${declared}fn load_${name}4(line: u32, at: u32, lines: u32, length: u32) -> vec4f {
  ${body}
}
`;
}

/** Reads eight halves at a time, as the words that they lie in. */
export function halfLoader(name: "a" | "b", binding: number, even: boolean): string {
  const declared = `@group(0) @binding(${binding}) var<storage, read> ${name}: array<vec4u>;\n`;
  if (even) return declared;
  return `${declared}fn load_${name}8(line: u32, at: u32, lines: u32, length: u32) -> vec4u {
  if (line >= lines || at >= length) { return vec4u(); }
  return ${name}[(p.${name}0 + line * p.ld${name} + at) / 8u];
}
`;
}

/** How a result leaves the kernel. */
export interface Finish {
  add: boolean;
  bias: boolean;
  /** WGSL, see `times`. */
  alpha: string;
}

/** The bindings of what is added to a product: d, and the bias after it. */
const additions = ({ add, bias }: Finish, type: string): string =>
  (add ? `@group(0) @binding(4) var<storage, read> d: array<${type}>;\n` : "") +
  (bias ? `@group(0) @binding(${add ? 5 : 4}) var<storage, read> bias: array<${type}>;\n` : "");

export function storer(finish: Finish, accumulate: boolean, wide: boolean): string {
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
export function finisher(finish: Finish): string {
  const { add, bias, alpha } = finish;
  return `${additions(finish, "f32")}fn addend(row: u32, column: u32) -> f32 { return ${add ? "d[p.d0 + row * p.ldd + column]" : "0.0"}; }
fn finished(value: f32, column: u32) -> f32 { return ${bias ? "(value + bias[column])" : "value"}${alpha}; }
`;
}

/** Of a result in f16 that nothing is added to, eight at a time. */
export const halfStorer = (
  { alpha }: Finish,
  even: boolean,
) => `@group(0) @binding(3) var<storage, read_write> c: array<vec4u>;
fn store8(c0: u32, row: u32, column: u32, low: vec4f, high: vec4f) {
  ${even ? "" : "if (row >= p.m || column >= p.n) { return; }\n  "}c[(c0 + row * p.ldc + column) / 8u] = vec4u(bitcast<vec2u>(vec4<f16>(low${alpha})), bitcast<vec2u>(vec4<f16>(high${alpha})));
}
`;

/**
 * silu(gate) · up of eight halves each as they were stored, the same bits as kernels/ffn/activation makes of them. A driver leaves out a
 * conversion to f16 and back, but no quantizeToF16; which may make zeros of what is below f16's smallest normal number.
 */
export const siluStorer = `@group(0) @binding(4) var<storage, read_write> gated: array<vec4u>;
${vector(true)}fn stored(value: vec4f) -> vec4f {
  let tiny = round(value * 16777216.0) / 16777216.0;
  return select(quantizeToF16(value), tiny, abs(value) < vec4f(6.103515625e-5));
}
fn silu_up(gate: vec4f, up: vec4f) -> vec2u {
  let z = stored(gate);
  return bitcast<vec2u>(vec4<f16>(z * sigmoid(z) * stored(up)));
}
fn store_gated(row: u32, column: u32, gate0: vec4f, gate1: vec4f, up0: vec4f, up1: vec4f) {
  gated[(p.d0 + row * p.ldd + column) / 8u] = vec4u(silu_up(gate0, up0), silu_up(gate1, up1));
}
`;

/** Of a result in f32 that nothing is added to, for matrices of it to be stored in. */
export const matrixTarget = "@group(0) @binding(3) var<storage, read_write> c: array<f32>;\n";
