// What a chunk alone adds to the state, states[b, chunk, h, p, n]: Σ_s exp(cs_last - cs_s) dt_s x_s[h, p] B_s[n]; or, REVERSE, to the
// gradient of the state that enters it: Σ_l exp(cs_l) dy_l[h, p] C_l[n]. Rows of a tile are (h, p), of one group. After tile.wgsl.
struct Params { length: u32, chunks: u32, stride: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
/** xBC, or dy, with rows of `stride`. */
@group(0) @binding(1) var<storage, read> values: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> states: array<vec4f>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let column0 = group.x * BN;
  let row0 = group.y * BM;
  let g = row0 / (R * P);
  let b = group.z / p.chunks;
  let t0 = group.z % p.chunks * Q;
  let tokens = min(Q, p.length - t0);
  let ty = local / BX;
  let tx = local % BX;
  var sum = mat4x4f();
  for (var k0 = 0u; k0 < tokens; k0 += BK) {
    for (var i = local; i < BK * AY; i += THREADS) {
      let k = k0 + i / AY;
      let row = row0 + i % AY * 4u;
      var value = vec4f();
      if (k < tokens) {
        let times = (b * H + row / P) * p.chunks * Q + t0;
        let now = decay[times + k];
        var factor = exp(now.y);
        if (!REVERSE) { factor = exp(min(decay[times + Q - 1u].y - now.y, 0.0)) * now.x; }
        value = factor * values[((b * p.length + t0 + k) * p.stride + row) / 4u];
      }
      tile_a[i] = value;
    }
    for (var i = local; i < BK * BX; i += THREADS) {
      let k = k0 + i / BX;
      var value = vec4f();
      if (k < tokens) { value = x[((b * p.length + t0 + k) * ROW + p.column + g * N + column0) / 4u + i % BX]; }
      tile_b[i] = value;
    }
    sum = multiply(sum, ty, tx);
  }
  let first = group.z * HP + row0 + ty * 4u;
  for (var r = 0u; r < 4u; r++) { states[((first + r) * N + column0) / 4u + tx] = sum[r]; }
}
