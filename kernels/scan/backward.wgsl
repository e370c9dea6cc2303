// Gradients of a chunk of Q tokens, an invocation a channel, from the state that enters it and the gradient of the state that leaves it, four
// elements of the state at a time: their states again, forwards, then back with r_t, the gradient of h_t:
//   dx_t = delta_t (r_t · B_t) + D g_t, d(delta_t A) = r_t exp(delta_t A) h_{t-1}, dB_t = Σ_d delta_t x_t r_t, dC_t = Σ_d g_t h_t.
// `work` comes with g_t and leaves with y_t, dx_t and the gradient of dt's raw value; after it lie this chunk's shares of those of dt_bias and D.
// The share of that of A_log takes the place of the gradient of the state. Sums over Q channels each go to `partials`, first of C, then of B.
// Loops over k are written out: two braces make each copy a scope.
// Constants: UNITS (vectors of a state), Q, CHANNELS (a multiple of Q). With softplus.wgsl and sigmoid.
struct Params { length: u32, chunks: u32, channels: u32, rows: u32, blocks: u32, shares: u32, padded: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> raw: array<f32>;
@group(0) @binding(3) var<storage, read> bc: array<vec4f>;
@group(0) @binding(4) var<storage, read> weights: array<vec4f>;
@group(0) @binding(5) var<storage, read> states: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> d_states: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> work: array<f32>;
@group(0) @binding(8) var<storage, read_write> partials: array<vec4f>;

const PARTS = CHANNELS / Q;
var<workgroup> tile: array<vec4f, Q * CHANNELS>;

/** Sums of the tile over Q channels each; every invocation has one to add, and begins at another channel to meet other memory banks. */
fn put_sums(first: u32, row0: u32, tokens: u32, unit: u32, block: u32, local: u32) {
  workgroupBarrier();
  let t = local / PARTS;
  let part = local % PARTS;
  var sum = vec4f();
  for (var i = 0u; i < Q; i++) { sum += tile[t * CHANNELS + part * Q + (i + local) % Q]; }
  if (t < tokens) { partials[first + ((block * PARTS + part) * p.rows + row0 + t) * UNITS + unit] = sum; }
  workgroupBarrier();
}

@compute @workgroup_size(CHANNELS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.z * groups.y + group.y;
  if (index >= p.blocks) { return; }
  let d = group.x * CHANNELS + local;
  let inside = d < p.channels;
  let t0 = index % p.chunks * Q;
  let tokens = min(Q, p.length - t0);
  let row0 = index / p.chunks * p.length + t0;
  let plane = p.rows * p.channels;
  let weight = d * (UNITS + 1u);
  // Channels and tokens past the end have zeros everywhere, and add nothing.
  var own = vec4f();
  if (inside) { own = weights[weight + UNITS]; }
  var delta: array<f32, Q>;
  var value: array<f32, Q>;
  var g: array<f32, Q>;
  var y: array<f32, Q>;
  var dx: array<f32, Q>;
  var da: array<f32, Q>;
  for (var k = 0u; k < Q; k++) {
    if (inside && k < tokens) {
      let at = (row0 + k) * p.channels + d;
      delta[k] = softplus(raw[at] + own.x);
      value[k] = x[at];
      g[k] = work[at];
    }
  }
  for (var unit = 0u; unit < UNITS; unit++) {
    var a = vec4f();
    var r = vec4f();
    var h: array<vec4f, Q + 1u>;
    let at = (index * p.channels + d) * UNITS + unit;
    if (inside) {
      a = weights[weight + unit];
      h[0] = states[at];
      r = d_states[at];
    }
    for (var k = 0u; k < Q; k++) { {
      let inputs = (row0 + min(k, tokens - 1u)) * 2u * UNITS + unit;
      h[k + 1u] = exp(delta[k] * a) * h[k] + delta[k] * value[k] * bc[inputs];
      y[k] += dot(h[k + 1u], bc[inputs + UNITS]);
      tile[k * CHANNELS + local] = g[k] * h[k + 1u];
    } }
    put_sums(0u, row0, tokens, unit, group.x, local);
    var share = vec4f();
    for (var k = 0u; k < Q; k++) { {
      const t = Q - 1u - k;
      let inputs = (row0 + min(t, tokens - 1u)) * 2u * UNITS + unit;
      r += g[t] * bc[inputs + UNITS];
      dx[t] += dot(r, bc[inputs]);
      tile[t * CHANNELS + local] = delta[t] * value[t] * r;
      r *= exp(delta[t] * a);
      let slope = r * h[t];
      da[t] += dot(slope, a);
      share += delta[t] * slope;
    } }
    put_sums(groups.x * PARTS * p.rows * UNITS, row0, tokens, unit, group.x, local);
    if (inside) { d_states[at] = share * a; }
  }
  if (!inside) { return; }
  var d_bias = 0.0;
  var d_through = 0.0;
  for (var k = 0u; k < Q; k++) {
    if (k < tokens) {
      let at = (row0 + k) * p.channels + d;
      let d_raw = (value[k] * dx[k] + da[k]) * sigmoid(raw[at] + own.x);
      work[at] = y[k] + own.y * value[k];
      work[plane + at] = delta[k] * dx[k] + own.y * g[k];
      work[2u * plane + at] = d_raw;
      d_bias += d_raw;
      d_through += value[k] * g[k];
    }
  }
  work[p.shares + index * p.channels + d] = d_bias;
  work[p.shares + p.padded + index * p.channels + d] = d_through;
}
