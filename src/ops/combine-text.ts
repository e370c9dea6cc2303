// The parts of fusion/combine and fusion/combine-backward that differ from one way of combining to the next, as WGSL.
import { columnsOf, type Tensor } from "../gpu/tensor.js";
import type { Bound } from "./bindings.js";

/** Columns [column, column + width) of a wider tensor, the width being known from elsewhere. */
export interface Columns {
  source: Tensor;
  column: number;
}

/** How the scaled branches are put together; "first" is the first branch alone. */
export type Joining = "add" | "subtract" | "concat" | "first";

/** Where the factors of the branches come from, and how their gradient is summed. */
export interface ScaleForm {
  /** WGSL of the two factors of V number j of a row, from the tensors of `bound`. */
  a: string;
  b: string;
  bound: Bound[];
  /** WGSL of what an element gives to the gradient of a scale; nothing where `sum` is "columns" or there is no scale. */
  slope?: string;
  /** What the gradient of a scale is summed over: nothing, a group of a row's columns, a group of columns, or a column. */
  sum?: "none" | "row" | "group" | "column";
}

/** For both kernels: the branches and their factors. `length` is that of V. */
export function branchText(a: Columns, b: Columns | undefined, form: ScaleForm, length: number): string {
  return `struct Pair { a: V, b: V }
fn load_a(row: u32, j: u32) -> V { return a[${place(a, length)}]; }
fn load_b(row: u32, j: u32) -> V { return ${b ? `${nameOf(a, b)}[${place(b, length)}]` : "V()"}; }
fn scales(row: u32, j: u32) -> Pair { return Pair(${form.a}, ${form.b}); }
`;
}

/** For fusion/combine. */
export function leaveText(joining: Joining): string {
  const text = {
    add: `y[${at}] = a + b;`,
    subtract: `y[${at}] = a - b;`,
    concat: `y[${besides(0)}] = a; y[${besides(1)}] = b;`,
    first: `y[${at}] = a;`,
  }[joining];
  return `fn leave(row: u32, j: u32, a: V, b: V) { ${text} }\n`;
}

export interface BackwardForm {
  joining: Joining;
  /** Whether the gradients of the branches, and of scales that are not summed over rows, are added to. */
  add: { a: boolean; b: boolean; scale: boolean };
}

/** For fusion/combine-backward. */
export function backwardText(
  a: Columns,
  b: Columns | undefined,
  form: ScaleForm,
  { joining, add }: BackwardForm,
  length: number,
): string {
  const arrive = {
    add: `Pair(dy[${at}], dy[${at}])`,
    subtract: `Pair(dy[${at}], -dy[${at}])`,
    concat: `Pair(dy[${besides(0)}], dy[${besides(1)}])`,
    first: `Pair(dy[${at}], V())`,
  }[joining];
  const assign = (to: string, adding: boolean, value: string) => `${to} ${adding ? "+=" : "="} ${value};`;
  const keep = form.sum === "none" ? assign(`kept[${at}]`, add.scale, "v") : "";
  const put = form.sum === "row" || form.sum === "group" ? assign("kept[i]", form.sum === "row" && add.scale, "v") : "";
  const give = form.sum === "column" ? `kept[i] = v.a; ${b ? "kept[p.second + i] = v.b;" : ""}` : "";
  const storeB = b ? assign(`d${nameOf(a, b)}[${place(b, length)}]`, add.b, "v") : "";
  return `fn arrive(row: u32, j: u32) -> Pair { return ${arrive}; }
fn slope(s: Pair, d: Pair, a: V, b: V) -> V { return ${form.slope ?? "V()"}; }
fn store_a(row: u32, j: u32, v: V) { ${assign(`da[${place(a, length)}]`, add.a, "v")} }
fn store_b(row: u32, j: u32, v: V) { ${storeB} }
fn keep(row: u32, j: u32, v: V) { ${keep} }
fn put(i: u32, v: f32) { ${put} }
fn give(i: u32, v: Pair) { ${give} }
`;
}

/** Both branches may be columns of one tensor, which then is bound once. */
const nameOf = (a: Columns, b: Columns) => (a.source === b.source ? "a" : "b");

const place = ({ source, column }: Columns, length: number) =>
  `row * ${columnsOf(source) / length}u + ${column / length}u + j`;
const at = "row * (GROUPS * UNITS) + j";
const besides = (half: 0 | 1) => `(2u * row + ${half}u) * (GROUPS * UNITS) + j`;
