// Replaces what every chunk adds to the state by the state that enters it; REVERSE: what every chunk adds to the gradient of the state
// entering it by the gradient of the state leaving it. One invocation walks all chunks of four elements of a state.
// Constants: UNITS, REVERSE. src/ops/state-ends.ts gives `start` and `finish`.
struct Params { chunks: u32, channels: u32, items: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> states: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let n = item % UNITS;
  let d = item / UNITS % p.channels;
  let b = item / UNITS / p.channels;
  let a = weights[d * (UNITS + 1u) + n];
  var state = start(item);
  for (var i = 0u; i < p.chunks; i++) {
    var chunk = i;
    if (REVERSE) { chunk = p.chunks - 1u - i; }
    let at = (b * p.chunks + chunk) * p.channels + d;
    let own = states[at * UNITS + n];
    states[at * UNITS + n] = state;
    state = fma(exp(a * sums[at]), state, own);
  }
  finish(item, state);
}
