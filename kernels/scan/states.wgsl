// What a chunk alone adds to the state, states[b, chunk, d] = the recurrence from zero over its tokens, and the sum of its delta. One invocation
// a channel and chunk. Constants: UNITS (vectors of a state), Q. With softplus.wgsl.
struct Params { length: u32, chunks: u32, channels: u32, items: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> raw: array<f32>;
@group(0) @binding(3) var<storage, read> bc: array<vec4f>;
@group(0) @binding(4) var<storage, read> weights: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> states: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let d = item % p.channels;
  let sequence = item / p.channels / p.chunks * p.length;
  let t0 = item / p.channels % p.chunks * Q;
  let weight = d * (UNITS + 1u);
  var h: array<vec4f, UNITS>;
  var a: array<vec4f, UNITS>;
  for (var n = 0u; n < UNITS; n++) { a[n] = weights[weight + n]; }
  let bias = weights[weight + UNITS].x;
  var sum = 0.0;
  for (var t = t0; t < min(t0 + Q, p.length); t++) {
    let at = (sequence + t) * p.channels + d;
    let inputs = (sequence + t) * 2u * UNITS;
    let delta = softplus(raw[at] + bias);
    let step = delta * x[at];
    sum += delta;
    for (var n = 0u; n < UNITS; n++) { h[n] = exp(delta * a[n]) * h[n] + step * bc[inputs + n]; }
  }
  for (var n = 0u; n < UNITS; n++) { states[item * UNITS + n] = h[n]; }
  sums[item] = sum;
}
