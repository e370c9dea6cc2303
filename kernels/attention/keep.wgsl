// Copies keys and values of a prompt from qkv [B*T, FIRST + KEY_QUADS + VALUE_QUADS] to the caches [B, capacity, KEY_QUADS] and
// [B, capacity, VALUE_QUADS], in vec4s.
struct Params { batch: u32, length: u32, capacity: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4f>;

const KEPT = KEY_QUADS + VALUE_QUADS;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 256u + local;
  let row = index / KEPT;
  if (row >= p.batch * p.length) { return; }
  let quad = index % KEPT;
  let kept = qkv[row * (FIRST + KEPT) + FIRST + quad];
  let to = row / p.length * p.capacity + row % p.length;
  if (quad < KEY_QUADS) { keys[to * KEY_QUADS + quad] = kept; } else { values[to * VALUE_QUADS + quad - KEY_QUADS] = kept; }
}
