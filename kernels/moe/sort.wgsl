// All steps of the sort in one workgroup, for up to 256 assignments, as in decoding: order[slot] = assignment, slots[assignment]
// = slot; the rest is moe/lists. Constants: EXPERTS.
@group(0) @binding(1) var<storage, read> choice: array<u32>;
@group(0) @binding(4) var<storage, read_write> order: array<u32>;
@group(0) @binding(5) var<storage, read_write> slots: array<u32>;

var<workgroup> choices: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  if (local < p.count) { choices[local] = choice[local]; }
  workgroupBarrier();
  for (var e = local; e <= EXPERTS; e += 256u) {
    var below = 0u;
    for (var i = 0u; i < p.count; i++) { below += select(0u, 1u, choices[i] < e); }
    begins[e] = below;
  }
  workgroupBarrier();
  if (local < p.count) {
    let expert = choices[local];
    var slot = begins[expert];
    for (var i = 0u; i < local; i++) { slot += select(0u, 1u, choices[i] == expert); }
    order[slot] = local;
    slots[local] = slot;
  }
  write_lists(local);
}
