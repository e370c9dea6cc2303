// dtable[id] (+)= the sum of the partial sums of id's segments first[id] … first[id + 1] - 1, in a fixed order; zero for an
// id that did not occur. LANES V's of SLICES segments at a time share a workgroup. Constants: UNITS, LANES, SLICES, ACCUMULATE.
struct Params { vocab: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> partial: array<V>;
@group(0) @binding(3) var<storage, read_write> dtable: array<V>;

var<workgroup> sums: array<V, LANES * SLICES>;

@compute @workgroup_size(LANES * SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * LANES + local % LANES;
  let slice = local / LANES;
  let id = i / UNITS;
  let j = i % UNITS;
  var sum = V();
  var seen = false;
  if (id < p.vocab) {
    let begin = first[id];
    let end = first[id + 1u];
    seen = end > begin;
    for (var s = begin + slice; s < end; s += SLICES) { sum += partial[s * UNITS + j]; }
  }
  if (SLICES > 1u) {
    sums[local] = sum;
    workgroupBarrier();
    if (slice > 0u) { return; }
    for (var other = 1u; other < SLICES; other++) { sum += sums[other * LANES + local]; }
  }
  if (id >= p.vocab) { return; }
  if (ACCUMULATE) {
    if (seen) { dtable[i] += sum; }
  } else {
    dtable[i] = sum;
  }
}
