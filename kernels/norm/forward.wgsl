// y = v / sqrt(mean(v²) + eps) · w over each of GROUPS equal parts of a row. LANES invocations share a row, SLOTS rows
// share a workgroup, workgroup.z is the part. src/ops/norm.ts gives V and `value(row, j)`, the V number j of a row of v.
// A row is read twice, the second time from the cache. Constants: UNITS (V's a part), GROUPS, LANES, SLOTS.
struct Params { rows: u32, eps: f32, z_stride: u32, z0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> w: array<V>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;

var<workgroup> sums: array<f32, LANES * SLOTS>;

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let row = (group.y * groups.x + group.x) * SLOTS + local / LANES;
  let inside = row < p.rows;
  let first = group.z * UNITS;
  var squares = 0.0;
  if (inside) {
    for (var j = lane; j < UNITS; j += LANES) {
      let v = value(row, first + j);
      squares += total(v * v);
    }
  }
  if (LANES > 1u) {
    sums[local] = squares;
    workgroupBarrier();
    squares = 0.0;
    for (var other = 0u; other < LANES; other++) { squares += sums[local - lane + other]; }
  }
  if (!inside) { return; }
  let scale = 1.0 / sqrt(squares / WIDTH + p.eps);
  for (var j = lane; j < UNITS; j += LANES) {
    y[row * GROUPS * UNITS + first + j] = value(row, first + j) * scale * w[first + j];
  }
}
