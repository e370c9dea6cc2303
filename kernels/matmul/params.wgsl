// The parameters of the products that go through workgroup memory (tiled.wgsl, tensor.wgsl).
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
  /** K a part, a multiple of what is staged at a time, and elements between the parts of C. */
  part: u32, stride: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
