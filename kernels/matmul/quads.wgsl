// C[M, N] = op(A)[M, K] · op(B)[K, N] as in matmul/direct, on software adapters with subgroups: the four invocations of a quad
// take 8 rows of 16 columns; each reads a quarter of what they need of A, and they tell one another. Reading is what costs, for
// such an adapter gathers from memory lane by lane. The constants, `finished` and `addend` come from src/ops/matmul.ts.
enable subgroups;
diagnostic(off, subgroup_uniformity);
struct Params {
  m: u32, n: u32, k: u32,
  lda: u32, ldb: u32, ldc: u32, ldd: u32,
  a0: u32, b0: u32, c0: u32, d0: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

fn a_at(i: vec4u) -> vec4f { return vec4f(a[i.x], a[i.y], a[i.z], a[i.w]); }
fn b_at(i: vec4u) -> vec4f { return vec4f(b[i.x], b[i.y], b[i.z], b[i.w]); }

/** Four rows of four columns. */
fn outer(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

fn store(row: u32, column: u32, values: mat4x4f) {
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      if (row + i >= p.m || column + j >= p.n) { continue; }
      let at = p.c0 + (row + i) * p.ldc + column + j;
      let value = finished(values[i][j], column + j);
      if (ACCUMULATE) { c[at] += value; } else { c[at] = value + addend(row + i, column + j); }
    }
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let columns = (p.n + 15u) / 16u;
  let piece = (group.y * groups.x + group.x) * 8u + local / 4u;
  let lane = local % 4u;
  let row = piece / columns * 8u;
  let column = piece % columns * 16u + lane * 4u;
  if (row >= p.m) { return; }
  let a_line = select(p.lda, 1u, TRANS_A);
  let b_line = select(1u, p.ldb, TRANS_B);
  let a_step = select(1u, p.lda, TRANS_A);
  let b_step = select(p.ldb, 1u, TRANS_B);
  // Past the edge, the last row or column is read again.
  let four = vec4u(0u, 1u, 2u, 3u);
  var ia = vec4u(p.a0) + min(row + four, vec4u(p.m - 1u)) * a_line;
  var ja = vec4u(p.a0) + min(row + 4u + four, vec4u(p.m - 1u)) * a_line;
  var ib = vec4u(p.b0) + min(column + four, vec4u(p.n - 1u)) * b_line;
  var upper = mat4x4f();
  var lower = mat4x4f();
  for (var k = p.k / 4u; k > 0u; k--) {
    let x = a_at(ia + lane * a_step);
    let z = a_at(ja + lane * a_step);
    let b0 = b_at(ib);
    upper += outer(quadBroadcast(x, 0u), b0);
    lower += outer(quadBroadcast(z, 0u), b0);
    let b1 = b_at(ib + b_step);
    upper += outer(quadBroadcast(x, 1u), b1);
    lower += outer(quadBroadcast(z, 1u), b1);
    let b2 = b_at(ib + 2u * b_step);
    upper += outer(quadBroadcast(x, 2u), b2);
    lower += outer(quadBroadcast(z, 2u), b2);
    let b3 = b_at(ib + 3u * b_step);
    upper += outer(quadBroadcast(x, 3u), b3);
    lower += outer(quadBroadcast(z, 3u), b3);
    ia += 4u * a_step;
    ja += 4u * a_step;
    ib += 4u * b_step;
  }
  // What is left of K.
  for (var k = p.k % 4u; k > 0u; k--) {
    let y = b_at(ib);
    upper += outer(a_at(ia), y);
    lower += outer(a_at(ja), y);
    ia += a_step;
    ja += a_step;
    ib += b_step;
  }
  store(row, column, upper);
  store(row + 4u, column, lower);
}
