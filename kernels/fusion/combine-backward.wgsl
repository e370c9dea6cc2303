// Gradients of fusion/combine. With d = arrive(row, j) the gradients of the two scaled branches: da = s.a · d.a, db = s.b · d.b, and
// those of the scales by `slope(s, d, a, b)`, kept for each element by `keep`, or summed over a row of a group (BY_ROW), over
// a group (BY_GROUP) or over a column (BY_COLUMN). A workgroup takes `per` rows, SLOTS at a time with LANES invocations each; for sums
// over rows it leaves its share in a partial buffer, and norm/partials adds the shares. workgroup.z is the group of columns.
// src/ops/combine-text.ts gives V and the functions. Constants: UNITS (V's a group), GROUPS, LANES, SLOTS, EACH = ceil(UNITS / LANES).
struct Params { rows: u32, per: u32, second: u32 }
@group(0) @binding(0) var<uniform> p: Params;

// Two sets of sums take turns, so that one barrier a row is enough.
var<workgroup> sums: array<f32, 2 * LANES * SLOTS>;
var<workgroup> shares: array<V, LANES * SLOTS>;

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let lane = local % LANES;
  let slot = local / LANES;
  let first = group.z * UNITS;
  var columns: array<Pair, EACH>;
  var whole = 0.0;
  for (var at = 0u; at < p.per; at += SLOTS) {
    let row = index * p.per + at + slot;
    let inside = row < p.rows;
    var along = 0.0;
    if (inside) {
      for (var i = 0u; i < EACH; i++) {
        let j = lane + i * LANES;
        if (UNITS % LANES == 0u || j < UNITS) {
          let s = scales(row, first + j);
          let d = arrive(row, first + j);
          let a = load_a(row, first + j);
          let b = load_b(row, first + j);
          store_a(row, first + j, s.a * d.a);
          store_b(row, first + j, s.b * d.b);
          if (BY_COLUMN) {
            columns[i].a += a * d.a;
            columns[i].b += b * d.b;
          }
          let part = slope(s, d, a, b);
          keep(row, first + j, part);
          along += total(part);
        }
      }
    }
    if (BY_ROW) {
      if (LANES > 1u) {
        let turn = (at / SLOTS) % 2u * (LANES * SLOTS);
        sums[turn + local] = along;
        workgroupBarrier();
        along = 0.0;
        for (var other = 0u; other < LANES; other++) { along += sums[turn + local - lane + other]; }
      }
      if (inside && lane == 0u) { put(row * GROUPS + group.z, along); }
    }
    whole += along;
  }
  if (BY_GROUP) {
    if (LANES == 1u) {
      put((index * SLOTS + slot) * GROUPS + group.z, whole);
    } else {
      sums[local] = whole;
      workgroupBarrier();
      if (local == 0u) {
        var sum = 0.0;
        for (var other = 0u; other < LANES * SLOTS; other++) { sum += sums[other]; }
        put(index * GROUPS + group.z, sum);
      }
    }
  }
  if (!BY_COLUMN) { return; }
  for (var i = 0u; i < EACH; i++) {
    let j = lane + i * LANES;
    if (LANES == 1u) {
      give((index * SLOTS + slot) * UNITS + j, columns[i]);
    } else {
      var sum = Pair(); // written out: SwiftShader zeroes a bare declaration in a loop the first time only
      shares[local] = columns[i].a;
      workgroupBarrier();
      for (var other = 0u; other < SLOTS; other++) { sum.a += shares[other * LANES + lane]; }
      workgroupBarrier();
      shares[local] = columns[i].b;
      workgroupBarrier();
      for (var other = 0u; other < SLOTS; other++) { sum.b += shares[other * LANES + lane]; }
      if (slot == 0u && j < UNITS) { give(index * UNITS + j, sum); }
      workgroupBarrier();
    }
  }
}
