// For y · silu(z): dy (+)= d · silu(z), dz = d · y · silu'(z), with d the gradient of the result. See fusion/gate. Constants: UNITS, ACCUMULATE.
struct Params { count: u32, z_stride: u32, z0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<V>;
@group(0) @binding(2) var<storage, read> z: array<V>;
@group(0) @binding(3) var<storage, read> d: array<V>;
@group(0) @binding(4) var<storage, read_write> dy: array<V>;
@group(0) @binding(5) var<storage, read_write> dz: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let at = i / UNITS * p.z_stride + p.z0 + i % UNITS;
  let gate = z[at];
  let s = sigmoid(gate);
  let value = d[i] * (gate * s);
  dz[at] = d[i] * y[i] * (s * (V(1.0) + gate * (V(1.0) - s)));
  if (ACCUMULATE) { dy[i] += value; } else { dy[i] = value; }
}
