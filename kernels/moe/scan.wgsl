// The second step of the counting sort, by one workgroup: histogram [EXPERTS, blocks] becomes the place of each block's first
// assignment to each expert. The rest is moe/lists. Constants: EXPERTS.
@group(0) @binding(1) var<storage, read_write> histogram: array<u32>;

var<workgroup> sums: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  let size = EXPERTS * p.blocks;
  let each = (size + 255u) / 256u;
  let first = min(local * each, size);
  let end = min(first + each, size);
  var sum = 0u;
  for (var i = first; i < end; i++) { sum += histogram[i]; }
  sums[local] = sum;
  workgroupBarrier();
  var place = 0u;
  for (var other = 0u; other < local; other++) { place += sums[other]; }
  for (var i = first; i < end; i++) {
    if (i % p.blocks == 0u) { begins[i / p.blocks] = place; }
    let here = histogram[i];
    histogram[i] = place;
    place += here;
  }
  if (local == 255u) { begins[EXPERTS] = p.count; }
  workgroupBarrier();
  write_lists(local);
}
