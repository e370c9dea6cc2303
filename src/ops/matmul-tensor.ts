import type { MatrixShape } from "../gpu/info.js";

/**
 * Products on tensor cores through WGSL's subgroup matrices (f16 times f16, summed in f32). Tiles of both operands go through
 * workgroup memory in f16, rows as they lie, so that either transpose is a way of reading the tile; the next ones are fetched into
 * registers meanwhile. Workgroup memory is made of vec4s, since a driver stores halves that it is given one by one one by one; each variable of
 * whole 16 bytes, where matrices must begin.
 */

/** A workgroup's tile; its four subgroups share it two by two. */
export interface TensorTile {
  bm: number;
  bn: number;
}

/** Columns of K staged at a time. */
export const tensorK = 32;
const down = 2;
const across = 2;
/** Elements between rows of a tile beyond its width: rows then begin in different banks. */
const pad = 8;

/**
 * The tiles that a product [m, n] may be cut into, the likeliest first: of four by four matrices a subgroup where they fill the card, of
 * two by two, and between.
 */
export function tensorTiles(m: number, n: number, shape: MatrixShape): (readonly [number, number])[] {
  const [bm, bn] = [4 * down * shape.m, 4 * across * shape.n];
  const large = m >= 0.75 * bm && n >= 0.75 * bn && Math.ceil(m / bm) * Math.ceil(n / bn) >= 64;
  const [big, small] = [[bm, bn] as const, [bm / 2, bn / 2] as const];
  return [...(large ? [big, small] : [small, big]), [bm, bn / 2], [bm / 2, bn]];
}

/** Whether the kernel can be cut for such matrices: whole steps of K, and tiles that divide evenly among the invocations. */
export function fitsTensorKernel({ m, n, k, lanes }: MatrixShape): boolean {
  const threads = lanes * down * across;
  return (
    [m, n, k].every((side) => side % 4 === 0) &&
    tensorK % k === 0 &&
    (2 * down * m * tensorK) % (8 * threads) === 0 &&
    (2 * across * n * tensorK) % (8 * threads) === 0
  );
}

/** How an operand lies in memory and is read from it. */
export interface TensorOperand {
  /** Stored with K (of a) or N (of b) as rows, respectively the other way round. */
  transposed: boolean;
  /** Elements an invocation reads at once: 8 halves with `load_a8` (vec4u), or 4 numbers with `load_a4` (vec4f). */
  width: 4 | 8;
}

export interface TensorKernel {
  shape: MatrixShape;
  tile: TensorTile;
  a: TensorOperand;
  b: TensorOperand;
  /** WGSL of the operands' `load_…` and of `store4`. */
  access: string;
  /** WGSL that defines row0, row_end, column0, column_end, k_begin, k_end and c0 of a workgroup's tile; plainTile by default. */
  begin?: string;
}

/** Of the parameters of kernels/matmul/tensor.wgsl. */
const plainTile = ({ bm, bn }: TensorTile) => `let row0 = group.y * ${bm}u;
  let row_end = p.m;
  let column0 = group.x * ${bn}u;
  let column_end = p.n;
  let k_begin = group.z * p.part;
  let k_end = min(p.k, k_begin + p.part);
  let c0 = p.c0 + group.z * p.stride;`;

