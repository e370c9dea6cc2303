// C[M, N] = op(A)[M, K] · op(B)[K, N], each invocation a 4 × 4 piece of C read straight from memory: no barriers, so it
// is the quickest form on software adapters, and the plainest one. Constants: TRANS_A, TRANS_B (A is stored [K, M],
// B is stored [N, K]), ACCUMULATE (C += …). `finished` (bias and alpha) and `addend` (D) come from src/ops/matmul.ts.
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn store(row: u32, column: u32, product: f32) {
  if (row >= p.m || column >= p.n) { return; }
  let at = p.c0 + row * p.ldc + column;
  let value = finished(product, column);
  if (ACCUMULATE) { c[at] += value; } else { c[at] = value + addend(row, column); }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let columns = (p.n + 3u) / 4u;
  let piece = (group.y * groups.x + group.x) * 32u + local;
  let row = piece / columns * 8u;
  let column = piece % columns * 4u;
  if (row >= p.m) { return; }
  // Indices are counted up: a software adapter's compiler moves nothing out of the loop. Past the edge, the last row or
  // column is read again.
  let rows = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(p.m - 1u));
  let cols = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.n - 1u));
  let a_line = select(p.lda, 1u, TRANS_A);
  let b_line = select(1u, p.ldb, TRANS_B);
  let a_step = select(1u, p.lda, TRANS_A);
  let b_step = select(p.ldb, 1u, TRANS_B);
  var ia = vec4u(p.a0) + rows * a_line;
  var ja = vec4u(p.a0) + min(vec4u(row + 4u, row + 5u, row + 6u, row + 7u), vec4u(p.m - 1u)) * a_line;
  var ib = vec4u(p.b0) + cols * b_line;
  var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
  var c4 = vec4f(); var c5 = vec4f(); var c6 = vec4f(); var c7 = vec4f();
  for (var k = p.k; k > 0u; k--) {
    let y = vec4f(b[ib.x], b[ib.y], b[ib.z], b[ib.w]);
    c0 += a[ia.x] * y;
    c1 += a[ia.y] * y;
    c2 += a[ia.z] * y;
    c3 += a[ia.w] * y;
    c4 += a[ja.x] * y;
    c5 += a[ja.y] * y;
    c6 += a[ja.z] * y;
    c7 += a[ja.w] * y;
    ja += a_step;
    ia += a_step;
    ib += b_step;
  }
  for (var j = 0u; j < 4u; j++) {
    store(row, column + j, c0[j]);
    store(row + 1u, column + j, c1[j]);
    store(row + 2u, column + j, c2[j]);
    store(row + 3u, column + j, c3[j]);
    store(row + 4u, column + j, c4[j]);
    store(row + 5u, column + j, c5[j]);
    store(row + 6u, column + j, c6[j]);
    store(row + 7u, column + j, c7[j]);
  }
}
