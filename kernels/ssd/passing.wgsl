// Replaces what every chunk adds to the state by the state that enters it; REVERSE: what every chunk adds to the gradient of the state
// entering it by the gradient of the state leaving it. One invocation walks all chunks of four elements of a state.
// Constants: Q, H, SIZE (elements of a head's state), REVERSE. With FINAL, `after` [b, h, p, n] gets the state after the last chunk.
struct Params { items: u32, chunks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> decay: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let head = item / (SIZE / 4u);
  let b = head / H;
  let within = item % (H * (SIZE / 4u));
  var state = vec4f();
  for (var i = 0u; i < p.chunks; i++) {
    var c = i;
    if (REVERSE) { c = p.chunks - 1u - i; }
    let at = (b * p.chunks + c) * H * (SIZE / 4u) + within;
    let own = states[at];
    states[at] = state;
    state = fma(vec4f(exp(decay[(head * p.chunks + c) * Q + Q - 1u].y)), state, own);
  }
  finish(item, state);
}
