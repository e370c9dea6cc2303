// What the tiled products of experts share; `main` is moe/tiled-rows or moe/tiled-weight with its inner loops written out by
// src/ops/moe-matmul.ts, which also writes the bindings of the matrices. Tiles of BM × BN, BK of the inner dimension
// at a time; 16 × 16 invocations, each with QUADS_M · 4 × QUADS_N · 4 results in registers.
// Constants: EXPERTS, BM, BN, BK = 16, QUADS_M = BM / 64, QUADS_N = BN / 64.
struct Params { first: u32, m: u32, n: u32, k: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;

var<workgroup> tile_a: array<vec4f, BK * BM / 4>;
var<workgroup> tile_b: array<vec4f, BK * BN / 4>;
