// y[t, c] = silu(bias[c] + Σ_j weight[c, j] · x[t - (WIDTH - 1) + j, c]), `earlier` before the sequence. Neighbouring
// invocations take neighbouring channels, and TOKENS tokens each (a multiple of 4), so that every input is read about once.
// Constants: WIDTH, TOKENS. src/ops/conv1d.ts gives `bias_of` and `earlier`.
struct Params { length: u32, blocks: u32, items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let block = item / p.channels;
  let sequence = block / p.blocks * p.length;
  let t0 = block % p.blocks * TOKENS;
  // WIDTH - 1 inputs before and four new ones, oldest first: four reads are on their way at a time.
  var window: array<f32, WIDTH + 3u>;
  var w: array<f32, WIDTH>;
  for (var j = 0u; j < WIDTH; j++) {
    w[j] = weight[c * WIDTH + j];
    if (j > 0u && t0 + j >= WIDTH) {
      window[j - 1u] = x[(sequence + t0 + j - WIDTH) * p.columns + p.column + c];
    } else if (j > 0u) {
      window[j - 1u] = earlier(block / p.blocks, t0 + j - 1u, c);
    }
  }
  let shift = bias_of(c);
  for (var t = t0; t < min(t0 + TOKENS, p.length); t += 4u) {
    for (var i = 0u; i < 4u; i++) {
      if (t + i < p.length) { window[WIDTH - 1u + i] = x[(sequence + t + i) * p.columns + p.column + c]; }
    }
    for (var i = 0u; i < 4u; i++) {
      var sum = shift;
      for (var j = 0u; j < WIDTH; j++) { sum += w[j] * window[i + j]; }
      if (t + i < p.length) { y[(sequence + t + i) * p.channels + c] = sum * sigmoid(sum); }
    }
    for (var j = 0u; j + 1u < WIDTH; j++) { window[j] = window[j + 4u]; }
  }
}
