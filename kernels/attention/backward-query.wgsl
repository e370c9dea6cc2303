// dq = SCALE · dS · k with dS = P ∘ (do · vᵀ - delta), where P = 2^(scores - log_sum) is made again tile by tile.
// One workgroup takes 64 queries of a head, as in attention/forward.
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4f>;

fn fetch(which: u32, at: u32) -> vec4f {
  if (which == 0u) { return qkv[at]; }
  return d_o[at];
}

fn shifted(m: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(m[0] - by, m[1] - by, m[2] - by, m[3] - by); }
fn hide(m: mat4x4f, i: vec4u, j: u32) -> mat4x4f {
  return mat4x4f(
    masked(m[0], i, vec4u(j)), masked(m[1], i, vec4u(j + 1u)), masked(m[2], i, vec4u(j + 2u)), masked(m[3], i, vec4u(j + 3u)));
}
// 2^score · (dP - delta), element by element.
fn score_gradients(s: mat4x4f, d_p: mat4x4f, d: vec4f) -> mat4x4f {
  return mat4x4f(
    exp2(s[0]) * (d_p[0] - d), exp2(s[1]) * (d_p[1] - d), exp2(s[2]) * (d_p[2] - d), exp2(s[3]) * (d_p[3] - d));
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let blocks = (p.length + 63u) / 64u;
  let sequences = p.batch * p.heads;
  if (index >= blocks * sequences) { return; }
  let i0 = (blocks - 1u - index / sequences) * 64u;
  let i1 = min(i0 + 63u, p.length - 1u);
  let head = index % p.heads;
  let sequence = index % sequences / p.heads;
  let kv_head = head / (p.heads / p.kv_heads);
  let lane = lane_of(local);
  let start = sequence * p.length * width();
  let queries = Source(0u, start + i0 * width() + head * QUADS, width(), p.length - i0);
  let upstream = Source(1u, ((sequence * p.length + i0) * p.heads + head) * VALUE_QUADS, p.heads * VALUE_QUADS, p.length - i0);
  let i = rows_of(i0, lane);
  let statistics = (sequence * p.heads + head) * p.length;
  var logs = Rows();
  var deltas = Rows();
  for (var r = 0u; r < 4u; r++) {
    if (i[r] < p.length) {
      logs.lo[r] = log_sum[statistics + i[r]];
      deltas.lo[r] = delta[statistics + i[r]];
    }
    if (i[r] + 32u < p.length) {
      logs.hi[r] = log_sum[statistics + i[r] + 32u];
      deltas.hi[r] = delta[statistics + i[r] + 32u];
    }
  }

  var sums: array<Tile, KEY_SPANS>;
  let tiles = tiles_seen(i0, i1);
  for (var step = 0u; step < tiles.count; step++) {
    let j0 = first_key(tiles, step);
    let keys = Source(0u, start + j0 * width() + key_at(kv_head), width(), p.length - j0);
    let values = Source(0u, start + j0 * width() + value_at(kv_head), width(), keys.lines);
    var scores = products(queries, keys, QUADS, lane);
    scores.lo = shifted(scores.lo * SCALE2, logs.lo);
    scores.hi = shifted(scores.hi * SCALE2, logs.hi);
    if (!all_seen(i0, i1, j0, j0 + LINES - 1u)) {
      scores.lo = hide(scores.lo, i, j0 + 4u * lane.tx);
      scores.hi = hide(scores.hi, i + 32u, j0 + 4u * lane.tx);
    }
    let d_weights = products(upstream, values, VALUE_QUADS, lane);
    let d_scores = Tile(
      score_gradients(scores.lo, d_weights.lo, deltas.lo),
      score_gradients(scores.hi, d_weights.hi, deltas.hi));
    for (var s = 0u; s < KEY_SPANS; s++) {
      sums[s] = weighted(sums[s], d_scores, keys, s * TX, QUADS, lane);
    }
  }

  for (var s = 0u; s < KEY_SPANS; s++) {
    store(start + head * QUADS, i, sums[s], s * TX + lane.tx);
  }
}

fn store(to: u32, i: vec4u, sums: Tile, quad: u32) {
  if (quad >= QUADS) { return; }
  for (var r = 0u; r < 4u; r++) {
    if (i[r] < p.length) { d_qkv[to + quad + i[r] * width()] = sums.lo[r] * SCALE; }
    if (i[r] + 32u < p.length) { d_qkv[to + quad + (i[r] + 32u) * width()] = sums.hi[r] * SCALE; }
  }
}
