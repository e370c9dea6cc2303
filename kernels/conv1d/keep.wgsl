// state[b, j, c] = the input of token length - KEPT + j, and `earlier` where the sequence is shorter. One invocation takes a channel from the
// oldest input on: in place, what `earlier` reads is never behind what has been written. Constants: KEPT = width - 1.
struct Params { length: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let b = item / p.channels;
  for (var j = 0u; j < KEPT; j++) {
    var value: f32;
    if (p.length + j >= KEPT) {
      value = x[(b * p.length + p.length + j - KEPT) * p.columns + p.column + c];
    } else {
      value = earlier(b, p.length + j, c);
    }
    state[(b * KEPT + j) * p.channels + c] = value;
  }
}
