// WGSL that the products of experts (src/ops/moe-matmul.ts) put in front of their kernels: how rows are found, and for the tiled
// kernels the bindings of the matrices and the written-out main function.
import type { KernelConstants } from "../gpu/gpu.js";
import { kernels } from "../gpu/kernels.generated.js";
import type { ExpertPlan } from "./moe-plan.js";
import { unrolled } from "./unroll.js";

/** Whether a matrix has a row for each token or for each slot of the plan. */
export type Rows = "tokens" | "slots";

/** `source(i)`: the row of slot i in what is read; `target_row(i)`: in what is written. The order is bound at 5 where one needs it. */
export function rowText({ topK }: ExpertPlan, source: Rows, target: Rows): string {
  const ordered = source === "tokens" || target === "tokens";
  const row = (rows: Rows) => (rows === "slots" ? "i" : topK === 1 ? "order[i]" : `order[i] / ${topK}u`);
  return `${ordered ? "@group(0) @binding(5) var<storage, read> order: array<u32>;\n" : ""}
fn source(i: u32) -> u32 { return ${row(source)}; }
fn target_row(i: u32) -> u32 { return ${row(target)}; }
`;
}

interface Tiling {
  kernel: "moe/tiled-rows" | "moe/tiled-weight";
  bm: number;
  bn: number;
  /** All rows are whole vec4s. */
  wide: boolean;
  accumulate: boolean;
}

/** The rest of kernel moe/tiled: matrices a and b at bindings 1 and 2, the result c at 3, and main. */
export function tiled({ kernel, bm, bn, wide, accumulate }: Tiling): { constants: KernelConstants; before: string } {
  const sizes = { QUADS_M: bm / 64, QUADS_N: bn / 64 };
  let main: string = kernels[kernel];
  // Results in an array stay in registers only where every index is a constant.
  for (const [index, bound, count] of [
    ["i", "QUADS_M", sizes.QUADS_M],
    ["r", "4u", 4],
    ["j", "QUADS_N", sizes.QUADS_N],
  ] as const) {
    main = unrolled(main, index, bound, count);
  }
  const before = load("a", 1, wide) + load("b", 2, wide) + store(wide, accumulate) + main;
  return { constants: { BM: bm, BN: bn, BK: 16, ...sizes }, before };
}

/** `load_a(first, at, length)`: four elements of the row that begins at `first`, zeros past its length. */
function load(name: "a" | "b", binding: number, wide: boolean): string {
  const body = wide
    ? `if (at >= length) { return vec4f(); }
  return ${name}[(first + at) / 4u];`
    : `var value = vec4f();
  for (var q = 0u; q < 4u; q++) { if (at + q < length) { value[q] = ${name}[first + at + q]; } }
  return value;`;
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${wide ? "vec4f" : "f32"}>;
fn load_${name}(first: u32, at: u32, length: u32) -> vec4f {
  ${body}
}
`;
}

function store(wide: boolean, accumulate: boolean): string {
  const assign = accumulate ? "+=" : "=";
  const body = wide
    ? `if (at < length) { c[(first + at) / 4u] ${assign} value; }`
    : `for (var q = 0u; q < 4u; q++) { if (at + q < length) { c[first + at + q] ${assign} value[q]; } }`;
  return `@group(0) @binding(3) var<storage, read_write> c: array<${wide ? "vec4f" : "f32"}>;
fn store4(first: u32, at: u32, length: u32, value: vec4f) {
  ${body}
}
`;
}
