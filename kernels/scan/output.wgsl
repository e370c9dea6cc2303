// out_t = y_t silu(z_t), y_t = h_t · C_t + D x_t, h_t = exp(delta_t A) h_{t-1} + delta_t x_t B_t. One invocation takes a channel over `tokens` tokens:
// a chunk, whose entering state is there already, or a whole sequence. Constants: UNITS (vectors of a state), Q.
// With softplus.wgsl, sigmoid, `start` and `finish` of src/ops/state-ends.ts, and `keep`, which keeps the state entering a chunk or drops it.
struct Params { length: u32, tokens: u32, blocks: u32, channels: u32, items: u32, z_columns: u32, z_column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> raw: array<f32>;
@group(0) @binding(3) var<storage, read> z: array<f32>;
@group(0) @binding(4) var<storage, read> bc: array<vec4f>;
@group(0) @binding(5) var<storage, read> weights: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let d = item % p.channels;
  let b = item / p.channels / p.blocks;
  let t0 = item / p.channels % p.blocks * p.tokens;
  let weight = d * (UNITS + 1u);
  var h: array<vec4f, UNITS>;
  var a: array<vec4f, UNITS>;
  for (var n = 0u; n < UNITS; n++) {
    a[n] = weights[weight + n];
    h[n] = start(item * UNITS + n);
  }
  let bias = weights[weight + UNITS].x;
  let through = weights[weight + UNITS].y;
  for (var t = t0; t < min(t0 + p.tokens, p.length); t++) {
    if (t % Q == 0u) {
      let chunk = b * ((p.length + Q - 1u) / Q) + t / Q;
      for (var n = 0u; n < UNITS; n++) { keep((chunk * p.channels + d) * UNITS + n, h[n]); }
    }
    let row = b * p.length + t;
    let inputs = row * 2u * UNITS;
    let value = x[row * p.channels + d];
    let delta = softplus(raw[row * p.channels + d] + bias);
    let step = delta * value;
    var sum = vec4f(through * value, 0.0, 0.0, 0.0);
    for (var n = 0u; n < UNITS; n++) {
      h[n] = exp(delta * a[n]) * h[n] + step * bc[inputs + n];
      sum += h[n] * bc[inputs + UNITS + n];
    }
    let gate = z[row * p.z_columns + p.z_column + d];
    out[row * p.channels + d] = dot(sum, vec4f(1.0)) * (gate * sigmoid(gate));
  }
  for (var n = 0u; n < UNITS; n++) { finish(item * UNITS + n, h[n]); }
}
