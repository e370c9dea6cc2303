// into[t, column + n] = the sum over parts of partials[part, t, n], in their order: the gradient of B or C. Constants: N.
struct Params { items: u32, parts: u32, first: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> into: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  var sum = 0.0;
  for (var part = 0u; part < p.parts; part++) { sum += partials[p.first + part * p.items + item]; }
  into[item / N * p.columns + p.column + item % N] = sum;
}
