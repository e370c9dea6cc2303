// C[N, N] (f32) = Aᵀ · B with A and B [N, N] of type `half`, N a multiple of 64: `braid doctor` times it to say what an
// adapter does in 16 bits without tensor cores. Products and sums of BK columns are `half`, sums of those f32.
// 64 × 64 results a workgroup, 4 × 4 an invocation; A and B both run along their rows, so that staging needs no turning.
// `half` and BK are declared by src/ops/bench-matmul.ts (`enable f16` has to come before everything else).
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<half>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<half>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4f>;

var<workgroup> tile_a: array<vec4<half>, BK * 16>;
var<workgroup> tile_b: array<vec4<half>, BK * 16>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = p.n / 4u;
  let y = local / 16u;
  let x = local % 16u;
  var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
  for (var k0 = 0u; k0 < p.n; k0 += BK) {
    for (var i = local; i < BK * 16u; i += 256u) {
      let row = (k0 + i / 16u) * quads + i % 16u;
      tile_a[i] = a[row + group.y * 16u];
      tile_b[i] = b[row + group.x * 16u];
    }
    workgroupBarrier();
    var s0 = vec4<half>(); var s1 = vec4<half>(); var s2 = vec4<half>(); var s3 = vec4<half>();
    for (var k = 0u; k < BK; k++) {
      let u = tile_a[k * 16u + y];
      let v = tile_b[k * 16u + x];
      s0 = fma(vec4<half>(u.x), v, s0);
      s1 = fma(vec4<half>(u.y), v, s1);
      s2 = fma(vec4<half>(u.z), v, s2);
      s3 = fma(vec4<half>(u.w), v, s3);
    }
    c0 += vec4f(s0); c1 += vec4f(s1); c2 += vec4f(s2); c3 += vec4f(s3);
    workgroupBarrier();
  }
  let at = (group.y * 64u + y * 4u) * quads + group.x * 16u + x;
  c[at] = c0;
  c[at + quads] = c1;
  c[at + 2u * quads] = c2;
  c[at + 3u * quads] = c3;
}
