// out[token] = Σ over k of weight[token, k] · y[slots[token, k]], the weights 1 where not WEIGHTED; plus what `before(i)` gives:
// zero, a residual, or what is there. Rows of UNITS V's. src/ops/moe-combine.ts gives `before` and `weight_of`. Constants: UNITS, TOP_K.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<V>;
@group(0) @binding(2) var<storage, read> slots: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let token = i / UNITS;
  var sum = before(i);
  for (var k = 0u; k < TOP_K; k++) {
    let assignment = token * TOP_K + k;
    sum += weight_of(assignment) * y[slots[assignment] * UNITS + i % UNITS];
  }
  out[i] = sum;
}
