// y_l = Σ_{s ≤ l} (C_l · B_s) exp(cs_l - cs_s) dt_s x_s + exp(cs_l) (state entering the chunk) C_l + D x_l, for a head of a chunk.
// A tile has tokens as rows and the head's dimensions as columns. After tile.wgsl.
struct Params { length: u32, chunks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> decay: array<vec2f>;
@group(0) @binding(3) var<storage, read> scores: array<vec4f>;
@group(0) @binding(4) var<storage, read> states: array<vec4f>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

var<workgroup> cs: array<f32, Q>;
var<workgroup> dt: array<f32, Q>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return x[((b * p.length + t) * ROW + column) / 4u];
}

// The weights of x_s … x_{s+3} in y_l.
fn weights(first: u32, l: u32, s: u32) -> vec4f {
  let decays = exp(min(vec4f(cs[l]) - vec4f(cs[s], cs[s + 1u], cs[s + 2u], cs[s + 3u]), vec4f()));
  let value = scores[(first + l * Q + s) / 4u] * decays * vec4f(dt[s], dt[s + 1u], dt[s + 2u], dt[s + 3u]);
  return select(vec4f(), value, vec4u(s, s + 1u, s + 2u, s + 3u) <= vec4u(l));
}

fn entering(b: u32, t0: u32, l: u32, column: u32) -> vec4f { return exp(cs[l]) * input(b, t0 + l, column); }

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let column0 = group.x % (P / BN) * BN;
  let row0 = group.x / (P / BN) * BM;
  let h = group.y;
  let g = h / R;
  let b = group.z / p.chunks;
  let t0 = group.z % p.chunks * Q;
  let ty = local / BX;
  let tx = local % BX;
  for (var i = local; i < Q; i += THREADS) {
    let now = decay[(b * H + h) * p.chunks * Q + t0 + i];
    dt[i] = now.x;
    cs[i] = now.y;
  }
  workgroupBarrier();
  var sum = mat4x4f();
  let first = (group.z * G + g) * Q * Q;
  for (var k0 = 0u; k0 < row0 + BM; k0 += BK) {
    for (var i = local; i < BK / 4u * AY; i += THREADS) {
      let k = i % (BK / 4u) * 4u;
      let line4 = i / (BK / 4u);
      let l = row0 + line4 * 4u;
      let s = k0 + k;
      turn_a(k, line4, mat4x4f(weights(first, l, s), weights(first, l + 1u, s), weights(first, l + 2u, s), weights(first, l + 3u, s)));
    }
    for (var i = local; i < BK * BX; i += THREADS) { tile_b[i] = input(b, t0 + k0 + i / BX, h * P + column0 + i % BX * 4u); }
    sum = multiply(sum, ty, tx);
  }
  if (t0 > 0u) {
    for (var k0 = 0u; k0 < N; k0 += BK) {
      for (var i = local; i < BK / 4u * AY; i += THREADS) {
        let k = i % (BK / 4u) * 4u;
        let line4 = i / (BK / 4u);
        let l = row0 + line4 * 4u;
        let at = C0 + g * N + k0 + k;
        turn_a(k, line4, mat4x4f(entering(b, t0, l, at), entering(b, t0, l + 1u, at), entering(b, t0, l + 2u, at), entering(b, t0, l + 3u, at)));
      }
      for (var i = local; i < BK / 4u * BX; i += THREADS) {
        let k = i % (BK / 4u) * 4u;
        let line4 = i / (BK / 4u);
        let at = ((group.z * HP + h * P + column0 + line4 * 4u) * N + k0 + k) / 4u;
        turn_b(k, line4, mat4x4f(states[at], states[at + N / 4u], states[at + 2u * (N / 4u)], states[at + 3u * (N / 4u)]));
      }
      sum = multiply(sum, ty, tx);
    }
  }
  let through = d[h];
  let column = h * P + column0 + tx * 4u;
  for (var r = 0u; r < 4u; r++) {
    let t = t0 + row0 + ty * 4u + r;
    if (t < p.length) { y[((b * p.length + t) * HP + column) / 4u] = sum[r] + through * input(b, t, column); }
  }
}
