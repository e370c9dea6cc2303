// Writes UNITS V's from column `to` on in each row of `into`: those from `skip` on are the `width` ones from column `first` on in
// the row of `source`, what is before and behind them is 0. ACCUMULATE adds. V comes from src/ops/vector.ts; all columns count V's.
struct Params { count: u32, source_columns: u32, first: u32, into_columns: u32, to: u32, skip: u32, width: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<V>;
@group(0) @binding(2) var<storage, read_write> into: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let row = i / UNITS;
  let j = i % UNITS;
  var value = V();
  if (j >= p.skip && j < p.skip + p.width) { value = source[row * p.source_columns + p.first + j - p.skip]; }
  let at = row * p.into_columns + p.to + j;
  if (ACCUMULATE) { into[at] += value; } else { into[at] = value; }
}
