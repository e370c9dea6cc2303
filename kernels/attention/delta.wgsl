// delta[b, h, t] = Σ do · o over the head, which the softmax's gradient subtracts. Constants: HEADS, QUADS (valueDim / 4).
struct Params { batch: u32, length: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.batch * p.length * HEADS) { return; }
  var sum = 0.0;
  for (var k = i * QUADS; k < (i + 1u) * QUADS; k++) { sum += dot(o[k], d_o[k]); }
  let row = i / HEADS;
  delta[(row / p.length * HEADS + i % HEADS) * p.length + row % p.length] = sum;
}
