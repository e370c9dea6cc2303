// WGSL that the attention kernels on tensor cores have in common, to be read with kernels/attention/tensor.wgsl: statements over arrays of
// matrices, which stay in registers only where every index is a number, so they are no functions and their loops are written out.
import { unrolled } from "./unroll.js";

/** Which of the two sizes of heads something goes by: that of queries and keys, or that of values. */
export type Side = "KEY" | "VALUE";

/** Every kernel's parameters, and the numbers of the block of rows that its workgroup keeps. */
export const entry = `@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let index = group.y * groups.x + group.x;
  let blocks = (p.length + ROWS - 1u) / ROWS;
  let own = subgroup * ROWS_EACH;
  let own_row = own + lane / SHARERS;
  let sharer = lane % SHARERS;
`;

/** Over the invocations that share a row. */
export const rowSum = `fn row_sum(mine: f32) -> f32 {
  var all = mine;
  for (var mask = 1u; mask < SHARERS; mask *= 2u) { all += subgroupShuffleXor(all, mask); }
  return all;
}
`;

/** A block of queries; the last ones, which see the most keys, start first. */
export const queryBlock = `  let sequences = p.batch * p.heads;
  if (index >= blocks * sequences) { return; }
  let i0 = (blocks - 1u - index / sequences) * ROWS;
  let i1 = min(i0 + ROWS - 1u, p.length - 1u);
  let head = index % p.heads;
  let sequence = index % sequences / p.heads;
  let statistics = (sequence * p.heads + head) * p.length;
  let start = sequence * p.length * width();
  let keys_at = start + key_at(head / (p.heads / p.kv_heads));
  let values_at = start + value_at(head / (p.heads / p.kv_heads));
`;

/** The workgroup's rows of `source` as left matrices in the array `name`, which is declared before. */
export const held = (name: string, side: Side, source: string) => `
  for (var c = 0u; c < ${side}_CHUNKS; c++) {
    workgroupBarrier();
    hold(${source}, c * (${side}_CHUNK / 8u), ${side}_CHUNK / 8u, own, lane);
    workgroupBarrier();
    for (var k = 0u; k < ${side}_CHUNK_STEPS; k++) {
      for (var r = 0u; r < DOWN; r++) {
        ${name}[r * ${side}_STEPS + c * ${side}_CHUNK_STEPS + k] = subgroupMatrixLoad<Left, row_major>(&weights, (own + r * M) * ROW_STRIDE + k * K4, ROW_STRIDE);
      }
    }
  }
  workgroupBarrier();`;

/** Into `strip`: the products of the held rows with each of a tile's lines. */
export const products = (strip: string, rows: string, side: Side) => `
    for (var block = 0u; block < LINE_BLOCKS; block++) {
      var product = array<Result, DOWN>();
      for (var k = 0u; k < ${side}_STEPS; k++) {
        let line = subgroupMatrixLoad<Right, col_major>(&${lines(side)}, (stage * LINES + block * N) * ${side}_STRIDE + k * K4, ${side}_STRIDE);
        for (var r = 0u; r < DOWN; r++) { product[r] = subgroupMatrixMultiplyAccumulate(${rows}[r * ${side}_STEPS + k], line, product[r]); }
      }
      for (var r = 0u; r < DOWN; r++) {
        subgroupMatrixStore<row_major>(&${strip}, (own + r * M) * ROW_STRIDE + block * N4, product[r], ROW_STRIDE);
      }
    }`;

/** Adds a tile's lines, weighed by `strip`, to the sums. */
export const weighed = (sums: string, strip: string, side: Side) => `
    for (var step_in = 0u; step_in < LINE_STEPS; step_in++) {
      var weight: array<Left, DOWN>;
      for (var r = 0u; r < DOWN; r++) {
        weight[r] = subgroupMatrixLoad<Left, row_major>(&${strip}, (own + r * M) * ROW_STRIDE + step_in * K4, ROW_STRIDE);
      }
      for (var b = 0u; b < ${side}_BLOCKS; b++) {
        let line = subgroupMatrixLoad<Right, row_major>(&${lines(side)}, (stage * LINES + step_in * K) * ${side}_STRIDE + b * N4, ${side}_STRIDE);
        for (var r = 0u; r < DOWN; r++) {
          ${sums}[r * ${side}_BLOCKS + b] = subgroupMatrixMultiplyAccumulate(weight[r], line, ${sums}[r * ${side}_BLOCKS + b]);
        }
      }
    }`;

