// state[b, j, c] = the input of token length - KEPT + j, zero where the sequence is shorter. Constants: KEPT = width - 1.
struct Params { length: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let j = item / p.channels % KEPT;
  let b = item / (p.channels * KEPT);
  var value = 0.0;
  if (p.length + j >= KEPT) { value = x[(b * p.length + p.length + j - KEPT) * p.columns + p.column + c]; }
  state[item] = value;
}
