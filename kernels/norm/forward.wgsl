// y = finish(v / sqrt(mean(v²) + eps) · w) over each of GROUPS equal parts of a row. LANES invocations share a row, SLOTS rows
// share a workgroup, workgroup.z is the part. src/ops/norm-text.ts gives V; `Cell` with `load(row, j)` and `value(cell)`: what is
// read for V number j of a row, and v there; `weight(j)`; and `finish(cell, normed)`: the gate and the constant that come after.
// Constants: UNITS (V's a part), GROUPS, LANES, SLOTS, EACH = ceil(UNITS / LANES), HELD: EACH where a row stays in registers,
// 1 where it is read again (from the cache).
struct Params { rows: u32, eps: f32, z_stride: u32, z0: u32, factor: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

var<workgroup> sums: array<f32, LANES * SLOTS>;

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let row = (group.y * groups.x + group.x) * SLOTS + local / LANES;
  let inside = row < p.rows;
  let first = group.z * UNITS;
  var squares = 0.0;
  var cells: array<Cell, HELD>;
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      let j = lane + i * LANES;
      if (UNITS % LANES == 0u || j < UNITS) {
        let cell = load(row, first + j);
        if (HELD == EACH) { cells[i] = cell; }
        let v = value(cell);
        squares += total(v * v);
      }
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
  for (var i = 0u; i < EACH; i++) {
    let j = lane + i * LANES;
    if (UNITS % LANES == 0u || j < UNITS) {
      var cell: Cell;
      if (HELD == EACH) { cell = cells[i]; } else { cell = load(row, first + j); }
      y[row * GROUPS * UNITS + first + j] = finish(cell, value(cell) * scale * weight(first + j));
    }
  }
}
