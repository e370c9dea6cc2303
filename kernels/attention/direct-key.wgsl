// attention/backward-key for software adapters: an invocation takes one value, and the keys that go
// with it (usually one) in turn, through the queries of their heads that see them.
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 16u + local;
  if (index >= p.batch * p.value_heads * p.length) { return; }
  let j = index % p.length;
  let value_head = index / p.length % p.value_heads;
  let sequence = index / p.length / p.value_heads;
  let row = sequence * p.length;
  let value_source = (row + j) * width() + value_at(value_head);
  var value: Value;
  for (var k = 0u; k < VALUE_QUADS; k++) { value[k] = qkv[value_source + k]; }
  var d_value: Value;
  let last = select(min(p.length - 1u, j + min(p.window - 1u, p.length)), p.length - 1u, j < p.sink);
  for (var kv_head = value_head; kv_head < p.kv_heads; kv_head += p.value_heads) {
    let key_source = (row + j) * width() + key_at(kv_head);
    var key: Head;
    for (var k = 0u; k < QUADS; k++) { key[k] = qkv[key_source + k]; }
    var d_key = Head(); // spelt out: without an initial value it was zero only the first time round (seen with SwiftShader)
    for (var head = kv_head * (p.heads / p.kv_heads); head < (kv_head + 1u) * (p.heads / p.kv_heads); head++) {
      for (var i = j; i <= last; i++) {
        let query = (row + i) * width() + head * QUADS;
        let upstream = ((row + i) * p.heads + head) * VALUE_QUADS;
        let statistics = (sequence * p.heads + head) * p.length + i;
        var product = vec4f();
        var d_weight = vec4f();
        for (var k = 0u; k < QUADS; k++) { product += key[k] * qkv[query + k]; }
        for (var k = 0u; k < VALUE_QUADS; k++) { d_weight += value[k] * d_o[upstream + k]; }
        let weight = exp2(min(0.0, dot(product, vec4f(SCALE2)) - log_sum[statistics]));
        let d_score = weight * (dot(d_weight, vec4f(1.0)) - delta[statistics]);
        for (var k = 0u; k < QUADS; k++) { d_key[k] += d_score * qkv[query + k]; }
        for (var k = 0u; k < VALUE_QUADS; k++) { d_value[k] += weight * d_o[upstream + k]; }
      }
    }
    for (var k = 0u; k < QUADS; k++) { d_qkv[key_source + k] = d_key[k] * SCALE; }
  }
  for (var k = 0u; k < VALUE_QUADS; k++) { d_qkv[value_source + k] = d_value[k]; }
}
