import { tileBounds } from "./matmul-access.js";

/**
 * The tiled product in f32: both operands go through workgroup memory, tileK columns of K at a time, as [tileK][lines]; 16 × 16
 * invocations hold bm/16 × bn/16 results each, in named registers, for an indexed array may end up in memory.
 */

/** Columns of K that are staged at a time. */
export const tileK = 16;
const invocations = 256;

export interface TiledKernel {
  bm: number;
  bn: number;
  transposeA: boolean;
  transposeB: boolean;
  /** Fetch what is staged next before multiplying what is there: hides the wait for memory, but takes registers. */
  ahead: boolean;
  /** The tile, and steps of K, divide the product: nothing is checked, and places in memory are found before the loop. */
  even: boolean;
}

/** Everything of the kernel but its parameters and how it loads and stores. */
export function tiledText({ bm, bn, transposeA, transposeB, ahead, even }: TiledKernel): string {
  const a = staging("a", bm, "row0", "row_end", transposeA, even);
  const b = staging("b", bn, "column0", "column_end", !transposeB, even);
  const quads = (lines: number) => Array.from({ length: lines / 64 }, (_, index) => index);
  const each = (visit: (i: number, j: number, r: number) => string) =>
    quads(bm).flatMap((i) => quads(bn).flatMap((j) => [0, 1, 2, 3].map((r) => visit(i, j, r))));
  const multiply = [
    `for (var k = 0u; k < ${tileK}u; k++) {`,
    ...quads(bm).map((i) => `  let a${i} = tile_a[k * ${bm / 4}u + ${i * 16}u + ty];`),
    ...quads(bn).map((j) => `  let b${j} = tile_b[k * ${bn / 4}u + ${j * 16}u + tx];`),
    ...each((i, j, r) => `  c${i}${j}${r} = fma(vec4f(a${i}[${r}]), b${j}, c${i}${j}${r});`),
    "}",
    "workgroupBarrier();",
  ];
  const [fetch, put] = [
    [...a.fetch, ...b.fetch],
    [...a.put, ...b.put, "workgroupBarrier();"],
  ];
  const loop = ahead
    ? [
        ...["{", "let k0 = k_begin;", ...fetch, ...put, "}"],
        `for (var k0 = k_begin + ${tileK}u; k0 < k_end; k0 += ${tileK}u) {`,
        ...[...fetch, ...multiply, ...put],
        "}",
        ...multiply,
      ]
    : [`for (var k0 = k_begin; k0 < k_end; k0 += ${tileK}u) {`, ...fetch, ...put, ...multiply, "}"];
  const store = each(
    (i, j, r) => `store4(c0, row0 + ${i * 64}u + ty * 4u + ${r}u, column0 + ${j * 64}u + tx * 4u, c${i}${j}${r});`,
  );
  return `var<workgroup> tile_a: array<vec4f, ${(tileK * bm) / 4}>;
var<workgroup> tile_b: array<vec4f, ${(tileK * bn) / 4}>;
@compute @workgroup_size(${invocations})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  ${tileBounds(bm, bn)}
  let ty = local / 16u;
  let tx = local % 16u;
${[...a.registers, ...b.registers, ...a.places, ...b.places, ...each((i, j, r) => `var c${i}${j}${r} = vec4f();`), ...loop, ...store].join("\n")}
}
`;
}

/** How an operand's tile of `lines` lines from `first` on, before `end`, gets into workgroup memory. */
function staging(name: "a" | "b", lines: number, first: string, end: string, alongLines: boolean, even: boolean) {
  const width = lines / 4;
  if (alongLines) {
    // Lines lie side by side in memory, as they shall in the tile.
    const turns = Array.from(
      { length: (tileK * width) / invocations },
      (_, turn) => `(local + ${turn * invocations}u)`,
    );
    const load = (at: string, turn: number) =>
      even
        ? `${name}[${name}_place${turn} + k0 * p.ld${name} / 4u]`
        : `load_${name}4(k0 + ${at} / ${width}u, ${first} + ${at} % ${width}u * 4u, k_end, ${end})`;
    const place = (at: string) => `(p.${name}0 + ${at} / ${width}u * p.ld${name} + ${first}) / 4u + ${at} % ${width}u`;
    return {
      registers: turns.map((_, turn) => `var ${name}_next${turn}: vec4f;`),
      places: even ? turns.map((at, turn) => `let ${name}_place${turn} = ${place(at)};`) : [],
      fetch: turns.map((at, turn) => `${name}_next${turn} = ${load(at, turn)};`),
      put: turns.map((at, turn) => `tile_${name}[${at}] = ${name}_next${turn};`),
    };
  }
  // Four lines of four columns of K an invocation, turned in registers: the first ones take a's, the last ones b's.
  const items = (tileK / 4) * width;
  const [active, item] =
    name === "a"
      ? [`local < ${items}u`, "local"]
      : [`local >= ${invocations - items}u`, `(local - ${invocations - items}u)`];
  const line = `${item} / ${tileK / 4}u * 4u`;
  const k = `${item} % ${tileK / 4}u * 4u`;
  const loads = [0, 1, 2, 3].map((r) =>
    even
      ? `${name}[${name}_place + ${r}u * p.ld${name} / 4u + k0 / 4u]`
      : `load_${name}4(${first} + ${line} + ${r}u, k0 + ${k}, ${end}, k_end)`,
  );
  const to = `${k} * ${width}u + ${line} / 4u`;
  const rows = [0, 1, 2, 3].map((r) => `tile_${name}[${to} + ${r * width}u] = ${name}_next[${r}];`);
  const place = `(p.${name}0 + (${first} + ${line}) * p.ld${name} + ${k}) / 4u`;
  return {
    registers: [`var ${name}_next: mat4x4f;`],
    places: even ? [`let ${name}_place = ${place};`] : [],
    fetch: [`if (${active}) { ${name}_next = transpose(mat4x4f(${loads.join(", ")})); }`],
    put: [`if (${active}) { ${rows.join(" ")} }`],
  };
}
