// y (+)= x with each column multiplied by its constant, for rows of UNITS V's. V comes from src/ops/vector.ts, and `scaled`
// with the constants from src/ops/scale.ts. Constants: UNITS, ACCUMULATE.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let value = scaled(x[i], i % UNITS);
  if (ACCUMULATE) { y[i] += value; } else { y[i] = value; }
}
