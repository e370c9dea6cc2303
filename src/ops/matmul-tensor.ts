import type { Gpu } from "../gpu/gpu.js";

/**
 * Products on tensor cores through WGSL's subgroup matrices (f16 times f16, summed in f32): the operands stay f32 in memory and
 * become f16 on their way into workgroup memory, rows as they lie, so that either transpose is a way of reading the tile.
 */

/** A workgroup's tile, and how its subgroups share it. */
export interface TensorTile {
  bm: number;
  bn: number;
  /** Subgroups down and across. */
  down: number;
  across: number;
}

/** Columns of K staged at a time. */
export const tensorK = 32;
/** Halves between rows of a tile beyond its width: rows then begin in different banks. */
const pad = 8;
const side = 16;
const lanes = 32;

/** Whether the adapter multiplies 16 × 16 × 16 matrices of f16 into f32, with the subgroups of 32 that the kernel is cut for. */
export function hasTensorCores(gpu: Gpu): boolean {
  return gpu.info.matrices;
}

export function tensorTile(m: number, n: number): TensorTile {
  const tiles = Math.ceil(m / 128) * Math.ceil(n / 128);
  return m >= 96 && n >= 96 && tiles >= 64
    ? { bm: 128, bn: 128, down: 2, across: 2 }
    : { bm: 64, bn: 64, down: 2, across: 2 };
}

export interface TensorKernel extends TensorTile {
  transposeA: boolean;
  transposeB: boolean;
  /** Powers of two that bring gradients into the range of f16; the product is divided by them. */
  scaleA: number;
  scaleB: number;
  /** WGSL of `load_a4`, `load_b4` and `store4`. */
  access: string;
}

