// Replaces what every chunk adds to the state by the state that enters it; REVERSE: what every chunk adds to the gradient of the state
// entering it by the gradient of the state leaving it. One invocation walks all chunks of four elements of a state.
// Constants: Q, H, STATE (elements of a head's state), REVERSE.
// src/ops/ssd.ts gives `start`, the state before the first chunk, and `finish`, which keeps the state after the last one or drops it.
struct Params { items: u32, chunks: u32, count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> decay: array<f32>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let head = item / (STATE / 4u);
  let b = head / H;
  let within = item % (H * (STATE / 4u));
  var state = start(item);
  for (var i = 0u; i < p.chunks; i++) {
    var c = i;
    if (REVERSE) { c = p.chunks - 1u - i; }
    let at = (b * p.chunks + c) * H * (STATE / 4u) + within;
    let own = states[at];
    states[at] = state;
    state = fma(vec4f(exp(decay[p.count + (head * p.chunks + c) * Q + Q - 1u])), state, own);
  }
  finish(item, state);
}
