// C[M, N] (+)= the sum of SPLIT partial products, in order. Constants: ACCUMULATE.
struct Params { m: u32, n: u32, ldc: u32, c0: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.m * p.n) { return; }
  var sum = 0.0;
  for (var part = 0u; part < p.parts; part++) { sum += partial[part * p.m * p.n + i]; }
  let at = p.c0 + i / p.n * p.ldc + i % p.n;
  if (ACCUMULATE) { c[at] += sum; } else { c[at] = sum; }
}
