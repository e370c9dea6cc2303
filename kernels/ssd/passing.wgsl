// Replaces what every chunk adds to the state by the state that enters it; REVERSE: what every chunk adds to the gradient of the state
// entering it by the gradient of the state leaving it. One invocation walks all chunks of four elements of a state.
// Constants: Q, H, STATE (elements of a head's state), REVERSE.
// src/ops/ssd.ts gives `start`, the state before the first chunk, and `finish`, which keeps the state after the last one or drops it.
struct Params { items: u32, chunks: u32, count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> decay: array<f32>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;

fn place(i: u32) -> u32 { return select(i, p.chunks - 1u - i, REVERSE); }
fn ahead(first: u32, i: u32) -> vec4f {
  return states[first + place(min(i, p.chunks - 1u)) * H * (STATE / 4u)];
}
fn pass_on(first: u32, head: u32, i: u32, own: vec4f, state: vec4f) -> vec4f {
  if (i >= p.chunks) { return state; }
  let c = place(i);
  states[first + c * H * (STATE / 4u)] = state;
  return fma(vec4f(exp(decay[p.count + (head * p.chunks + c) * Q + Q - 1u])), state, own);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let head = item / (STATE / 4u);
  let b = head / H;
  let within = item % (H * (STATE / 4u));
  let first = b * p.chunks * H * (STATE / 4u) + within;
  var state = start(item);
  // Four chunks are read before the first of them is written over: their latencies overlap.
  for (var i = 0u; i < p.chunks; i += 4u) {
    let own0 = ahead(first, i);
    let own1 = ahead(first, i + 1u);
    let own2 = ahead(first, i + 2u);
    let own3 = ahead(first, i + 3u);
    state = pass_on(first, head, i, own0, state);
    state = pass_on(first, head, i + 1u, own1, state);
    state = pass_on(first, head, i + 2u, own2, state);
    state = pass_on(first, head, i + 3u, own3, state);
  }
  finish(item, state);
}
