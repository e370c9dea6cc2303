// C[M, N] = op(A)[M, K] · op(B)[K, N], each invocation a 4 × 4 piece of C read straight from memory: no barriers, so it
// is the quickest form on software adapters, and the plainest one. Constants: TRANS_A, TRANS_B (A is stored [K, M],
// B is stored [N, K]), ACCUMULATE (C += …), ADD (C = D + …).
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn a_at(row: u32, k: u32) -> f32 {
  let i = min(row, p.m - 1u);
  if (TRANS_A) { return a[p.a0 + k * p.lda + i]; }
  return a[p.a0 + i * p.lda + k];
}

fn b_at(k: u32, column: u32) -> f32 {
  let j = min(column, p.n - 1u);
  if (TRANS_B) { return b[p.b0 + j * p.ldb + k]; }
  return b[p.b0 + k * p.ldb + j];
}

fn store(row: u32, column: u32, value: f32) {
  if (row >= p.m || column >= p.n) { return; }
  let at = p.c0 + row * p.ldc + column;
  if (ACCUMULATE) { c[at] += value; } else { c[at] = value + addend(row, column); }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let columns = (p.n + 3u) / 4u;
  let piece = (group.y * groups.x + group.x) * 64u + local;
  let row = piece / columns * 4u;
  let column = piece % columns * 4u;
  if (row >= p.m) { return; }
  var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
  for (var k = 0u; k < p.k; k++) {
    let y = vec4f(b_at(k, column), b_at(k, column + 1u), b_at(k, column + 2u), b_at(k, column + 3u));
    c0 += a_at(row, k) * y;
    c1 += a_at(row + 1u, k) * y;
    c2 += a_at(row + 2u, k) * y;
    c3 += a_at(row + 3u, k) * y;
  }
  for (var j = 0u; j < 4u; j++) {
    store(row, column + j, c0[j]);
    store(row + 1u, column + j, c1[j]);
    store(row + 2u, column + j, c2[j]);
    store(row + 3u, column + j, c3[j]);
  }
}
