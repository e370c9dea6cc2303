// Copies keys and values of a prompt from qkv [B*T, FIRST + 2 * QUADS] to the cache [B, capacity, QUADS], in vec4s.
struct Params { batch: u32, length: u32, capacity: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 256u + local;
  let row = index / QUADS;
  if (row >= p.batch * p.length) { return; }
  let quad = index % QUADS;
  let source = row * (FIRST + 2u * QUADS) + FIRST + quad;
  let to = (row / p.length * p.capacity + row % p.length) * QUADS + quad;
  keys[to] = qkv[source];
  values[to] = qkv[source + QUADS];
}
