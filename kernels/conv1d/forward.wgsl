// y[t, c] = silu(bias[c] + Σ_j weight[c, j] · x[t - (WIDTH - 1) + j, c]), zeros before the sequence. Neighbouring invocations
// take neighbouring channels, and TOKENS tokens each, so that every input is read about once.
// Constants: WIDTH, TOKENS.
struct Params { length: u32, blocks: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Exponentiates non-positive numbers only.
fn sigmoid(z: f32) -> f32 {
  let e = exp(-abs(z));
  return select(e, 1.0, z >= 0.0) / (1.0 + e);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let block = item / p.channels;
  let sequence = block / p.blocks * p.length;
  let t0 = block % p.blocks * TOKENS;
  // The last WIDTH inputs, oldest first.
  var window: array<f32, WIDTH>;
  var w: array<f32, WIDTH>;
  for (var j = 0u; j < WIDTH; j++) {
    w[j] = weight[c * WIDTH + j];
    window[j] = 0.0;
    if (j > 0u && t0 + j >= WIDTH) { window[j] = x[(sequence + t0 + j - WIDTH) * p.columns + p.column + c]; }
  }
  let shift = bias[c];
  for (var t = t0; t < min(t0 + TOKENS, p.length); t++) {
    for (var j = 1u; j < WIDTH; j++) { window[j - 1u] = window[j]; }
    window[WIDTH - 1u] = x[(sequence + t) * p.columns + p.column + c];
    var sum = shift;
    for (var j = 0u; j < WIDTH; j++) { sum += w[j] * window[j]; }
    y[(sequence + t) * p.channels + c] = sum * sigmoid(sum);
  }
}
