// decay[0, b, h, t] = dt = softplus(raw + bias), decay[1, b, h, t] = cs, the sum of -exp(A_log) · dt over the chunk up to and with t.
// Tokens past the end have dt = 0. One workgroup a head and chunk. Constants: Q, H, SIZE (of a workgroup).
struct Params { length: u32, chunks: u32, count: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> a_log: array<f32>;
@group(0) @binding(4) var<storage, read_write> decay: array<f32>;

var<workgroup> steps: array<f32, Q>;

// log(1 + e) as 2 artanh(e / (2 + e)): full relative precision for the smallest dt, too.
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let z = e / (2.0 + e);
  let z2 = z * z;
  let series = 1.0 + z2 * (1.0 / 3.0 + z2 * (0.2 + z2 * (1.0 / 7.0 + z2 * (1.0 / 9.0 + z2 * (1.0 / 11.0 + z2 / 13.0)))));
  return max(x, 0.0) + 2.0 * z * series;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let h = group.x;
  let b = group.y / p.chunks;
  let t0 = group.y % p.chunks * Q;
  for (var i = local; i < Q; i += SIZE) {
    var dt = 0.0;
    if (t0 + i < p.length) { dt = softplus(raw[(b * p.length + t0 + i) * p.columns + p.column + h] + bias[h]); }
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
