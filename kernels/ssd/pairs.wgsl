// pairs[b, chunk, g, l, s] = Σ_h exp(cs_l - cs_s) dt_s (dy_l · x_s) for s ≤ l: the gradient of C_l · B_s, over the heads of a group; and
// for each head and token l the sum over earlier tokens s of (C_l · B_s) times that: its share in the gradient of cs_l.
// After tile.wgsl and row-sums.wgsl, with BM = BN.
struct Params { length: u32, chunks: u32, count: u32, base: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec2f>;
@group(0) @binding(4) var<storage, read> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> pairs: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return x[((b * p.length + t) * ROW + column) / 4u];
}

fn incoming(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return dy[((b * p.length + t) * HP + column) / 4u];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = group.x % (Q / BN);
  let column0 = part * BN;
  let row0 = group.x / (Q / BN) * BM;
  let g = group.y;
  let b = group.z / p.chunks;
  let t0 = group.z % p.chunks * Q;
  let ty = local / BX;
  let tx = local % BX;
  let l = row0 + ty * 4u;
  let s = column0 + tx * 4u;
  let first = (group.z * G + g) * Q * Q;
  let below = column0 <= row0;
  var total = mat4x4f();
  for (var h = g * R; h < (g + 1u) * R; h++) {
    let times = (b * H + h) * p.chunks * Q + t0;
    var across = vec4f();
    if (below) {
      var sum = mat4x4f();
      for (var k0 = 0u; k0 < P; k0 += BK) {
        for (var i = local; i < BK / 4u * AY; i += THREADS) {
          let k = i % (BK / 4u) * 4u;
          let line4 = i / (BK / 4u);
          let t = t0 + row0 + line4 * 4u;
          let u = t0 + column0 + line4 * 4u;
          let at = h * P + k0 + k;
          turn_a(k, line4, mat4x4f(incoming(b, t, at), incoming(b, t + 1u, at), incoming(b, t + 2u, at), incoming(b, t + 3u, at)));
          turn_b(k, line4, mat4x4f(input(b, u, at), input(b, u + 1u, at), input(b, u + 2u, at), input(b, u + 3u, at)));
        }
        sum = multiply(sum, ty, tx);
      }
      let d0 = decay[times + s];
      let d1 = decay[times + s + 1u];
      let d2 = decay[times + s + 2u];
      let d3 = decay[times + s + 3u];
      let steps = vec4f(d0.x, d1.x, d2.x, d3.x);
      let before = vec4f(d0.y, d1.y, d2.y, d3.y);
      let source = vec4u(s, s + 1u, s + 2u, s + 3u);
      for (var r = 0u; r < 4u; r++) {
        let decays = exp(min(vec4f(decay[times + l + r].y) - before, vec4f()));
        let value = select(vec4f(), sum[r] * decays * steps, source <= vec4u(l + r));
        total[r] += value;
        across[r] = dot(select(vec4f(), value * scores[(first + (l + r) * Q + s) / 4u], source < vec4u(l + r)), vec4f(1.0));
      }
    }
    share_rows(across, ty, tx);
    for (var i = local; i < BM; i += THREADS) { rows[p.base + part * p.count + times + row0 + i] = row_sum(i); }
  }
  if (!below) { return; }
  for (var r = 0u; r < 4u; r++) { pairs[(first + (l + r) * Q + s) / 4u] = total[r]; }
}
