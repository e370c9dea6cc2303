// decay[0, b, h, t] = dt = time_step(raw + bias), decay[1, b, h, t] = cs, the sum of -exp(A_log) · dt over the chunk up to and with t.
// Tokens past the end have dt = 0. One workgroup a head and chunk. Constants: Q, H, SIZE (of a workgroup). time_step comes from src/ops/time-step.ts.
struct Params { length: u32, chunks: u32, count: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> a_log: array<f32>;
@group(0) @binding(4) var<storage, read_write> decay: array<f32>;

var<workgroup> steps: array<f32, Q>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let h = group.x;
  let b = group.y / p.chunks;
  let t0 = group.y % p.chunks * Q;
  for (var i = local; i < Q; i += SIZE) {
    var dt = 0.0;
    if (t0 + i < p.length) { dt = time_step(raw[(b * p.length + t0 + i) * p.columns + p.column + h] + bias[h]); }
    steps[i] = dt;
  }
  workgroupBarrier();
  let a = -exp(a_log[h]);
  for (var i = local; i < Q; i += SIZE) {
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) { sum += steps[j]; }
    let at = (b * H + h) * p.chunks * Q + t0 + i;
    decay[at] = steps[i];
    decay[p.count + at] = a * sum;
  }
}
