// For y = silu(gate) · up: dgate = dy · up · silu'(gate), dup = dy · silu(gate), into rows [dgate | dup].
// Constants: UNITS, ACCUMULATE.
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> dy: array<V>;
@group(0) @binding(3) var<storage, read_write> dx: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= p.count) { return; }
  let at = i + i / UNITS * UNITS;
  let gate = x[at];
  let s = sigmoid(gate);
  let d = dy[i];
  let dgate = d * x[at + UNITS] * (s * (V(1.0) + gate * (V(1.0) - s)));
  let dup = d * (gate * s);
  if (ACCUMULATE) {
    dx[at] += dgate;
    dx[at + UNITS] += dup;
  } else {
    dx[at] = dgate;
    dx[at + UNITS] = dup;
  }
}
