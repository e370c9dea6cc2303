// The gradients of dt's raw value (into its column of the projection), and this head's and chunk's shares of those of dt_bias, A_log and D.
// With a_t = -exp(A_log) dt_t, the gradient of a_t is that of everything from t on through cs:
//   Σ_{l ≥ t} (earlier tokens' part in y_l, state's part in y_l - later tokens' part of x_l) + Σ_{s < t} (s's part in the state leaving) + (the
//   state that passes through). Pairs of tokens on the same side of t are left to cancel, the diagonal never enters.
// One workgroup a head and chunk. Constants: Q, H, SIZE (of a workgroup, at most Q), and the parts in which the rows come: P_PARTS, Q_PARTS, N_PARTS.
// time_slope comes from src/ops/time-step.ts.
struct Params { length: u32, chunks: u32, count: u32, columns: u32, column: u32, padded: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> a_log: array<f32>;
@group(0) @binding(4) var<storage, read> decay: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_raw: array<f32>;
/** [3][padded]: of dt_bias, A_log, D, each [batch · chunks, H]. */
@group(0) @binding(7) var<storage, read_write> shares: array<f32>;

/** What counts for t ≤ l, and for t > s. */
var<workgroup> from_here: array<f32, Q>;
var<workgroup> before: array<f32, Q>;
var<workgroup> passing: array<f32, Q>;

fn add(region: u32, parts: u32, at: u32) -> f32 {
  var sum = 0.0;
  for (var part = 0u; part < parts; part++) { sum += rows[(region + part) * p.count + at]; }
  return sum;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let h = group.x;
  let b = group.y / p.chunks;
  let t0 = group.y % p.chunks * Q;
  let times = (b * H + h) * p.chunks * Q + t0;
  const PAIRS = 3u * P_PARTS;
  const INTO_C = PAIRS + Q_PARTS;
  const INTO_B = INTO_C + N_PARTS;
  for (var i = local; i < Q; i += SIZE) {
    let at = times + i;
    let dt = decay[at];
    from_here[i] = add(PAIRS, Q_PARTS, at) + add(INTO_C, N_PARTS, at) - dt * add(0u, P_PARTS, at);
    before[i] = dt * add(INTO_B, N_PARTS, at);
    passing[i] = add(INTO_B + N_PARTS, N_PARTS, at);
  }
  workgroupBarrier();
  let a = -exp(a_log[h]);
  var through = 0.0;
  for (var i = 0u; i < Q; i++) { through += passing[i]; }
  through *= exp(decay[p.count + times + Q - 1u]);
  var share = vec3f();
  for (var i = local; i < Q; i += SIZE) {
    if (t0 + i >= p.length) { continue; }
    let at = times + i;
    var da = through;
    for (var j = 0u; j < Q; j++) { da += select(before[j], from_here[j], j >= i); }
    let ddt = add(P_PARTS, P_PARTS, at) + add(INTO_B, N_PARTS, at) + a * da;
    let place = (b * p.length + t0 + i) * p.columns + p.column + h;
    let slope = ddt * time_slope(raw[place] + bias[h], decay[at]);
    d_raw[place] = slope;
    share += vec3f(slope, da * a * decay[at], add(2u * P_PARTS, P_PARTS, at));
  }
  workgroupBarrier();
  // The arrays have served: now they hold the invocations' shares.
  from_here[local] = share.x;
  before[local] = share.y;
  passing[local] = share.z;
  workgroupBarrier();
  if (local > 0u) { return; }
  var sum = vec3f();
  for (var i = 0u; i < SIZE; i++) { sum += vec3f(from_here[i], before[i], passing[i]); }
  let place = group.y * H + h;
  shares[place] = sum.x;
  shares[p.padded + place] = sum.y;
  shares[2u * p.padded + place] = sum.z;
}
