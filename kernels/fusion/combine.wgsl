// The two branches of a hybrid block, each times its scale, put together. src/ops/combine-text.ts gives V, `load_a(row, j)` and
// `load_b(row, j)`: V number j of a row of each branch, `scales(row, j)`: what they are multiplied by, and `leave(row, j, a, b)`,
// which adds, subtracts or lays side by side. Constants: UNITS (V's in a group of columns that share a scale), GROUPS.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let row = i / (GROUPS * UNITS);
  let j = i % (GROUPS * UNITS);
  let s = scales(row, j);
  leave(row, j, s.a * load_a(row, j), s.b * load_b(row, j));
}
