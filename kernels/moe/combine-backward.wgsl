// For out = Σ weight · y[slots]: dy[slot] (+)= weight · dout[token], dweight = dout[token] · y[slot]. LANES invocations share an
// assignment, SLOTS assignments a workgroup. Constants: UNITS (V's a row), TOP_K, LANES, SLOTS, ACCUMULATE_Y, ACCUMULATE_WEIGHT.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<V>;
@group(0) @binding(2) var<storage, read> slots: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<V>;
@group(0) @binding(5) var<storage, read_write> dy: array<V>;
@group(0) @binding(6) var<storage, read_write> dweight: array<f32>;

var<workgroup> sums: array<f32, LANES * SLOTS>;

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let assignment = (group.y * groups.x + group.x) * SLOTS + local / LANES;
  let inside = assignment < p.count;
  var product = 0.0;
  if (inside) {
    let slot = slots[assignment];
    let w = weight[assignment];
    for (var j = lane; j < UNITS; j += LANES) {
      let d = dout[assignment / TOP_K * UNITS + j];
      let at = slot * UNITS + j;
      product += total(d * y[at]);
      if (ACCUMULATE_Y) { dy[at] += w * d; } else { dy[at] = w * d; }
    }
  }
  if (LANES > 1u) {
    sums[local] = product;
    workgroupBarrier();
    if (lane > 0u) { return; }
    for (var other = 1u; other < LANES; other++) { product += sums[local + other]; }
  }
  if (!inside) { return; }
  if (ACCUMULATE_WEIGHT) { dweight[assignment] += product; } else { dweight[assignment] = product; }
}
