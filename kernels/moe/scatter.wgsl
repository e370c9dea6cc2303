// The last step of the counting sort: order[slot] = assignment and slots[assignment] = slot, sorted by expert and, within one,
// in the order of the tokens. place [EXPERTS, blocks] comes from moe/scan.
struct Params { count: u32, blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> choice: array<u32>;
@group(0) @binding(2) var<storage, read> place: array<u32>;
@group(0) @binding(3) var<storage, read_write> order: array<u32>;
@group(0) @binding(4) var<storage, read_write> slots: array<u32>;

var<workgroup> block_choices: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = group.y * groups.x + group.x;
  let i = block * 256u + local;
  var expert = 0u;
  if (i < p.count) {
    expert = choice[i];
    block_choices[local] = expert;
  }
  workgroupBarrier();
  if (i >= p.count) { return; }
  var slot = place[expert * p.blocks + block];
  for (var other = 0u; other < local; other++) { slot += select(0u, 1u, block_choices[other] == expert); }
  order[slot] = i;
  slots[i] = slot;
}
