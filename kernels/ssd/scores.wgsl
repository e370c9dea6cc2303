// scores[b, chunk, g, l, s] = C_l · B_s, for the tiles on and below the diagonal. After tile.wgsl, with BM = BN.
struct Params { length: u32, chunks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> scores: array<vec4f>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  if (t >= p.length) { return vec4f(); }
  return x[((b * p.length + t) * ROW + column) / 4u];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let column0 = group.x % (Q / BN) * BN;
  let row0 = group.x / (Q / BN) * BM;
  if (column0 > row0) { return; }
  let g = group.y;
  let b = group.z / p.chunks;
  let t0 = group.z % p.chunks * Q;
  let ty = local / BX;
  let tx = local % BX;
  var sum = mat4x4f();
  for (var k0 = 0u; k0 < N; k0 += BK) {
    for (var i = local; i < BK / 4u * AY; i += THREADS) {
      let k = i % (BK / 4u) * 4u;
      let line4 = i / (BK / 4u);
      let c = t0 + row0 + line4 * 4u;
      let s = t0 + column0 + line4 * 4u;
      let at = g * N + k0 + k;
      turn_a(k, line4, mat4x4f(input(b, c, C0 + at), input(b, c + 1u, C0 + at), input(b, c + 2u, C0 + at), input(b, c + 3u, C0 + at)));
      turn_b(k, line4, mat4x4f(input(b, s, B0 + at), input(b, s + 1u, B0 + at), input(b, s + 2u, B0 + at), input(b, s + 3u, B0 + at)));
    }
    sum = multiply(sum, ty, tx);
  }
  let first = (group.z * G + g) * Q + row0 + ty * 4u;
  for (var r = 0u; r < 4u; r++) { scores[((first + r) * Q + column0) / 4u + tx] = sum[r]; }
}
