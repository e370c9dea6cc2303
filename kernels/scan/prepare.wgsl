// Gathers what the other kernels of the scan read: for every token bc[t] = B_t, C_t, wherever their columns are, and for every channel
// weights[d] = -exp(A_log), then dt_bias, D and two zeros. Constants: N.
struct Params { rows: u32, channels: u32, b_columns: u32, b_column: u32, c_columns: u32, c_column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read> a_log: array<f32>;
@group(0) @binding(4) var<storage, read> dt_bias: array<f32>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> bc: array<f32>;
@group(0) @binding(7) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  let tokens = p.rows * 2u * N;
  if (item < tokens) {
    let row = item / (2u * N);
    let n = item % (2u * N);
    if (n < N) { bc[item] = b[row * p.b_columns + p.b_column + n]; } else { bc[item] = c[row * p.c_columns + p.c_column + n - N]; }
    return;
  }
  let at = item - tokens;
  let channel = at / (N + 4u);
  let n = at % (N + 4u);
  if (channel >= p.channels) { return; }
  var value = 0.0;
  if (n < N) { value = -exp(a_log[channel * N + n]); }
  if (n == N) { value = dt_bias[channel]; }
  if (n == N + 1u) { value = d[channel]; }
  weights[at] = value;
}