/** The whole kernel, bar kernels/matmul/tensor.wgsl. */
export function tensorText(o: TensorKernel): string {
  const { bm, bn, down, across, transposeA, transposeB, scaleA, scaleB, access } = o;
  const threads = lanes * down * across;
  const [rows, columns] = [bm / down / side, bn / across / side];
  const a = layout("a", transposeA ? [tensorK, bm] : [bm, tensorK], threads);
  const b = layout("b", transposeB ? [bn, tensorK] : [tensorK, bn], threads);
  const each = (visit: (i: number, j: number) => string) =>
    range(rows).flatMap((i) => range(columns).map((j) => visit(i, j)));
  const fetch = [
    ...a.fetch((line, at) =>
      transposeA
        ? `load_a4(k0 + ${line}, row0 + ${at}, k_end, p.m)`
        : `load_a4(row0 + ${line}, k0 + ${at}, p.m, k_end)`,
    ),
    ...b.fetch((line, at) =>
      transposeB
        ? `load_b4(column0 + ${line}, k0 + ${at}, p.n, k_end)`
        : `load_b4(k0 + ${line}, column0 + ${at}, k_end, p.n)`,
    ),
  ];
  const put = [...a.put, ...b.put];
  const use = range(tensorK / side).flatMap((step) => {
    const k = step * side;
    return [
      "{",
      ...range(rows).map((i) => {
        const line = `(own_row + ${i * side}u)`;
        const at = transposeA ? `${k * a.stride}u + ${line}` : `${line} * ${a.stride}u + ${k}u`;
        return `let a${i} = subgroupMatrixLoad<Left, ${order(transposeA)}>(&tile_a, ${at}, ${a.stride}u);`;
      }),
      ...range(columns).map((j) => {
        const line = `(own_column + ${j * side}u)`;
        const at = transposeB ? `${line} * ${b.stride}u + ${k}u` : `${k * b.stride}u + ${line}`;
        return `let b${j} = subgroupMatrixLoad<Right, ${order(transposeB)}>(&tile_b, ${at}, ${b.stride}u);`;
      }),
      ...each((i, j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`),
      "}",
    ];
  });
  const back = 1 / (scaleA * scaleB);
  // Each subgroup passes its results through a tile of its own, for `store4` to take from.
  const give = each(
    (i, j) => `subgroupMatrixStore<row_major>(&results, lane_tile, c${i}_${j}, ${side}u);
  workgroupBarrier();
  give(c0, own_row + row0 + ${i * side}u, own_column + column0 + ${j * side}u, lane_tile / 4u, lane);
  workgroupBarrier();`,
  );
  return `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
alias Left = subgroup_matrix_left<f16, ${side}, ${side}>;
alias Right = subgroup_matrix_right<f16, ${side}, ${side}>;
alias Result = subgroup_matrix_result<f32, ${side}, ${side}>;
var<workgroup> tile_a: array<f16, ${a.size}>;
var<workgroup> tile_b: array<f16, ${b.size}>;
var<workgroup> results: array<f32, ${down * across * side * side}>;
${access}
fn half4(value: vec4f, factor: f32) -> vec4h { return vec4h(clamp(value * factor, vec4f(-65504.0), vec4f(65504.0))); }
fn give(c0: u32, row: u32, column: u32, at: u32, lane: u32) {
  for (var quad = lane; quad < ${(side * side) / 4}u; quad += ${lanes}u) {
    let first = (at + quad) * 4u;
    let value = vec4f(results[first], results[first + 1u], results[first + 2u], results[first + 3u]);
    store4(c0, row + quad / 4u, column + quad % 4u * 4u, value${back === 1 ? "" : ` * f32(${back})`});
  }
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let row0 = group.y * ${bm}u;
  let column0 = group.x * ${bn}u;
  let k_begin = group.z * p.part;
  let k_end = min(p.k, k_begin + p.part);
  let c0 = p.c0 + group.z * p.stride;
  let own_row = subgroup / ${across}u * ${bm / down}u;
  let own_column = subgroup % ${across}u * ${bn / across}u;
  let lane_tile = subgroup * ${side * side}u;
${each((i, j) => `  var c${i}_${j}: Result;`).join("\n")}
${a.registers}${b.registers}
  {
    let k0 = k_begin;
${fetch.map((line) => line.replace("SCALE_A", `${scaleA}.0`).replace("SCALE_B", `${scaleB}.0`)).join("\n")}
  }
${put.join("\n")}
  workgroupBarrier();
  for (var k0 = k_begin + ${tensorK}u; k0 < k_end; k0 += ${tensorK}u) {
${fetch.map((line) => line.replace("SCALE_A", `${scaleA}.0`).replace("SCALE_B", `${scaleB}.0`)).join("\n")}
${use.join("\n")}
    workgroupBarrier();
${put.join("\n")}
    workgroupBarrier();
  }
${use.join("\n")}
${give.join("\n")}
}
`;
}

const order = (transposed: boolean) => (transposed ? "col_major" : "row_major");
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** How one operand's tile of `lines` rows of `width` halves is read, four numbers an invocation at a time, and laid down. */
function layout(name: "a" | "b", [lines, width]: number[], threads: number) {
  const stride = width + pad;
  const perLine = width / 4;
  const turns = range((lines * perLine) / threads);
  const place = (turn: number) => {
    const item = `(local + ${turn * threads}u)`;
    return { line: `${item} / ${perLine}u`, at: `${item} % ${perLine}u * 4u` };
  };
  return {
    stride,
    size: lines * stride,
    registers: turns.map((turn) => `  var ${name}_next${turn}: vec4h;\n`).join(""),
    fetch: (load: (line: string, at: string) => string) =>
      turns.map((turn) => {
        const { line, at } = place(turn);
        return `    ${name}_next${turn} = half4(${load(line, at)}, SCALE_${name.toUpperCase()});`;
      }),
    put: turns.map((turn) => {
      const { line, at } = place(turn);
      const first = `let at = ${line} * ${stride}u + ${at};`;
      const halves = range(4).map((i) => `tile_${name}[at + ${i}u] = ${name}_next${turn}[${i}];`);
      return `    { ${first} ${halves.join(" ")} }`;
    }),
  };
}