/** Passes the sums through `scores`, chunk by chunk, for `body` to take rows from; `after` follows once all have. */
export const passed = (sums: string, side: Side, body: string, after = "") => `
  for (var c = 0u; c < ${side}_CHUNKS; c++) {
    ${eachOf(side, (at, sum) => `subgroupMatrixStore<row_major>(&scores, ${at}, ${sums}[${sum}], ROW_STRIDE);`)}
    workgroupBarrier();
    for (var r = 0u; r < DOWN; r++) {${body}
    }
    workgroupBarrier();${after}
  }`;

/** The sums back from `scores`: what follows in `passed` where the body changed them. */
export const takenBack = (sums: string, side: Side) => `
    ${eachOf(side, (at, sum) => `${sums}[${sum}] = subgroupMatrixLoad<Result, row_major>(&scores, ${at}, ROW_STRIDE);`)}
    workgroupBarrier();`;

/** The body of `passed` that writes rows, those of `first + own_row …` below the sequence's end, times `factor` to where `to` says. */
export const written = (side: Side, buffer: string, first: string, to: (row: string) => string, factor: string) => `
      let row = ${first} + own_row + r * M;
      if (row < p.length) {
        let to = ${to("row")} + c * (${side}_CHUNK / 8u);
        for (var e = sharer; e < ${side}_CHUNK / 8u; e += SHARERS) {
          ${buffer}[to + e] = finished8((own_row + r * M) * ROW_STRIDE + 2u * e, ${factor});
        }
      }`;

/** The loop's end where tiles have room once: the next may be put only when all have used these. */
export const replaced = `
    if (STAGES == 1u) {
      workgroupBarrier();
      if (more) { put_next(0u, next, local); }
      workgroupBarrier();
    }`;

/**
 * Functions that fetch an invocation's part of a tile of LINES lines into registers, where it waits while the tile before is in use, and put it
 * into workgroup memory.
 */
export const staged = (side: Side): string => {
  const [item, eights] = ["(local + t * THREADS)", `${side}_EIGHTS`];
  const name = side === "KEY" ? "keys" : "values";
  return `fn fetch_${name}(source: Source, local: u32) -> array<vec4u, ${side}_TURNS> {
  var next: array<vec4u, ${side}_TURNS>;
  let tile = Source(source.which, source.base, source.stride, min(source.lines, LINES));
  for (var t = 0u; t < ${side}_TURNS; t++) { next[t] = eight(tile, ${item} / ${eights}, ${item} % ${eights}); }
  return next;
}
fn put_${name}(stage: u32, next: array<vec4u, ${side}_TURNS>, local: u32) {
  for (var t = 0u; t < ${side}_TURNS; t++) {
    let line = ${item} / ${eights};
    if (line < LINES) {
      let to = (stage * LINES + line) * ${side}_STRIDE + ${item} % ${eights} * 2u;
      ${lines(side)}[to] = low(next[t]);
      ${lines(side)}[to + 1u] = high(next[t]);
    }
  }
}
`;
};

/** `text` with its loops over arrays of matrices, and over what an invocation holds, written out as often as `counts` say. */
export const flat = (text: string, counts: [index: string, bound: string, count: number][]) =>
  counts.reduce((done, [index, bound, count]) => unrolled(done, index, bound, count), text);

function lines(side: Side): string {
  return side === "KEY" ? "key_lines" : "value_lines";
}

function eachOf(side: Side, visit: (at: string, sum: string) => string): string {
  const at = "(own + r * M) * ROW_STRIDE + b * N4";
  const sum = `r * ${side}_BLOCKS + c * ${side}_CHUNK_BLOCKS + b`;
  return `for (var b = 0u; b < ${side}_CHUNK_BLOCKS; b++) {
      for (var r = 0u; r < DOWN; r++) { ${visit(at, sum)} }
    }`;
}
