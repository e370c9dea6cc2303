// o = softmax(q · kᵀ · SCALE, over the keys seen) · v with a running maximum and sum a query (the online softmax of Milakov and
// Gimelshein, tiled as in FlashAttention): nothing of size T × T exists. Also leaves log2 of the softmax's sum for the backward pass.
// One workgroup takes 64 queries of a head; the last queries, which see the most keys, start first. Keys and values come from
// attention/from-rows or attention/from-cache.
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> log_sum: array<f32>;

fn fetch(which: u32, at: u32) -> vec4f {
  if (which == 0u) { return qkv[at]; }
  if (which == 1u) { return key_quad(at); }
  return value_quad(at);
}

// The four columns' values of each row, joined over all lanes of the row: by maximum, or by sum.
fn share(mine: Rows, lane: Lane) {
  workgroupBarrier();
  pool[lane.index] = mine.lo;
  pool[INVOCATIONS + lane.index] = mine.hi;
  workgroupBarrier();
}
fn row_maxima(mine: Rows, lane: Lane) -> Rows {
  share(mine, lane);
  var all = mine;
  for (var t = lane.ty * TX; t < (lane.ty + 1u) * TX; t++) {
    all.lo = max(all.lo, pool[t]);
    all.hi = max(all.hi, pool[INVOCATIONS + t]);
  }
  return all;
}
fn row_sums(mine: Rows, lane: Lane) -> Rows {
  share(mine, lane);
  var all = Rows();
  for (var t = lane.ty * TX; t < (lane.ty + 1u) * TX; t++) {
    all.lo += pool[t];
    all.hi += pool[INVOCATIONS + t];
  }
  return all;
}

fn largest(m: mat4x4f) -> vec4f { return max(max(m[0], m[1]), max(m[2], m[3])); }
fn total(m: mat4x4f) -> vec4f { return m[0] + m[1] + m[2] + m[3]; }
fn powers(m: mat4x4f, below: vec4f) -> mat4x4f {
  return mat4x4f(exp2(m[0] - below), exp2(m[1] - below), exp2(m[2] - below), exp2(m[3] - below));
}
fn rescaled(m: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(m[0] * by.x, m[1] * by.y, m[2] * by.z, m[3] * by.w); }
fn hide(m: mat4x4f, i: vec4u, j: u32) -> mat4x4f {
  return mat4x4f(
    masked(m[0], i, vec4u(j)), masked(m[1], i, vec4u(j + 1u)), masked(m[2], i, vec4u(j + 2u)), masked(m[3], i, vec4u(j + 3u)));
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let blocks = (p.length + 63u) / 64u;
  let sequences = p.batch * p.heads;
  if (index >= blocks * sequences) { return; }
  let row0 = (blocks - 1u - index / sequences) * 64u;
  let i0 = first_position() + row0;
  let i1 = first_position() + min(row0 + 63u, p.length - 1u);
  let head = index % p.heads;
  let sequence = index % sequences / p.heads;
  let kv_head = head / (p.heads / p.kv_heads);
  let lane = lane_of(local);
  let queries = Source(0u, (sequence * p.length + row0) * width() + head * QUADS, width(), p.length - row0);
  let i = rows_of(i0, lane);

  var sums: array<Tile, VALUE_SPANS>;
  var highest = Rows(vec4f(LOWEST), vec4f(LOWEST));
  var mine = Rows(); // each lane's part of the softmax's sum
  let tiles = tiles_seen(i0, i1);
  for (var step = 0u; step < tiles.count; step++) {
    let j0 = first_key(tiles, step);
    let keys = Source(1u, key_row(sequence, kv_head, j0), key_stride(), key_count() - min(j0, key_count()));
    var scores = products(queries, keys, QUADS, lane);
    scores.lo *= SCALE2;
    scores.hi *= SCALE2;
    if (!all_seen(i0, i1, j0, j0 + LINES - 1u)) {
      scores.lo = hide(scores.lo, i, j0 + 4u * lane.tx);
      scores.hi = hide(scores.hi, i + 32u, j0 + 4u * lane.tx);
    }
    let now = row_maxima(Rows(max(highest.lo, largest(scores.lo)), max(highest.hi, largest(scores.hi))), lane);
    let keep = Rows(exp2(highest.lo - now.lo), exp2(highest.hi - now.hi));
    highest = now;
    let weights = Tile(powers(scores.lo, now.lo), powers(scores.hi, now.hi));
    mine.lo = mine.lo * keep.lo + total(weights.lo);
    mine.hi = mine.hi * keep.hi + total(weights.hi);
    let values = Source(2u, value_row(sequence, kv_head, j0), value_stride(), keys.lines);
    for (var s = 0u; s < VALUE_SPANS; s++) {
      sums[s].lo = rescaled(sums[s].lo, keep.lo);
      sums[s].hi = rescaled(sums[s].hi, keep.hi);
      sums[s] = weighted(sums[s], weights, values, s * TX, VALUE_QUADS, lane);
    }
  }

  let sum = row_sums(mine, lane);
  let logs = Rows(highest.lo + log2(sum.lo), highest.hi + log2(sum.hi));
  for (var s = 0u; s < VALUE_SPANS; s++) {
    store(sequence, head, rows_of(row0, lane), Tile(rescaled(sums[s].lo, 1.0 / sum.lo), rescaled(sums[s].hi, 1.0 / sum.hi)), logs, s * TX + lane.tx);
  }
}

fn store(sequence: u32, head: u32, i: vec4u, values: Tile, logs: Rows, quad: u32) {
  for (var r = 0u; r < 4u; r++) {
    store_row(sequence, head, i[r], values.lo[r], logs.lo[r], quad);
    store_row(sequence, head, i[r] + 32u, values.hi[r], logs.hi[r], quad);
  }
}
fn store_row(sequence: u32, head: u32, i: u32, value: vec4f, log_of_sum: f32, quad: u32) {
  if (i >= p.length) { return; }
  if (quad < VALUE_QUADS) { o[((sequence * p.length + i) * p.heads + head) * VALUE_QUADS + quad] = value; }
  if (quad == 0u) { log_sum[(sequence * p.heads + head) * p.length + i] = log_of_sum; }
}
