// dx_s = dt_s u_s + D dy_s with u_s = Σ_{l ≥ s} (C_l · B_s) exp(cs_l - cs_s) dy_l + exp(cs_last - cs_s) (gradient of the state leaving) B_s,
// for a head of a chunk; and, of each token, the sums over this tile's part of the head dimension (see time.wgsl):
// the later tokens' part of x_s · u_s, that with the token's own part, and x_s · dy_s. After tile.wgsl and row-sums.wgsl.
struct Params { length: u32, chunks: u32, count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec2f>;
@group(0) @binding(4) var<storage, read> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read> d_states: array<vec4f>;
@group(0) @binding(6) var<storage, read> d: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> rows: array<f32>;

var<workgroup> cs: array<f32, Q>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return x[((b * p.length + t) * ROW + column) / 4u];
}

fn incoming(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return dy[((b * p.length + t) * HP + column) / 4u];
}

// The weights of an earlier token's x in y_l, without dt, for the tokens s … s + 3; 0 for l itself.
fn weights(first: u32, l: u32, s: u32) -> vec4f {
  let decays = exp(min(vec4f(cs[l]) - vec4f(cs[s], cs[s + 1u], cs[s + 2u], cs[s + 3u]), vec4f()));
  let value = scores[(first + l * Q + s) / 4u] * decays;
  return select(vec4f(), value, vec4u(s, s + 1u, s + 2u, s + 3u) < vec4u(l));
}

fn leaving(b: u32, t0: u32, s: u32, column: u32) -> vec4f {
  return exp(min(cs[Q - 1u] - cs[s], 0.0)) * input(b, t0 + s, column);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = group.x % (P / BN);
  let column0 = part * BN;
  let row0 = group.x / (P / BN) * BM;
  let h = group.y;
  let g = h / R;
  let b = group.z / p.chunks;
  let chunk = group.z % p.chunks;
  let t0 = chunk * Q;
  let ty = local / BX;
  let tx = local % BX;
  let times = (b * H + h) * p.chunks * Q + t0;
  for (var i = local; i < Q; i += THREADS) { cs[i] = decay[times + i].y; }
  workgroupBarrier();
  var sum = mat4x4f();
  let first = (group.z * G + g) * Q * Q;
  for (var k0 = row0; k0 < min(Q, p.length - t0); k0 += BK) {
    for (var i = local; i < BK * AY; i += THREADS) { tile_a[i] = weights(first, k0 + i / AY, row0 + i % AY * 4u); }
    for (var i = local; i < BK * BX; i += THREADS) { tile_b[i] = incoming(b, t0 + k0 + i / BX, h * P + column0 + i % BX * 4u); }
    sum = multiply(sum, ty, tx);
  }
  let column = h * P + column0 + tx * 4u;
  let row = row0 + ty * 4u;
  var later = vec4f();
  var all = vec4f();
  var through = vec4f();
  for (var r = 0u; r < 4u; r++) {
    let value = input(b, t0 + row + r, column);
    let above = incoming(b, t0 + row + r, column);
    let own = scores[(first + (row + r) * Q + row) / 4u][r];
    later[r] = dot(value, sum[r]);
    through[r] = dot(value, above);
    all[r] = later[r] + own * through[r];
    sum[r] += own * above;
  }
  let region = p.count * (P / BN);
  let to = part * p.count + times + row0;
  share_rows(later, ty, tx);
  for (var i = local; i < BM; i += THREADS) { rows[to + i] = row_sum(i); }
  share_rows(all, ty, tx);
  for (var i = local; i < BM; i += THREADS) { rows[region + to + i] = row_sum(i); }
  share_rows(through, ty, tx);
  for (var i = local; i < BM; i += THREADS) { rows[2u * region + to + i] = row_sum(i); }
  if (chunk + 1u < p.chunks) {
    for (var k0 = 0u; k0 < N; k0 += BK) {
      for (var i = local; i < BK / 4u * AY; i += THREADS) {
        let k = i % (BK / 4u) * 4u;
        let line4 = i / (BK / 4u);
        let s = row0 + line4 * 4u;
        let at = B0 + g * N + k0 + k;
        turn_a(k, line4, mat4x4f(leaving(b, t0, s, at), leaving(b, t0, s + 1u, at), leaving(b, t0, s + 2u, at), leaving(b, t0, s + 3u, at)));
      }
      for (var i = local; i < BK / 4u * BX; i += THREADS) {
        let k = i % (BK / 4u) * 4u;
        let line4 = i / (BK / 4u);
        let at = ((group.z * HP + h * P + column0 + line4 * 4u) * N + k0 + k) / 4u;
        turn_b(k, line4, mat4x4f(d_states[at], d_states[at + N / 4u], d_states[at + 2u * (N / 4u)], d_states[at + 3u * (N / 4u)]));
      }
      sum = multiply(sum, ty, tx);
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let t = t0 + row + r;
    if (t < p.length) {
      dx[((b * p.length + t) * ROW + column) / 4u] = decay[times + row + r].x * sum[r] + d[h] * incoming(b, t, column);
    }
  }
}
