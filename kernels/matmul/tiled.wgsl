// C[M, N] = op(A)[M, K] · op(B)[K, N] in tiles staged through workgroup memory. workgroup.z takes one of the parts
// of K and writes its own C, which matmul/reduce adds up in order: no atomics, the same bits every time. All of it comes before this:
// params.wgsl, the bindings with `load_a4`, `load_b4` and `store4` (src/ops/matmul-access.ts), and the rest (src/ops/matmul-tiled.ts).
