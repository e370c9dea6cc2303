// Hands on what backward.wgsl left in `work`, y_t, dx_t and d_raw_t, to x, dt and the gate: dz_t = d_out_t y_t silu'(z_t).
// Constants: ADD_X, ADD_DT (to a gradient that is there). With sigmoid.
struct Params { channels: u32, items: u32, z_columns: u32, z_column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> work: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> d_out: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_raw: array<f32>;
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let at = item / p.channels * p.z_columns + p.z_column + item % p.channels;
  let gate = z[at];
  let s = sigmoid(gate);
  dz[at] = d_out[item] * work[item] * (s * (1.0 + gate * (1.0 - s)));
  let through = work[p.items + item];
  let slope = work[2u * p.items + item];
  if (ADD_X) { dx[item] += through; } else { dx[item] = through; }
  if (ADD_DT) { d_raw[item] += slope; } else { d_raw[item] = slope; }
}
