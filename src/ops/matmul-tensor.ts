import type { MatrixShape } from "../gpu/info.js";
import { tileBounds } from "./matmul-access.js";

/**
 * Products on tensor cores through WGSL's subgroup matrices (f16 times f16, summed in f32). Tiles of both operands go through
 * workgroup memory in f16, rows as they lie, so that either transpose is a way of reading the tile; the next ones are fetched into
 * registers meanwhile. Workgroup memory is one array of vec4us, which matrices of either type load from and begin at whole 16 bytes of.
 */

/** A workgroup's tile, shared by `down` times `across` subgroups, and whether the next ones of the operands are fetched ahead. */
export interface TensorTile {
  bm: number;
  bn: number;
  down: number;
  across: number;
  ahead: boolean;
}

/** Columns of K staged at a time. */
export const tensorK = 32;
/** Elements between rows of a tile beyond its width: rows then begin in different banks. */
const pad = 8;

/** A tile as it is chosen among: its sides, and which form the kernel has, `ahead` by default. */
export type TensorForm = readonly [bm: number, bn: number] | readonly [bm: number, bn: number, form: number];

/**
 * Four subgroups that fetch the next tiles ahead, into registers; four that don't, so that more of them are at work side by side; or eight
 * that do, with half the results each.
 */
const forms = { ahead: 4, bare: 3, eight: 8 };

export function tensorTile([bm, bn, form = forms.ahead]: TensorForm): TensorTile {
  return { bm, bn, down: 2, across: form === forms.eight ? 4 : 2, ahead: form !== forms.bare };
}

/** The tiles that a product [m, n] may be cut into, the likeliest first: of four by four matrices a subgroup, of two by two, and between. */
export function tensorTiles(m: number, n: number, shape: MatrixShape): TensorForm[] {
  const [bm, bn] = [8 * shape.m, 8 * shape.n];
  const fits = m >= 0.75 * bm && n >= 0.75 * bn;
  const large = fits && Math.ceil(m / bm) * Math.ceil(n / bn) >= 64;
  const [big, small]: TensorForm[] = [
    [bm, bn],
    [bm / 2, bn / 2],
  ];
  const others: TensorForm[] = [
    [bm, bn, forms.bare],
    [bm, bn, forms.eight],
  ];
  return [
    ...(large ? [big] : [small, big]),
    [bm, bn / 2],
    [bm / 2, bn],
    ...(fits ? others.filter((form) => divides(tensorTile(form), shape)) : []),
  ];
}

/**
 * Whether the kernel can be cut for such matrices: whole steps of K, tiles that divide evenly among the invocations and have room in so many
 * bytes of workgroup memory.
 */
export function fitsTensorKernel(shape: MatrixShape, memory: number): boolean {
  const { m, n, k } = shape;
  const [largest, smallest] = [tensorTile([8 * m, 8 * n, forms.eight]), tensorTile([4 * m, 4 * n])];
  const whole = [m, n, k].every((side) => side % 8 === 0) && tensorK % k === 0;
  return whole && divides(smallest, shape) && bytesOf(largest, shape) <= memory;
}

/** Whether every invocation reads as many whole 8 halves of each operand as any other. */
function divides({ bm, bn, down, across }: TensorTile, { lanes }: MatrixShape): boolean {
  return [bm, bn].every((lines) => (lines * tensorK) % (8 * lanes * down * across) === 0);
}

/** Bytes of workgroup memory: those of the operands' tiles, whichever way they lie, or of the results' strips in the same place. */
function bytesOf({ bm, bn, down, across }: TensorTile, { m }: MatrixShape): number {
  const tiles = [bm, bn].map((lines) => 2 * Math.max(lines * (tensorK + pad), tensorK * (lines + pad)));
  return Math.max(tiles[0] + tiles[1], 4 * down * across * m * (bn / across + pad));
}

/** How an operand lies in memory and is read from it. */
export interface TensorOperand {
  /** Stored with K (of a) or N (of b) as rows, respectively the other way round. */
  transposed: boolean;
  /** Numbers read at once, of the 8 that an invocation stages at a time: 8 halves with `load_a8` (vec4u), or 4 with `load_a4` (vec4f). */
  width: 4 | 8;
}

