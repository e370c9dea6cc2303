// C[M, N] = op(A)[M, K] · op(B)[K, N] in tiles staged through workgroup memory. workgroup.z takes one of the parts
// of K and writes its own C, which matmul/reduce adds up in order: no atomics, the same bits every time.
// The bindings with `load_a4`, `load_b4` and `store4` are written by src/ops/matmul.ts, the rest by src/ops/matmul-tiled.ts.
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
  /** K a part, a multiple of what is staged at a time, and elements between the parts of C. */
  part: u32, stride: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
