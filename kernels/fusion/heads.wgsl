// Head h of each row of y is the sum of heads pick(h, 0) to pick(h, COPIES - 1) of that row of x. V comes from
// src/ops/vector.ts, pick from src/ops/heads.ts. Constants: UNITS (V's a head), FROM and TO (heads of x and of y), COPIES, ACCUMULATE.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let row = i / (TO * UNITS);
  let h = i / UNITS % TO;
  let j = i % UNITS;
  var sum = V();
  for (var c = 0u; c < COPIES; c++) { sum += x[(row * FROM + pick(h, c)) * UNITS + j]; }
  if (ACCUMULATE) { y[i] += sum; } else { y[i] = sum; }
}
