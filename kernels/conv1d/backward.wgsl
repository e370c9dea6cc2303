// Gradients of forward.wgsl. Each invocation walks TOKENS tokens of a channel and WIDTH - 1 tokens beyond, computes the
// convolution's result again for the slope of SiLU, writes dx of its tokens and its share of the gradients of weight and bias.
// Constants: WIDTH, TOKENS.
struct Params { length: u32, blocks: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_weight: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_bias: array<f32>;

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
  let t1 = min(t0 + TOKENS, p.length);
  var window: array<f32, WIDTH>;
  var w: array<f32, WIDTH>;
  var dw: array<f32, WIDTH>;
  // Gradients of the last WIDTH results before SiLU, oldest first.
  var slopes: array<f32, WIDTH>;
  for (var j = 0u; j < WIDTH; j++) {
    w[j] = weight[c * WIDTH + j];
    window[j] = 0.0;
    dw[j] = 0.0;
    slopes[j] = 0.0;
    if (j > 0u && t0 + j >= WIDTH) { window[j] = x[(sequence + t0 + j - WIDTH) * p.columns + p.column + c]; }
  }
  let shift = bias[c];
  var db = 0.0;
  for (var t = t0; t < t1 + WIDTH - 1u; t++) {
    for (var j = 1u; j < WIDTH; j++) {
      window[j - 1u] = window[j];
      slopes[j - 1u] = slopes[j];
    }
    var slope = 0.0;
    if (t < p.length) {
      window[WIDTH - 1u] = x[(sequence + t) * p.columns + p.column + c];
      var sum = shift;
      for (var j = 0u; j < WIDTH; j++) { sum += w[j] * window[j]; }
      let s = sigmoid(sum);
      slope = dy[(sequence + t) * p.channels + c] * s * (1.0 + sum * (1.0 - s));
      if (t < t1) {
        db += slope;
        for (var j = 0u; j < WIDTH; j++) { dw[j] += slope * window[j]; }
      }
    }
    slopes[WIDTH - 1u] = slope;
    if (t + 1u >= t0 + WIDTH) {
      var sum = 0.0;
      for (var j = 0u; j < WIDTH; j++) { sum += w[WIDTH - 1u - j] * slopes[j]; }
      dx[(sequence + t + 1u - WIDTH) * p.columns + p.column + c] = sum;
    }
  }
  for (var j = 0u; j < WIDTH; j++) { d_weight[item * WIDTH + j] = dw[j]; }
  d_bias[item] = db;
}
