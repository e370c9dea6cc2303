// Gradients of forward.wgsl. Each invocation walks TOKENS tokens of a channel, four at a time, and WIDTH - 1 tokens beyond, computes the
// convolution's result again for the slope of SiLU, writes dx of its tokens and its share of the gradients of weight and bias.
// Constants: WIDTH, TOKENS. src/ops/conv1d.ts gives `bias_of` and `put_bias`.
struct Params { length: u32, blocks: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_weight: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let block = item / p.channels;
  let sequence = block / p.blocks * p.length;
  let t0 = block % p.blocks * TOKENS;
  let t1 = min(t0 + TOKENS, p.length);
  // Inputs, and gradients of the results before SiLU: WIDTH - 1 from before and four new ones, oldest first.
  var window: array<f32, WIDTH + 3u>;
  var slopes: array<f32, WIDTH + 3u>;
  var w: array<f32, WIDTH>;
  var dw: array<f32, WIDTH>;
  for (var j = 0u; j < WIDTH; j++) {
    w[j] = weight[c * WIDTH + j];
    if (j > 0u && t0 + j >= WIDTH) { window[j - 1u] = x[(sequence + t0 + j - WIDTH) * p.columns + p.column + c]; }
  }
  let shift = bias_of(c);
  var db = 0.0;
  for (var t = t0; t < t1 + WIDTH - 1u; t += 4u) {
    for (var i = 0u; i < 4u; i++) {
      slopes[WIDTH - 1u + i] = 0.0;
      if (t + i < p.length) {
        window[WIDTH - 1u + i] = x[(sequence + t + i) * p.columns + p.column + c];
        slopes[WIDTH - 1u + i] = dy[(sequence + t + i) * p.channels + c];
      }
    }
    for (var i = 0u; i < 4u; i++) {
      var sum = shift;
      for (var j = 0u; j < WIDTH; j++) { sum += w[j] * window[i + j]; }
      let s = sigmoid(sum);
      let slope = slopes[WIDTH - 1u + i] * s * (1.0 + sum * (1.0 - s));
      slopes[WIDTH - 1u + i] = slope;
      if (t + i < t1) {
        db += slope;
        for (var j = 0u; j < WIDTH; j++) { dw[j] += slope * window[i + j]; }
      }
      // The gradient of the input WIDTH - 1 tokens back is complete now.
      let now = t + i + 1u;
      if (now >= t0 + WIDTH && now < t1 + WIDTH) {
        var back = 0.0;
        for (var j = 0u; j < WIDTH; j++) { back += w[WIDTH - 1u - j] * slopes[i + j]; }
        dx[(sequence + now - WIDTH) * p.columns + p.column + c] = back;
      }
    }
    for (var j = 0u; j + 1u < WIDTH; j++) {
      window[j] = window[j + 4u];
      slopes[j] = slopes[j + 4u];
    }
  }
  for (var j = 0u; j < WIDTH; j++) { d_weight[item * WIDTH + j] = dw[j]; }
  put_bias(item, db);
}
