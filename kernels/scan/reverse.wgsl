// The gradient of y, g_t = d_out_t silu(z_t), into the first plane of `work`; and the gradients of states, walking back over `tokens` tokens of a channel:
// WHOLE, a whole sequence, that of the state leaving each chunk; else, over one chunk, what it adds to that of the state entering it.
// Constants: UNITS (vectors of a state), Q, WHOLE. With softplus.wgsl and sigmoid.
struct Params { length: u32, tokens: u32, blocks: u32, channels: u32, items: u32, z_columns: u32, z_column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> d_out: array<f32>;
@group(0) @binding(4) var<storage, read> bc: array<vec4f>;
@group(0) @binding(5) var<storage, read> weights: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> d_states: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> work: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let d = item % p.channels;
  let b = item / p.channels / p.blocks;
  let t0 = item / p.channels % p.blocks * p.tokens;
  let t1 = min(t0 + p.tokens, p.length);
  let weight = d * (UNITS + 1u);
  var r: array<vec4f, UNITS>;
  var a: array<vec4f, UNITS>;
  for (var n = 0u; n < UNITS; n++) { a[n] = weights[weight + n]; }
  let bias = weights[weight + UNITS].x;
  for (var i = t0; i < t1; i++) {
    let t = t0 + t1 - 1u - i;
    if (WHOLE && (i == t0 || t % Q == Q - 1u)) {
      let chunk = b * ((p.length + Q - 1u) / Q) + t / Q;
      for (var n = 0u; n < UNITS; n++) { d_states[(chunk * p.channels + d) * UNITS + n] = r[n]; }
    }
    let row = b * p.length + t;
    let at = row * p.channels + d;
    let outputs = (row * 2u + 1u) * UNITS;
    let gate = z[row * p.z_columns + p.z_column + d];
    let slope = d_out[at] * (gate * sigmoid(gate));
    let delta = softplus(raw[at] + bias);
    work[at] = slope;
    for (var n = 0u; n < UNITS; n++) { r[n] = exp(delta * a[n]) * (r[n] + slope * bc[outputs + n]); }
  }
  if (WHOLE) { return; }
  for (var n = 0u; n < UNITS; n++) { d_states[item * UNITS + n] = r[n]; }
}
