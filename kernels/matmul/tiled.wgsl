// C[M, N] = op(A)[M, K] · op(B)[K, N] in tiles of BM × BN staged through workgroup memory, BK columns of K at a time;
// 16 × 16 invocations, each with TM × TN = BM/16 × BN/16 results in registers. workgroup.z takes one of the SPLIT parts
// of K (each a whole number of BK) and writes its own C, which matmul/reduce adds up in order: no atomics, the same bits every time.
// The bindings with `load_a4`, `load_b4`, `store4`, and `main` with its unrolled products, are written by src/ops/matmul.ts.
// Constants: BM, BN, BK, TRANS_A, TRANS_B.
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
  /** K a part, a multiple of BK, and elements between the parts of C. */
  part: u32, stride: u32,
}
@group(0) @binding(0) var<uniform> p: Params;

var<workgroup> tile_a: array<vec4f, BK * BM / 4>;
var<workgroup> tile_b: array<vec4f, BK * BN / 4>;

// Puts op(X)[line .. line + 4, k] into a tile kept as [BK][LINES]; X is stored with K running along rows.
fn stage_a(first: u32, k0: u32, local: u32, k_end: u32) {
  if (TRANS_A) {
    for (var i = local; i < BK * BM / 4u; i += 256u) {
      let k = k0 + i / (BM / 4u);
      tile_a[i] = load_a4(k, first + i % (BM / 4u) * 4u, k_end, p.m);
    }
  } else {
    // Four lines of four columns of K each, turned in registers.
    for (var i = local; i < BK / 4u * BM / 4u; i += 256u) {
      let k = k0 + i % (BK / 4u) * 4u;
      let line = i / (BK / 4u) * 4u;
      let block = transpose(mat4x4f(
        load_a4(first + line, k, p.m, k_end),
        load_a4(first + line + 1u, k, p.m, k_end),
        load_a4(first + line + 2u, k, p.m, k_end),
        load_a4(first + line + 3u, k, p.m, k_end)));
      let at = i % (BK / 4u) * 4u * (BM / 4u) + line / 4u;
      tile_a[at] = block[0];
      tile_a[at + BM / 4u] = block[1];
      tile_a[at + 2u * (BM / 4u)] = block[2];
      tile_a[at + 3u * (BM / 4u)] = block[3];
    }
  }
}

fn stage_b(first: u32, k0: u32, local: u32, k_end: u32) {
  if (!TRANS_B) {
    for (var i = local; i < BK * BN / 4u; i += 256u) {
      let k = k0 + i / (BN / 4u);
      tile_b[i] = load_b4(k, first + i % (BN / 4u) * 4u, k_end, p.n);
    }
  } else {
    for (var i = local; i < BK / 4u * BN / 4u; i += 256u) {
      let k = k0 + i % (BK / 4u) * 4u;
      let line = i / (BK / 4u) * 4u;
      let block = transpose(mat4x4f(
        load_b4(first + line, k, p.n, k_end),
        load_b4(first + line + 1u, k, p.n, k_end),
        load_b4(first + line + 2u, k, p.n, k_end),
        load_b4(first + line + 3u, k, p.n, k_end)));
      let at = i % (BK / 4u) * 4u * (BN / 4u) + line / 4u;
      tile_b[at] = block[0];
      tile_b[at + BN / 4u] = block[1];
      tile_b[at + 2u * (BN / 4u)] = block[2];
      tile_b[at + 3u * (BN / 4u)] = block[3];
    }
  }
}
