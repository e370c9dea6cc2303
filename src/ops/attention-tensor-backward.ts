import {
  entry,
  held,
  passed,
  products,
  queryBlock,
  replaced,
  rowSum,
  weighed,
  written,
} from "./attention-tensor-text.js";

/** Of both passes: dS = P ∘ (do · vᵀ - delta) is made again from scores and log sums, tile by tile; the first one writes delta. */
const shared = (delta: "read" | "read_write") => `
@group(0) @binding(1) var<storage, read> qkv: array<vec4u>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4u>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, ${delta}> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4u>;

/** do · vᵀ. */
var<workgroup> d_weights: array<vec4f, ROWS * ROW_STRIDE>;

fn fetch(which: u32, at: u32) -> vec4u {
  if (which == 0u) { return qkv[at]; }
  return d_o[at];
}

/** An invocation's part of the next tiles. */
struct Next { keys: array<vec4u, KEY_TURNS>, values: array<vec4u, VALUE_TURNS>, statistics: vec2f }
`;

/**
 * kernels/attention/backward-query.wgsl on tensor cores: dq = SCALE · dS · k. (One kernel for all gradients would save two of
 * seven products, but would write and add up a part of dq for every tile of keys: more time in memory than it saves.)
 */
export const tensorQuery = `${shared("read_write")}
@group(0) @binding(6) var<storage, read> o: array<vec4u>;

/** Σ do · o over the head, which the softmax's gradient subtracts: an invocation's share, of every SHARERS-th 8 halves from \`at\` on. */
fn share_of_delta(at: u32, sharer: u32) -> f32 {
  var sum = vec4f();
  for (var e = sharer; e < VALUE_EIGHTS; e += SHARERS) {
    let result = o[at + e];
    let upstream = d_o[at + e];
    sum += vec4f(low(result)) * vec4f(low(upstream)) + vec4f(high(result)) * vec4f(high(upstream));
  }
  return dot(sum, vec4f(1.0));
}
fn fetch_next(keys_at: u32, values_at: u32, j: u32, local: u32) -> Next {
  return Next(fetch_keys(source_at(0u, keys_at, j), local), fetch_values(source_at(0u, values_at, j), local), vec2f());
}
fn put_next(stage: u32, next: Next, local: u32) {
  put_keys(stage, next.keys, local);
  put_values(stage, next.values, local);
}

${rowSum}${entry}${queryBlock}
  let queries = Source(0u, start + i0 * width() + head * KEY_EIGHTS, width(), p.length - i0);
  let upstream = Source(1u, ((sequence * p.length + i0) * p.heads + head) * VALUE_EIGHTS, p.heads * VALUE_EIGHTS, p.length - i0);
  var q: array<Left, DOWN * KEY_STEPS>;
  var u: array<Left, DOWN * VALUE_STEPS>;
${held("q", "KEY", "queries")}
${held("u", "VALUE", "upstream")}
  var logs: array<f32, DOWN>;
  var deltas: array<f32, DOWN>;
  for (var r = 0u; r < DOWN; r++) {
    let row = i0 + own_row + r * M;
    let i = min(row, p.length - 1u);
    logs[r] = log_sum[statistics + i];
    deltas[r] = row_sum(share_of_delta(((sequence * p.length + i) * p.heads + head) * VALUE_EIGHTS, sharer));
    if (row < p.length && sharer == 0u) { delta[statistics + row] = deltas[r]; }
  }

  var sums = array<Result, DOWN * KEY_BLOCKS>();
  let tiles = tiles_seen(i0, i1);
  var next = fetch_next(keys_at, values_at, first_key(tiles, 0u), local);
  put_next(0u, next, local);
  workgroupBarrier();
  for (var step = 0u; step < tiles.count; step++) {
    let j0 = first_key(tiles, step);
    let stage = step % STAGES;
    let more = step + 1u < tiles.count;
    if (more) { next = fetch_next(keys_at, values_at, first_key(tiles, step + 1u), local); }
${products("scores", "q", "KEY")}
${products("d_weights", "u", "VALUE")}
    workgroupBarrier();

    if (STAGES == 2u && more) { put_next(1u - stage, next, local); }
    let all = all_seen(i0, i1, j0, j0 + LINES - 1u);
    for (var r = 0u; r < DOWN; r++) {
      for (var n = 0u; n < QUADS; n++) {
        let quad = n * SHARERS + sharer;
        let at = (own_row + r * M) * ROW_STRIDE + quad;
        var score = scores[at] * SCALE2 - logs[r];
        if (!all) { score = masked(score, vec4u(i0 + own_row + r * M), vec4u(j0 + 4u * quad) + vec4u(0u, 1u, 2u, 3u)); }
        weights[at] = vec4<f16>(exp2(score) * (d_weights[at] - deltas[r]));
      }
    }
    workgroupBarrier();
${weighed("sums", "weights", "KEY")}
${replaced}
  }
${passed(
  "sums",
  "KEY",
  written("KEY", "d_qkv", "i0", (row) => `start + ${row} * width() + head * KEY_EIGHTS`, "SCALE"),
)}
}
`;

