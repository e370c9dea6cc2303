// y = f(x) for rows of UNITS V's; GATED: y = f(gate) · up for rows [gate | up] of 2 · UNITS V's. V comes from
// src/ops/vector.ts, f as `activation` from src/ops/activation.ts. Constants: UNITS, GATED.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  if (GATED) {
    let at = i + i / UNITS * UNITS;
    y[i] = activation(x[at]) * x[at + UNITS];
  } else {
    y[i] = activation(x[i]);
  }
}
