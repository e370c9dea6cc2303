// The same product on tensor cores. All of it comes before this: params.wgsl, the bindings with their functions
// (src/ops/matmul-access.ts), and the rest (src/ops/matmul-tensor.ts).
