// attention/backward-query for software adapters: an invocation takes one query of a head through its keys.
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 16u + local;
  if (index >= p.batch * p.heads * p.length) { return; }
  let i = index % p.length;
  let head = index / p.length % p.heads;
  let row = index / p.length / p.heads * p.length;
  var query: Head;
  for (var k = 0u; k < QUADS; k++) { query[k] = qkv[(row + i) * width() + head * QUADS + k]; }
  let kv_head = head / (p.heads / p.kv_heads);
  let keys = row * width() + key_at(kv_head);
  let values = row * width() + value_at(kv_head);
  let first = window_start(i);
  var upstream: Value;
  for (var k = 0u; k < VALUE_QUADS; k++) { upstream[k] = d_o[((row + i) * p.heads + head) * VALUE_QUADS + k]; }
  var sum: Head;
  for (var j = select(first, 0u, p.sink > 0u); j <= i; j++) {
    if (j >= p.sink && j < first) { j = first; }
    let key = keys + j * width();
    let value = values + j * width();
    var product = vec4f();
    var d_weight = vec4f();
    for (var k = 0u; k < QUADS; k++) { product += query[k] * qkv[key + k]; }
    for (var k = 0u; k < VALUE_QUADS; k++) { d_weight += upstream[k] * qkv[value + k]; }
    let weight = exp2(min(0.0, dot(product, vec4f(SCALE2)) - log_sum[index]));
    let d_score = weight * (dot(d_weight, vec4f(1.0)) - delta[index]);
    for (var k = 0u; k < QUADS; k++) { sum[k] += d_score * qkv[key + k]; }
  }
  let to = (row + i) * width() + head * QUADS;
  for (var k = 0u; k < QUADS; k++) { d_qkv[to + k] = sum[k] * SCALE; }
}
