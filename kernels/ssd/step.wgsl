// One token a sequence: state = exp(-exp(A_log) dt) state + dt x ⊗ B, in place, and y = state · C + D x. LANES invocations share a row
// (b, h, p) of the state. Constants: P, N, H, G, LANES. time_step comes from src/ops/time-step.ts.
struct Params { rows: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> raw: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> a_log: array<f32>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> state: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = (group.y * groups.x + group.x) * (64u / LANES) + local / LANES;
  let lane = local % LANES;
  let b = row / (H * P);
  let h = row / P % H;
  let first = b * (H * P + 2u * G * N);
  var sum = 0.0;
  if (row < p.rows) {
    let dt = time_step(raw[b * p.columns + p.column + h] + bias[h]);
    let decay = exp(-exp(a_log[h]) * dt);
    let step = dt * x[first + row % (H * P)];
    let at = first + H * P + h / (H / G) * N;
    for (var n = lane; n < N; n += LANES) {
      let value = decay * state[row * N + n] + step * x[at + n];
      state[row * N + n] = value;
      sum += value * x[at + G * N + n];
    }
  }
  sums[local] = sum;
  workgroupBarrier();
  if (lane > 0u || row >= p.rows) { return; }
  sum = d[h] * x[first + row % (H * P)];
  for (var i = 0u; i < LANES; i++) { sum += sums[local + i]; }
  y[row] = sum;
}
