// statistics = the counts of each expert and the mean entropy of the router, by one workgroup; and where the layer has a bias,
// bias_e += step · (sign(mean load - load_e) - the mean of these signs). src/ops/moe-balance.ts gives `move_bias`. Constants: EXPERTS.
struct Params { rows: u32, assignments: u32, parts: u32, step: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<f32>;

var<workgroup> sums: array<f32, 64>;

// The sign of mean load - load, in whole numbers.
fn direction(e: u32) -> f32 { return f32(sign(i32(p.assignments) - i32(counts[e] * EXPERTS))); }

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < p.parts; i += 64u) { sum += entropy[i]; }
  sums[local] = sum;
  workgroupBarrier();
  if (local == 0u) {
    for (var other = 1u; other < 64u; other++) { sum += sums[other]; }
    statistics[EXPERTS] = sum / f32(p.rows);
  }
  var mean = 0.0;
  for (var e = 0u; e < EXPERTS; e++) { mean += direction(e); }
  mean /= f32(EXPERTS);
  for (var e = local; e < EXPERTS; e += 64u) {
    statistics[e] = f32(counts[e]);
    move_bias(e, p.step * (direction(e) - mean));
  }
}