/** The whole kernel, bar its parameters (kernels/matmul/tensor.wgsl). */
export function tensorText({ shape, tile, a, b, access, begin = plainTile(tile) }: TensorKernel): string {
  const { bm, bn } = tile;
  const { m, n, k, lanes } = shape;
  const threads = lanes * down * across;
  const [rows, columns] = [bm / down / m, bn / across / n];
  const left = staging("a", a.transposed ? [tensorK, bm] : [bm, tensorK], a.width, threads);
  const right = staging("b", b.transposed ? [bn, tensorK] : [tensorK, bn], b.width, threads);
  const each = (visit: (i: number, j: number) => string) => grid(rows, columns).map(([i, j]) => visit(i, j));
  const fetch = [
    ...left.fetch((line, at) =>
      a.transposed ? `(k0 + ${line}, row0 + ${at}, k_end, row_end)` : `(row0 + ${line}, k0 + ${at}, row_end, k_end)`,
    ),
    ...right.fetch((line, at) =>
      b.transposed
        ? `(column0 + ${line}, k0 + ${at}, column_end, k_end)`
        : `(k0 + ${line}, column0 + ${at}, k_end, column_end)`,
    ),
  ].join("\n");
  const put = [...left.put, ...right.put].join("\n");
  const use = [
    `for (var step = 0u; step < ${tensorK}u; step += ${k}u) {`,
    ...range(rows).map((i) => `let a${i} = ${left.load("Left", a.transposed, `(own_row + ${i * m}u)`)};`),
    ...range(columns).map((j) => `let b${j} = ${right.load("Right", !b.transposed, `(own_column + ${j * n}u)`)};`),
    ...each((i, j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`),
    "}",
  ].join("\n");
  // Each subgroup passes its results through a strip of its own, one row of matrices at a time, for `store4` to take from.
  const strip = bn / across;
  const stripStride = (strip + pad) / 4;
  const give = range(rows).flatMap((i) => [
    ...range(columns).map(
      (j) => `subgroupMatrixStore<row_major>(&results, strip + ${(j * n) / 4}u, c${i}_${j}, ${stripStride}u);`,
    ),
    "workgroupBarrier();",
    `give(c0, row0 + own_row + ${i * m}u, column0 + own_column, strip, lane);`,
    ...(i + 1 < rows ? ["workgroupBarrier();"] : []),
  ]);
  return `${matrixDirectives}${matrixTypes(shape)}
var<workgroup> tile_a: array<vec4<f16>, ${left.size}>;
var<workgroup> tile_b: array<vec4<f16>, ${right.size}>;
var<workgroup> results: array<vec4f, ${down * across * m * stripStride}>;
${access}${left.text}${right.text}
fn give(c0: u32, row: u32, column: u32, strip: u32, lane: u32) {
  for (var quad = lane; quad < ${(m * strip) / 4}u; quad += ${lanes}u) {
    let line = quad / ${strip / 4}u;
    let at = quad % ${strip / 4}u;
    store4(c0, row + line, column + at * 4u, results[strip + line * ${stripStride}u + at]);
  }
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  ${begin}
  let own_row = subgroup / ${across}u * ${bm / down}u;
  let own_column = subgroup % ${across}u * ${strip}u;
  let strip = subgroup * ${m * stripStride}u;
${each((i, j) => `  var c${i}_${j}: Result;`).join("\n")}
${left.registers}${right.registers}
  {
    let k0 = k_begin;
${fetch}
  }
${put}
  workgroupBarrier();
  for (var done = k_begin; done < k_end; done += ${tensorK}u) {
    let k0 = done + ${tensorK}u;
    if (k0 < k_end) {
${fetch}
    }
${use}
    workgroupBarrier();
    if (k0 < k_end) {
${put}
    }
    workgroupBarrier();
  }
${give.join("\n")}
}
`;
}

/** What a kernel with subgroup matrices begins with. */
export const matrixDirectives = `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
`;

/** The three kinds of matrices by name. */
export const matrixTypes = ({ m, n, k }: MatrixShape): string => `alias Left = subgroup_matrix_left<f16, ${k}, ${m}>;
alias Right = subgroup_matrix_right<f16, ${n}, ${k}>;
alias Result = subgroup_matrix_result<f32, ${n}, ${m}>;
`;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const grid = (rows: number, columns: number) => range(rows).flatMap((i) => range(columns).map((j) => [i, j]));

/** How one operand's tile of `lines` rows of `width` halves is read, `wide` numbers an invocation at a time, and laid down. */
function staging(name: "a" | "b", [lines, width]: number[], wide: 4 | 8, threads: number) {
  // In vec4s, as all of a tile: four halves are stored at once.
  const stride = (width + pad) / 4;
  const perLine = width / wide;
  const turns = range((lines * perLine) / threads);
  const place = (turn: number) => {
    const item = `(local + ${turn * threads}u)`;
    return {
      line: `${item} / ${perLine}u`,
      at: `${item} % ${perLine}u * ${wide}u`,
      vector: `${item} % ${perLine}u * ${wide / 4}u`,
    };
  };
  const laid =
    wide === 4
      ? `tile_${name}[at] = vec4<f16>(value);`
      : `tile_${name}[at] = bitcast<vec4<f16>>(value.xy); tile_${name}[at + 1u] = bitcast<vec4<f16>>(value.zw);`;
  const type = wide === 4 ? "vec4f" : "vec4u";
  return {
    size: lines * stride,
    registers: turns.map((turn) => `  var ${name}_next${turn}: ${type};\n`).join(""),
    text: `fn put_${name}(at: u32, value: ${type}) { ${laid} }\n`,
    fetch: (place_: (line: string, at: string) => string) =>
      turns.map((turn) => {
        const { line, at } = place(turn);
        return `    ${name}_next${turn} = load_${name}${wide}${place_(line, at)};`;
      }),
    put: turns.map((turn) => {
      const { line, vector } = place(turn);
      return `    put_${name}(${line} * ${stride}u + ${vector}, ${name}_next${turn});`;
    }),
    /** The matrix that begins at `line` of M or N, `step` into K; `alongLines`: K runs along the tile's lines. */
    load: (kind: "Left" | "Right", alongLines: boolean, line: string) => {
      const at = alongLines ? `step * ${stride}u + ${line} / 4u` : `${line} * ${stride}u + step / 4u`;
      const byRows = (kind === "Left") !== alongLines;
      return `subgroupMatrixLoad<${kind}, ${byRows ? "row_major" : "col_major"}>(&tile_${name}, ${at}, ${stride}u)`;
    },
  };
}
