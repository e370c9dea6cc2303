// into[workgroup] = finish(the sum of the values, or of their SQUARES, that fall to it). src/ops/partials.ts gives V and `finish`.
struct Params { units: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> values: array<V>;
@group(0) @binding(2) var<storage, read_write> into: array<f32>;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  var sum = V();
  for (var i = group.x * 256u + local; i < p.units; i += groups.x * 256u) {
    let value = values[i];
    if (SQUARES) { sum += value * value; } else { sum += value; }
  }
  sums[local] = total(sum);
  workgroupBarrier();
  if (local < 16u) {
    var part = 0.0;
    for (var i = 0u; i < 16u; i++) { part += sums[local + 16u * i]; }
    sums[local] = part;
  }
  workgroupBarrier();
  if (local > 0u) { return; }
  var result = 0.0;
  for (var i = 0u; i < 16u; i++) { result += sums[i]; }
  into[group.x] = finish(result);
}
