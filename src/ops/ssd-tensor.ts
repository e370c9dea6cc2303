import type { MatrixShape } from "../gpu/info.js";
import { matrixDirectives, matrixTypes } from "./matmul-tensor.js";

/** A kernel's tile of results, BM × BN, and how much of the inner dimension is staged at a time. */
export interface SsdTile {
  BM: number;
  BN: number;
  BK: number;
}

/** Elements between rows of a tile beyond its width: rows then begin in different banks. */
const pad = 8;

const invocations = ({ BM, BN }: SsdTile) => (BM / 4) * (BN / 4);
const matricesEach = (tile: SsdTile, { m, n, lanes }: MatrixShape) =>
  ((tile.BM / m) * (tile.BN / n)) / (invocations(tile) / lanes);

const workgroupBytes = ({ BM, BN, BK }: SsdTile) => 2 * BK * (BM + BN + 2 * pad) + 4 * BM * (BN + pad);

/** Whether a tile is whole matrices, shared out evenly among whole subgroups, in the workgroup memory that there is. */
export function fitsSsdTensor(tile: SsdTile, shape: MatrixShape, workgroupMemory: number): boolean {
  const { m, n, k, lanes } = shape;
  const whole = [
    tile.BM / m,
    tile.BN / n,
    tile.BK / k,
    m / 4,
    n / 4,
    invocations(tile) / lanes,
    matricesEach(tile, shape),
  ];
  return whole.every(Number.isInteger) && workgroupBytes(tile) <= workgroupMemory;
}

/**
 * What staged.wgsl is to the kernels of kernels/ssd, after staging.wgsl, on tensor cores: the operands' pieces, which the
 * kernel computes in f32 (decays and all), are staged as f16, multiplied by subgroup matrices into f32, and the result goes through workgroup
 * memory to the invocations that own 4 × 4 of it.
 */
export function ssdTensorText(tile: SsdTile, shape: MatrixShape): string {
  const { BM, BN, BK } = tile;
  const { m, n, k } = shape;
  const each = matricesEach(tile, shape);
  const own = Array.from({ length: each }, (_, i) => i);
  const columns = BN / n;
  // Matrices of one subgroup that lie in one row share what they read of A.
  const shared = columns % each === 0;
  // In vec4s, as all of workgroup memory: see matmul-tensor.ts.
  const [strideA, strideB] = [(BM + pad) / 4, (BN + pad) / 4];
  const left = (i: number) =>
    `subgroupMatrixLoad<Left, col_major>(&tile_a, k * ${strideA}u + row${i} * ${m / 4}u, ${strideA}u)`;
  return `${matrixDirectives}${matrixTypes(shape)}
var<workgroup> tile_a: array<vec4<f16>, ${BK * strideA}>;
var<workgroup> tile_b: array<vec4<f16>, ${BK * strideB}>;
var<workgroup> results: array<vec4f, ${BM * strideB}>;
var<private> subgroup: u32;

fn product(start: mat4x4f, segment: u32, begin: u32, end: u32, tile: Tile, own: vec2u) -> mat4x4f {
${own.map((i) => `  let row${i} = (subgroup * ${each}u + ${i}u) / ${columns}u;\n  let column${i} = (subgroup * ${each}u + ${i}u) % ${columns}u;\n  var c${i}: Result;`).join("\n")}
  for (var k0 = begin; k0 < end; k0 += BK) {
    stage(segment, k0, tile, own);
    workgroupBarrier();
    for (var k = 0u; k < BK; k += ${k}u) {
${own.map((i) => (shared && i > 0 ? "" : `      let a${i} = ${left(i)};\n`)).join("")}${own
  .map(
    (
      i,
    ) => `      let b${i} = subgroupMatrixLoad<Right, row_major>(&tile_b, k * ${strideB}u + column${i} * ${n / 4}u, ${strideB}u);
      c${i} = subgroupMatrixMultiplyAccumulate(a${shared ? 0 : i}, b${i}, c${i});`,
  )
  .join("\n")}
    }
    workgroupBarrier();
  }
${own.map((i) => `  subgroupMatrixStore<row_major>(&results, row${i} * ${m * strideB}u + column${i} * ${n / 4}u, c${i}, ${strideB}u);`).join("\n")}
  workgroupBarrier();
  var sum = start;
  for (var r = 0u; r < 4u; r++) { sum[r] += results[(own.y * 4u + r) * ${strideB}u + own.x]; }
  workgroupBarrier();
  return sum;
}
${put("a", strideA)}${put("b", strideB)}// Between products \`results\` is free for put_rows.
fn pass_on(at: u32, value: vec4f) { results[at] = value; }
fn passed(at: u32, r: u32) -> f32 { return results[at][r]; }

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) id: u32) {
  subgroup = id;
  run(tile_of(group.x, group.y, group.z), vec2u(local % BX, local / BX));
}
`;
}

/** Puts a piece of four inner elements by four lines into a staged tile. */
const put = (name: "a" | "b", stride: number) => `fn put_${name}(k: u32, line: u32, block: mat4x4f) {
  for (var r = 0u; r < 4u; r++) { tile_${name}[(k * 4u + r) * ${stride}u + line] = vec4h(block[r]); }
}
`;