export interface TensorKernel {
  shape: MatrixShape;
  tile: TensorTile;
  a: TensorOperand;
  b: TensorOperand;
  /** WGSL of the operands, of their `load_…` and of `store4`; or, where all is even, of the operands alone. */
  access: string;
  /** The tile, and steps of K, divide the product: nothing is checked, and places in memory are found before the loop. */
  even?: boolean;
  /** How results leave: four or eight at a time through `store4` or `store8`, or matrix by matrix, as f32, straight into `c`. */
  leave: "fours" | "eights" | "matrices";
  /**
   * Columns of one half of the result, where `store_gated` makes something of both: then a subgroup has as many of the first half as of the
   * second, and the same.
   */
  half?: number;
  /** WGSL that defines row0, row_end, column0, column_end, k_begin, k_end and c0 of a workgroup's tile; `tileBounds` by default. */
  begin?: string;
}

/** The whole kernel, bar its parameters. */
export function tensorText(kernel: TensorKernel): string {
  const { shape, tile, a, b, access, even = false, leave, half, begin = tileBounds(tile.bm, tile.bn) } = kernel;
  const { bm, bn, down, across, ahead } = tile;
  const { m, n, k, lanes } = shape;
  const threads = lanes * down * across;
  const [rows, columns] = [bm / down / m, bn / across / n];
  const left = staging("a", a.transposed ? [tensorK, bm] : [bm, tensorK], a.width, threads, 0);
  const right = staging("b", b.transposed ? [bn, tensorK] : [tensorK, bn], b.width, threads, left.size);
  const each = (visit: (i: number, j: number) => string) => grid(rows, columns).map(([i, j]) => visit(i, j));
  const read = [
    left.reads("row0", "row_end", a.transposed, even),
    right.reads("column0", "column_end", !b.transposed, even, half !== undefined),
  ];
  const [places, fetch] = [read.map(({ places }) => places).join(""), read.map(({ fetch }) => fetch).join("")];
  const put = [...left.put, ...right.put].join("\n");
  const use = [
    `for (var step = 0u; step < ${tensorK}u; step += ${k}u) {`,
    ...range(rows).map((i) => `let a${i} = ${left.load("Left", a.transposed, `(own_row + ${i * m}u)`)};`),
    ...range(columns).map((j) => `let b${j} = ${right.load("Right", !b.transposed, `(own_column + ${j * n}u)`)};`),
    ...each((i, j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`),
    "}",
  ].join("\n");
  const loop = ahead
    ? [
        ...["{", "let k0 = k_begin;", fetch, "}", put, "workgroupBarrier();"],
        `for (var k0 = k_begin + ${tensorK}u; k0 < k_end; k0 += ${tensorK}u) {`,
        ...[fetch, use, "workgroupBarrier();", put, "workgroupBarrier();"],
        "}",
        use,
      ]
    : [
        `for (var k0 = k_begin; k0 < k_end; k0 += ${tensorK}u) {`,
        ...[fetch, put, "workgroupBarrier();", use, "workgroupBarrier();"],
        "}",
      ];
  const results =
    leave === "matrices"
      ? straight(rows, columns, shape)
      : half === undefined
        ? throughStrip(rows, columns, kernel, leave === "eights" ? 8 : 4)
        : gatedStrip(rows, columns, kernel, half);
  return `${matrixDirectives}${matrixTypes(shape)}
var<workgroup> memory: array<vec4u, ${Math.max(left.size + right.size, results.size)}>;
${access}${results.text}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  ${begin}
  let own_row = subgroup / ${across}u * ${bm / down}u;
  let own_column = subgroup % ${across}u * ${bn / across}u;
${each((i, j) => `  var c${i}_${j}: Result;`).join("\n")}
${left.registers}${right.registers}${places}
${loop.join("\n")}
${results.give}
}
`;
}

/** Matrices of results straight into memory. */
const straight = (rows: number, columns: number, { m, n }: MatrixShape) => ({
  size: 0,
  text: "",
  give: grid(rows, columns)
    .map(
      ([i, j]) =>
        `subgroupMatrixStore<row_major>(&c, c0 + (row0 + own_row + ${i * m}u) * p.ldc + column0 + own_column + ${j * n}u, c${i}_${j}, p.ldc);`,
    )
    .join("\n"),
});

/**
 * Each subgroup passes its results through a strip of its own, in memory that the tiles no longer need, a row of matrices at a time, for
 * `store4` or `store8` to take from.
 */
function throughStrip(rows: number, columns: number, { shape, tile }: TensorKernel, wide: 4 | 8) {
  const { m, n, lanes } = shape;
  const width = columns * n;
  const stride = (width + pad) / 4;
  const passes = range(rows).map((i) =>
    [
      ...range(columns).map(
        (j) => `subgroupMatrixStore<row_major>(&memory, strip + ${(j * n) / 4}u, c${i}_${j}, ${stride}u);`,
      ),
      "workgroupBarrier();",
      `give(c0, row0 + own_row + ${i * m}u, column0 + own_column, strip, lane);`,
    ].join("\n"),
  );
  const values = range(wide / 4).map((i) => `bitcast<vec4f>(memory[place + ${i}u])`);
  return {
    size: tile.down * tile.across * m * stride,
    text: `fn give(c0: u32, row: u32, column: u32, strip: u32, lane: u32) {
  for (var item = lane; item < ${(m * width) / wide}u; item += ${lanes}u) {
    let line = item / ${width / wide}u;
    let at = item % ${width / wide}u * ${wide / 4}u;
    let place = strip + line * ${stride}u + at;
    store${wide}(c0, row + line, column + at * 4u, ${values.join(", ")});
  }
}
`,
    give: [
      "workgroupBarrier();",
      `let strip = subgroup * ${m * stride}u;`,
      passes.join("\nworkgroupBarrier();\n"),
    ].join("\n"),
  };
}

/** A strip whose first half of columns is of the result's first half, and the other of the other: both leave, and `store_gated` gets them. */
function gatedStrip(rows: number, columns: number, { shape, tile }: TensorKernel, half: number) {
  const { m, n, lanes } = shape;
  const width = columns * n;
  const own = width / 2;
  const stride = (width + pad) / 4;
  const passes = range(rows).map((i) =>
    [
      ...range(columns).map(
        (j) => `subgroupMatrixStore<row_major>(&memory, strip + ${(j * n) / 4}u, c${i}_${j}, ${stride}u);`,
      ),
      "workgroupBarrier();",
      `give(c0, row0 + own_row + ${i * m}u, column0 / 2u + own_column / 2u, strip, lane);`,
    ].join("\n"),
  );
  return {
    size: tile.down * tile.across * m * stride,
    text: `/** The column of the result that a tile's column number \`line\` is. */
fn mapped(column0: u32, line: u32) -> u32 {
  let within = line % ${width}u;
  return column0 / 2u + line / ${width}u * ${own}u + within % ${own}u + select(0u, ${half}u, within >= ${own}u);
}
fn give(c0: u32, row: u32, column: u32, strip: u32, lane: u32) {
  for (var item = lane; item < ${(m * own) / 8}u; item += ${lanes}u) {
    let line = item / ${own / 8}u;
    let at = item % ${own / 8}u * 2u;
    let place = strip + line * ${stride}u + at;
    let gate0 = bitcast<vec4f>(memory[place]);
    let gate1 = bitcast<vec4f>(memory[place + 1u]);
    let up0 = bitcast<vec4f>(memory[place + ${own / 4}u]);
    let up1 = bitcast<vec4f>(memory[place + ${own / 4 + 1}u]);
    store8(c0, row + line, column + at * 4u, gate0, gate1);
    store8(c0, row + line, ${half}u + column + at * 4u, up0, up1);
    store_gated(row + line, column + at * 4u, gate0, gate1, up0, up1);
  }
}
`,
    give: [
      "workgroupBarrier();",
      `let strip = subgroup * ${m * stride}u;`,
      passes.join("\nworkgroupBarrier();\n"),
    ].join("\n"),
  };
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

/**
 * How one operand's tile of `lines` rows of `width` halves is read, eight an invocation at a time, and laid down from vec4u `start` of the
 * workgroup memory on.
 */
function staging(name: "a" | "b", [lines, width]: number[], wide: 4 | 8, threads: number, start: number) {
  // In vec4us, which eight halves are stored as at once, and matrices load from.
  const stride = (width + pad) / 8;
  const perLine = width / 8;
  const turns = range((lines * perLine) / threads);
  const place = (turn: number) => {
    const item = `(local + ${turn * threads}u)`;
    return { line: `${item} / ${perLine}u`, piece: `${item} % ${perLine}u` };
  };
  /** What an invocation reads in a turn: names, and how many elements on from the first. */
  const parts = (turn: number): [string, number][] =>
    wide === 8
      ? [[`${name}_next${turn}`, 0]]
      : [
          [`${name}_low${turn}`, 0],
          [`${name}_high${turn}`, 4],
        ];
  const eight = (turn: number) => {
    const [first, second] = parts(turn).map(([variable]) => variable);
    if (wide === 8) return first;
    return `vec4u(bitcast<vec2u>(vec4<f16>(${first})), bitcast<vec2u>(vec4<f16>(${second})))`;
  };
  return {
    size: lines * stride,
    registers: turns
      .flatMap((turn) => parts(turn).map(([variable]) => `  var ${variable}: ${wide === 8 ? "vec4u" : "vec4f"};\n`))
      .join(""),
    /** WGSL before the loop, and in it; `alongLines`: K runs along the tile's lines, and M or N, from `first` to `end`, across. */
    reads: (first: string, end: string, alongLines: boolean, even: boolean, mapped = false) => {
      const fetch = (text: (turn: number, on: number) => string) =>
        turns.flatMap((turn) => parts(turn).map(([variable, on]) => `    ${variable} = ${text(turn, on)};\n`)).join("");
      if (!even) {
        const where = (turn: number, on: number) => {
          const { line, piece } = place(turn);
          const at = `${piece} * 8u + ${on}u`;
          return alongLines
            ? `k0 + ${line}, ${first} + ${at}, k_end, ${end}`
            : `${first} + ${line}, k0 + ${at}, ${end}, k_end`;
        };
        return { places: "", fetch: fetch((turn, on) => `load_${name}${wide}(${where(turn, on)})`) };
      }
      const [line0, at0, step] = alongLines ? ["", ` + ${first}`, `k0 * p.ld${name}`] : [`${first} + `, "", "k0"];
      return {
        places: turns
          .map((turn) => {
            const { line, piece } = place(turn);
            const row = mapped ? `mapped(${first}, ${line})` : `${line0}${line}`;
            return `  let ${name}_place${turn} = (p.${name}0 + (${row}) * p.ld${name} + ${piece} * 8u${at0}) / ${wide}u;\n`;
          })
          .join(""),
        fetch: fetch((turn, on) => `${name}[${name}_place${turn} + ${step} / ${wide}u + ${on / 4}u]`),
      };
    },
    put: turns.map((turn) => {
      const { line, piece } = place(turn);
      return `    memory[${start}u + ${line} * ${stride}u + ${piece}] = ${eight(turn)};`;
    }),
    /** The matrix that begins at `line` of M or N, `step` into K; `alongLines`: K runs along the tile's lines. */
    load: (kind: "Left" | "Right", alongLines: boolean, line: string) => {
      const at = alongLines ? `step * ${stride}u + ${line} / 8u` : `${line} * ${stride}u + step / 8u`;
      const byRows = (kind === "Left") !== alongLines;
      return `subgroupMatrixLoad<${kind}, ${byRows ? "row_major" : "col_major"}>(&memory, ${start}u + ${at}, ${stride}u)`;
    },
  };
}
