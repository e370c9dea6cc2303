// histogram[e, block] = how many of the block's 256 assignments chose expert e: the first step of a counting sort.
// Whole numbers add up to the same in any order. Constants: EXPERTS.
struct Params { count: u32, blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> choice: array<u32>;
@group(0) @binding(2) var<storage, read_write> histogram: array<u32>;

var<workgroup> counts: array<atomic<u32>, EXPERTS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = group.y * groups.x + group.x;
  let i = block * 256u + local;
  // Workgroup memory begins with rubbish: the device is asked not to clear it.
  for (var e = local; e < EXPERTS; e += 256u) { atomicStore(&counts[e], 0u); }
  workgroupBarrier();
  if (i < p.count) { atomicAdd(&counts[choice[i]], 1u); }
  workgroupBarrier();
  if (block >= p.blocks) { return; }
  for (var e = local; e < EXPERTS; e += 256u) { histogram[e * p.blocks + block] = atomicLoad(&counts[e]); }
}
