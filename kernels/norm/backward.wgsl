// With r = 1 / sqrt(mean(v²) + eps), d the gradient of v · r · w and g = d · w:  dv = r · (g - v · r² · mean(g · v)),
// dw = Σ over rows of d · v · r. A workgroup takes `per` rows, SLOTS at a time with LANES invocations each, and keeps its share of
// dw in registers, as it does what it reads of a row; norm/partials adds the shares. workgroup.z is the part of a row.
// src/ops/norm-text.ts gives V, `Cell`, `load`, `value`, `weight` (see norm/forward), `enter(cell, dy)` = d, `store(row, j, cell, dv, n)`
// with n = dy · v · r · w, of which a gate that comes after gets its gradient, and `give(i, dw)` for the shares.
// Constants: UNITS, GROUPS, LANES, SLOTS, EACH = ceil(UNITS / LANES), WEIGHTED, HELD: EACH where a row stays in registers, 1 where
// it is read again (from the cache).
struct Params { rows: u32, eps: f32, z_stride: u32, z0: u32, factor: f32, per: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> dy: array<V>;
@group(0) @binding(3) var<storage, read_write> dx: array<V>;

// Two sets of sums take turns, so that one barrier a row is enough.
var<workgroup> sums: array<vec2f, 2 * LANES * SLOTS>;
var<workgroup> shares: array<V, LANES * SLOTS>;

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let lane = local % LANES;
  let slot = local / LANES;
  let first = group.z * UNITS;
  var dw: array<V, EACH>;
  var cells: array<Cell, HELD>;
  var upstream: array<V, HELD>;
  for (var at = 0u; at < p.per; at += SLOTS) {
    let row = index * p.per + at + slot;
    let inside = row < p.rows;
    // Σ v² and Σ g · v
    var both = vec2f();
    if (inside) {
      for (var i = 0u; i < EACH; i++) {
        let j = lane + i * LANES;
        if (UNITS % LANES == 0u || j < UNITS) {
          let cell = load(row, first + j);
          let d = dy[row * GROUPS * UNITS + first + j];
          if (HELD == EACH) {
            cells[i] = cell;
            upstream[i] = d;
          }
          let v = value(cell);
          both += vec2f(total(v * v), total(v * weight(first + j) * enter(cell, d)));
        }
      }
    }
    if (LANES > 1u) {
      let turn = (at / SLOTS) % 2u * (LANES * SLOTS);
      sums[turn + local] = both;
      workgroupBarrier();
      both = vec2f();
      for (var other = 0u; other < LANES; other++) { both += sums[turn + local - lane + other]; }
    }
    if (inside) {
      let square = 1.0 / (both.x / WIDTH + p.eps);
      let scale = sqrt(square);
      let along = both.y * square / WIDTH;
      for (var i = 0u; i < EACH; i++) {
        let j = lane + i * LANES;
        if (UNITS % LANES == 0u || j < UNITS) {
          var cell: Cell;
          var d: V;
          if (HELD == EACH) {
            cell = cells[i];
            d = upstream[i];
          } else {
            cell = load(row, first + j);
            d = dy[row * GROUPS * UNITS + first + j];
          }
          let v = value(cell);
          let inner = enter(cell, d);
          dw[i] += inner * v * scale;
          let w = weight(first + j);
          store(row, first + j, cell, scale * (inner * w - v * along), d * v * scale * w);
        }
      }
    }
  }
  if (!WEIGHTED) { return; }
  for (var i = 0u; i < EACH; i++) {
    let j = lane + i * LANES;
    if (LANES == 1u) {
      give((index * SLOTS + slot) * GROUPS * UNITS + first + j, dw[i]);
    } else {
      shares[local] = dw[i];
      workgroupBarrier();
      if (slot == 0u && j < UNITS) {
        var sum = V();
        for (var other = 0u; other < SLOTS; other++) { sum += shares[other * LANES + lane]; }
        give(index * GROUPS * UNITS + first + j, sum);
      }
      workgroupBarrier();
    }
  }
}
