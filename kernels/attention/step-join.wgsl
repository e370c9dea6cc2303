// Joins what the parts of attention/step found, in order: o[b, h] = Σ 2^(highest - max) · sum / Σ 2^(highest - max) · total.
struct Params { count: u32, quads: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> found: array<vec4f>;
@group(0) @binding(2) var<storage, read> scales: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 64u + local;
  if (index >= p.count) { return; }
  let first = index / p.quads * p.parts;
  // The first part is never empty.
  var highest = scales[first].x;
  for (var part = 1u; part < p.parts; part++) { highest = max(highest, scales[first + part].x); }
  var sum = vec4f();
  var total = 0.0;
  for (var part = 0u; part < p.parts; part++) {
    let scale = scales[first + part];
    let weight = exp2(scale.x - highest);
    sum += weight * found[(first + part) * p.quads + index % p.quads];
    total += weight * scale.y;
  }
  o[index] = sum / total;
}
