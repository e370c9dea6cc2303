// dv = Pᵀ · do and dk = SCALE · dSᵀ · q, summed over the query heads that share the head, one after another: no atomics.
// One workgroup keeps 64 keys of a value head, takes the key heads that go with it (usually one) in turn, and streams the queries
// that see them; the first keys, seen by most, start first.
// Here the rows of a tile are keys and its columns queries.
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4f>;

fn fetch(which: u32, at: u32) -> vec4f {
  if (which == 0u) { return qkv[at]; }
  return d_o[at];
}

// Subtracts by[c] from column c.
fn shifted(m: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(m[0] - by.x, m[1] - by.y, m[2] - by.z, m[3] - by.w); }
fn hide(m: mat4x4f, i: u32, j: vec4u) -> mat4x4f {
  return mat4x4f(
    masked(m[0], vec4u(i), j), masked(m[1], vec4u(i + 1u), j), masked(m[2], vec4u(i + 2u), j), masked(m[3], vec4u(i + 3u), j));
}
fn powers(m: mat4x4f) -> mat4x4f { return mat4x4f(exp2(m[0]), exp2(m[1]), exp2(m[2]), exp2(m[3])); }
fn times(a: mat4x4f, b: mat4x4f) -> mat4x4f { return mat4x4f(a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]); }

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let blocks = (p.length + 63u) / 64u;
  let sequences = p.batch * p.value_heads;
  if (index >= blocks * sequences) { return; }
  let j0 = index / sequences * 64u;
  let j1 = min(j0 + 63u, p.length - 1u);
  let value_head = index % p.value_heads;
  let sequence = index % sequences / p.value_heads;
  let lane = lane_of(local);
  let start = sequence * p.length * width();
  let values = Source(0u, start + j0 * width() + value_at(value_head), width(), p.length - j0);
  let j = rows_of(j0, lane);

  var d_values: array<Tile, VALUE_SPANS>;
  let last = last_query(j0, j1);
  for (var kv_head = value_head; kv_head < p.kv_heads; kv_head += p.value_heads) {
    let keys = Source(0u, start + j0 * width() + key_at(kv_head), width(), p.length - j0);
    // Spelt out: without an initial value it was zero only the first time round (seen with SwiftShader).
    var d_keys = array<Tile, KEY_SPANS>();
    for (var head = kv_head * (p.heads / p.kv_heads); head < (kv_head + 1u) * (p.heads / p.kv_heads); head++) {
      let statistics = (sequence * p.heads + head) * p.length;
      for (var i0 = j0 / LINES * LINES; i0 <= last; i0 += LINES) {
        let queries = Source(0u, start + i0 * width() + head * QUADS, width(), p.length - i0);
        let upstream = Source(1u, ((sequence * p.length + i0) * p.heads + head) * VALUE_QUADS, p.heads * VALUE_QUADS, p.length - i0);
        let i = i0 + 4u * lane.tx;
        var logs = vec4f();
        var deltas = vec4f();
        for (var c = 0u; c < 4u; c++) {
          if (i + c < p.length) {
            logs[c] = log_sum[statistics + i + c];
            deltas[c] = delta[statistics + i + c];
          }
        }
        var scores = products(keys, queries, QUADS, lane);
        scores.lo = shifted(scores.lo * SCALE2, logs);
        scores.hi = shifted(scores.hi * SCALE2, logs);
        if (!all_seen(i0, i0 + LINES - 1u, j0, j0 + 63u)) {
          scores.lo = hide(scores.lo, i, j);
          scores.hi = hide(scores.hi, i, j + 32u);
        }
        let weights = Tile(powers(scores.lo), powers(scores.hi));
        for (var s = 0u; s < VALUE_SPANS; s++) {
          d_values[s] = weighted(d_values[s], weights, upstream, s * TX, VALUE_QUADS, lane);
        }
        let d_weights = products(values, upstream, VALUE_QUADS, lane);
        let d_scores = Tile(
          times(weights.lo, shifted(d_weights.lo, deltas)),
          times(weights.hi, shifted(d_weights.hi, deltas)));
        for (var s = 0u; s < KEY_SPANS; s++) {
          d_keys[s] = weighted(d_keys[s], d_scores, queries, s * TX, QUADS, lane);
        }
      }
    }
    for (var s = 0u; s < KEY_SPANS; s++) {
      store(start + key_at(kv_head), j, d_keys[s], SCALE, s * TX + lane.tx, QUADS);
    }
  }
  for (var s = 0u; s < VALUE_SPANS; s++) {
    store(start + value_at(value_head), j, d_values[s], 1.0, s * TX + lane.tx, VALUE_QUADS);
  }
}

fn store(to: u32, j: vec4u, sums: Tile, scale: f32, quad: u32, quads: u32) {
  if (quad >= quads) { return; }
  for (var r = 0u; r < 4u; r++) {
    if (j[r] < p.length) { d_qkv[to + quad + j[r] * width()] = sums.lo[r] * scale; }
    if (j[r] + 32u < p.length) { d_qkv[to + quad + (j[r] + 32u) * width()] = sums.hi[r] * scale; }
  }
}
