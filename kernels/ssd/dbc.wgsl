// Gradients of C and (INTO_B) of B, of the tokens of a chunk, over the heads of a group:
//   dC_l = Σ_{s ≤ l} pairs[l, s] B_s + Σ_h exp(cs_l) dy_l · (state entering)
//   dB_s = Σ_{l ≥ s} pairs[l, s] C_l + Σ_h dt_s exp(cs_last - cs_s) x_s · (gradient of the state leaving)
// and for each head and token the second term (without dt_s) times C_l or B_s, over this tile's part of the state dimension: their share
// in the gradients of cs and dt. INTO_B also sums (gradient of the state leaving) ∘ (state entering), spread over the rows of a tile.
// After tile.wgsl and row-sums.wgsl.
struct Params { length: u32, chunks: u32, count: u32, base: u32, stride: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
/** dy, or xBC, with rows of `stride`. */
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec2f>;
@group(0) @binding(4) var<storage, read> pairs: array<vec4f>;
/** The states that `values` meet, and the others. */
@group(0) @binding(5) var<storage, read> states: array<vec4f>;
@group(0) @binding(6) var<storage, read> others: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> rows: array<f32>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return x[((b * p.length + t) * ROW + column) / 4u];
}

fn value(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return values[((b * p.length + t) * p.stride + column) / 4u];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = group.x % (N / BN);
  let column0 = part * BN;
  let row0 = group.x / (N / BN) * BM;
  let g = group.y;
  let b = group.z / p.chunks;
  let chunk = group.z % p.chunks;
  let t0 = chunk * Q;
  let ty = local / BX;
  let tx = local % BX;
  let tokens = min(Q, p.length - t0);
  let first = (group.z * G + g) * Q * Q;
  var total = mat4x4f();
  if (INTO_B) {
    for (var k0 = row0; k0 < tokens; k0 += BK) {
      for (var i = local; i < BK * AY; i += THREADS) { tile_a[i] = pairs[(first + (k0 + i / AY) * Q + row0) / 4u + i % AY]; }
      for (var i = local; i < BK * BX; i += THREADS) { tile_b[i] = input(b, t0 + k0 + i / BX, C0 + g * N + column0 + i % BX * 4u); }
      total = multiply(total, ty, tx);
    }
  } else {
    for (var k0 = 0u; k0 < min(row0 + BM, tokens); k0 += BK) {
      for (var i = local; i < BK / 4u * AY; i += THREADS) {
        let k = i % (BK / 4u) * 4u;
        let line4 = i / (BK / 4u);
        let at = (first + (row0 + line4 * 4u) * Q + k0 + k) / 4u;
        turn_a(k, line4, mat4x4f(pairs[at], pairs[at + Q / 4u], pairs[at + 2u * (Q / 4u)], pairs[at + 3u * (Q / 4u)]));
      }
      for (var i = local; i < BK * BX; i += THREADS) { tile_b[i] = input(b, t0 + k0 + i / BX, B0 + g * N + column0 + i % BX * 4u); }
      total = multiply(total, ty, tx);
    }
  }
  // The first chunk has no state to begin with, the last one's goes nowhere.
  var meets = chunk > 0u;
  var source = C0;
  if (INTO_B) {
    meets = chunk + 1u < p.chunks;
    source = B0;
  }
  let row = row0 + ty * 4u;
  let column = g * N + column0 + tx * 4u;
  for (var h = g * R; h < (g + 1u) * R; h++) {
    let times = (b * H + h) * p.chunks * Q + t0;
    let to = p.base + part * p.count + times + row0;
    var along = vec4f();
    var both = 0.0;
    if (meets) {
      var sum = mat4x4f();
      for (var k0 = 0u; k0 < P; k0 += BK) {
        for (var i = local; i < BK / 4u * AY; i += THREADS) {
          let k = i % (BK / 4u) * 4u;
          let line4 = i / (BK / 4u);
          let t = t0 + row0 + line4 * 4u;
          let at = h * P + k0 + k;
          turn_a(k, line4, mat4x4f(value(b, t, at), value(b, t + 1u, at), value(b, t + 2u, at), value(b, t + 3u, at)));
        }
        for (var i = local; i < BK * BX; i += THREADS) {
          let at = ((group.z * HP + h * P + k0 + i / BX) * N + column0) / 4u + i % BX;
          tile_b[i] = states[at];
          if (INTO_B && row0 == 0u) { both += dot(states[at], others[at]); }
        }
        sum = multiply(sum, ty, tx);
      }
      for (var r = 0u; r < 4u; r++) {
        let now = decay[times + row + r];
        if (INTO_B) {
          let part = exp(min(decay[times + Q - 1u].y - now.y, 0.0)) * sum[r];
          along[r] = dot(part, input(b, t0 + row + r, source + column));
          total[r] += now.x * part;
        } else {
          let part = exp(now.y) * sum[r];
          along[r] = dot(part, input(b, t0 + row + r, source + column));
          total[r] += part;
        }
      }
    }
    share_rows(along, ty, tx);
    for (var i = local; i < BM; i += THREADS) { rows[to + i] = row_sum(i); }
    if (INTO_B) {
      share_rows(vec4f(both, 0.0, 0.0, 0.0), ty, tx);
      for (var i = local; i < BM; i += THREADS) { rows[p.count * (N / BN) + to + i] = row_sum(i); }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let t = t0 + row + r;
    if (t < p.length) { dx[((b * p.length + t) * ROW + source + column) / 4u] = total[r]; }
  }
}