/**
 * kernels/attention/backward-key.wgsl on tensor cores: dv = Pᵀ · do and dk = SCALE · dSᵀ · q, summed over the query heads that share the
 * head one after another. The rows of a tile are keys and its lines queries, whose log sums and deltas are streamed with them.
 */
export const tensorKey = `${shared("read")}
var<workgroup> d_scores: array<vec4<f16>, ROWS * ROW_STRIDE>;
// Each written by an invocation of its own, so no vec4s.
var<workgroup> logs: array<f32, STAGES * LINES>;
var<workgroup> deltas: array<f32, STAGES * LINES>;
fn logs4(at: u32) -> vec4f { return vec4f(logs[at], logs[at + 1u], logs[at + 2u], logs[at + 3u]); }
fn deltas4(at: u32) -> vec4f { return vec4f(deltas[at], deltas[at + 1u], deltas[at + 2u], deltas[at + 3u]); }

fn fetch_next(sequence: u32, head: u32, i: u32, local: u32) -> Next {
  let stride = p.heads * VALUE_EIGHTS;
  let upstream = Source(1u, (sequence * p.length + i) * stride + head * VALUE_EIGHTS, stride, p.length - i);
  let queries = source_at(0u, sequence * p.length * width() + head * KEY_EIGHTS, i);
  let at = (sequence * p.heads + head) * p.length + min(i + local, p.length - 1u);
  return Next(fetch_keys(queries, local), fetch_values(upstream, local), vec2f(log_sum[at], delta[at]));
}
fn put_next(stage: u32, next: Next, local: u32) {
  put_keys(stage, next.keys, local);
  put_values(stage, next.values, local);
  if (local < LINES) {
    logs[stage * LINES + local] = next.statistics.x;
    deltas[stage * LINES + local] = next.statistics.y;
  }
}

${entry}
  let sequences = p.batch * p.value_heads;
  if (index >= blocks * sequences) { return; }
  // The first keys, seen by most, start first.
  let j0 = index / sequences * ROWS;
  let j1 = min(j0 + ROWS - 1u, p.length - 1u);
  let value_head = index % p.value_heads;
  let sequence = index % sequences / p.value_heads;
  let start = sequence * p.length * width();
  let sharing = p.heads / p.kv_heads;
  let first = j0 / LINES * LINES;
  let tiles = (last_query(j0, j1) - first) / LINES + 1u;

  let values = source_at(0u, start + value_at(value_head), j0);
  var v: array<Left, DOWN * VALUE_STEPS>;
${held("v", "VALUE", "values")}
  var d_values = array<Result, DOWN * VALUE_BLOCKS>();
  for (var kv_head = value_head; kv_head < p.kv_heads; kv_head += p.value_heads) {
    let keys = source_at(0u, start + key_at(kv_head), j0);
    var key: array<Left, DOWN * KEY_STEPS>;
${held("key", "KEY", "keys")}
    var d_keys = array<Result, DOWN * KEY_BLOCKS>();
    // One head's queries after the other's.
    var next = fetch_next(sequence, kv_head * sharing, first, local);
    put_next(0u, next, local);
    workgroupBarrier();
    for (var step = 0u; step < sharing * tiles; step++) {
      let i0 = first + step % tiles * LINES;
      let stage = step % STAGES;
      let more = step + 1u < sharing * tiles;
      if (more) {
        next = fetch_next(sequence, kv_head * sharing + (step + 1u) / tiles, first + (step + 1u) % tiles * LINES, local);
      }
${products("scores", "key", "KEY")}
${products("d_weights", "v", "VALUE")}
      workgroupBarrier();

      if (STAGES == 2u && more) { put_next(1u - stage, next, local); }
      let all = all_seen(i0, i0 + LINES - 1u, j0, j1);
      for (var r = 0u; r < DOWN; r++) {
        for (var n = 0u; n < QUADS; n++) {
          let quad = n * SHARERS + sharer;
          let at = (own_row + r * M) * ROW_STRIDE + quad;
          var score = scores[at] * SCALE2 - logs4(stage * LINES + 4u * quad);
          if (!all) { score = masked(score, vec4u(i0 + 4u * quad) + vec4u(0u, 1u, 2u, 3u), vec4u(j0 + own_row + r * M)); }
          let weight = exp2(score);
          weights[at] = vec4<f16>(weight);
          d_scores[at] = vec4<f16>(weight * (d_weights[at] - deltas4(stage * LINES + 4u * quad)));
        }
      }
      workgroupBarrier();
${weighed("d_values", "weights", "VALUE")}
${weighed("d_keys", "d_scores", "KEY")}
${replaced}
    }
${passed(
  "d_keys",
  "KEY",
  written("KEY", "d_qkv", "j0", (row) => `start + ${row} * width() + key_at(kv_head)`, "SCALE"),
)}
  }
${passed(
  "d_values",
  "VALUE",
  written("VALUE", "d_qkv", "j0", (row) => `start + ${row} * width() + value_at(value_head)`, "1.0"),
)}
}
`;
