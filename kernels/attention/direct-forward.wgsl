// attention/forward for software adapters: an invocation takes one query of a head through its keys, which come from
// attention/from-rows or attention/from-cache.
@group(0) @binding(2) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> log_sum: array<f32>;

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 16u + local;
  if (index >= p.batch * p.heads * p.length) { return; }
  let head = index / p.length % p.heads;
  let sequence = index / p.length / p.heads;
  let row = sequence * p.length + index % p.length;
  let i = min(first_position() + index % p.length, key_count() - 1u);
  var query: Head;
  for (var k = 0u; k < QUADS; k++) { query[k] = qkv[row * width() + head * QUADS + k]; }
  let kv_head = head / (p.heads / p.kv_heads);
  let keys = key_row(sequence, kv_head, 0u);
  let values = value_row(sequence, kv_head, 0u);
  let first = window_start(i);
  var sum: Value;
  var total = 0.0;
  var highest = -1e29;
  for (var j = select(first, 0u, p.sink > 0u); j <= i; j++) {
    if (j >= p.sink && j < first) { j = first; }
    let key = keys + j * key_stride();
    var product = vec4f();
    for (var k = 0u; k < QUADS; k++) { product += query[k] * key_quad(key + k); }
    let score = (product.x + product.y + product.z + product.w) * SCALE2;
    if (score > highest) {
      let keep = exp2(highest - score);
      highest = score;
      total *= keep;
      for (var k = 0u; k < VALUE_QUADS; k++) { sum[k] *= keep; }
    }
    let weight = exp2(score - highest);
    total += weight;
    let value = values + j * value_stride();
    for (var k = 0u; k < VALUE_QUADS; k++) { sum[k] += weight * value_quad(value + k); }
  }
  let to = (row * p.heads + head) * VALUE_QUADS;
  for (var k = 0u; k < VALUE_QUADS; k++) { o[to + k] = sum[k] / total; }
  log_sum[index] = highest + log2(total);
}
