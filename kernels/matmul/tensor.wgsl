// The parameters of kernels/matmul/tiled.wgsl; everything else of the kernel is written by src/ops/matmul-tensor.ts.
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
  /** K a part, a multiple of 32, and elements between the parts of C. */
  part: u32, stride: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
