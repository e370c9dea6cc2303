// y · silu(z), for rows of UNITS V's; z begins z0 V's into rows of z_stride. V and sigmoid come from src/ops/vector.ts.
struct Params { count: u32, z_stride: u32, z0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<V>;
@group(0) @binding(2) var<storage, read> z: array<V>;
@group(0) @binding(3) var<storage, read_write> into: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let gate = z[i / UNITS * p.z_stride + p.z0 + i % UNITS];
  into[i] = y[i] * (gate * sigmoid(gate));
}
