// The parameters of the products of experts on tensor cores; src/ops/moe-tensor.ts writes the rest.
struct Params { first: u32, m: u32, n: u32, k: u32, b0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;
