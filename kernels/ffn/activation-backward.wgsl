// For y = f(x): dx = dy · f'(x). GATED, for y = f(gate) · up: dgate = dy · up · f'(gate), dup = dy · f(gate), into rows
// [dgate | dup]. f and f' come from src/ops/activation.ts as `with_slope`. Constants: UNITS, GATED, ACCUMULATE.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> dy: array<V>;
@group(0) @binding(3) var<storage, read_write> dx: array<V>;

fn store(at: u32, value: V) {
  if (ACCUMULATE) { dx[at] += value; } else { dx[at] = value; }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let d = dy[i];
  if (GATED) {
    let at = i + i / UNITS * UNITS;
    let f = with_slope(x[at]);
    store(at, d * x[at + UNITS] * f.slope);
    store(at + UNITS, d * f.value);
  } else {
    store(i, d * with_slope(x[i]).slope);
  }
}
