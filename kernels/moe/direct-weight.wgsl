// dw[e] [M, N] (+)= Σ dy[i]ᵀ · x[source(i)] over the rows i of expert e, on software adapters: an invocation takes 8 × 4 of them.
// An expert without rows gets zeros. src/ops/moe-matmul.ts gives `source`. Constants: EXPERTS, ACCUMULATE.
struct Params { first: u32, m: u32, n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;

fn store(first: u32, row: u32, column: u32, value: vec4f) {
  if (row >= p.m) { return; }
  let at = first + row * p.n + column;
  for (var j = 0u; j < 4u; j++) {
    if (column + j < p.n) {
      if (ACCUMULATE) { dw[at + j] += value[j]; } else { dw[at + j] = value[j]; }
    }
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let columns = (p.n + 3u) / 4u;
  let lines = (p.m + 7u) / 8u;
  let piece = (group.y * groups.x + group.x) * 32u + local;
  let expert = piece / columns / lines;
  if (expert >= EXPERTS) { return; }
  let row = piece / columns % lines * 8u;
  let column = piece % columns * 4u;
  let segment = tiles[p.first + expert];
  let cols = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.n - 1u));
  let last = vec4u(p.m - 1u);
  var ia = vec4u(segment.y * p.m) + min(vec4u(row, row + 1u, row + 2u, row + 3u), last);
  var ja = vec4u(segment.y * p.m) + min(vec4u(row + 4u, row + 5u, row + 6u, row + 7u), last);
  var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
  var c4 = vec4f(); var c5 = vec4f(); var c6 = vec4f(); var c7 = vec4f();
  for (var i = segment.y; i < segment.z; i++) {
    let ib = source(i) * p.n + cols;
    let values = vec4f(x[ib.x], x[ib.y], x[ib.z], x[ib.w]);
    c0 += dy[ia.x] * values;
    c1 += dy[ia.y] * values;
    c2 += dy[ia.z] * values;
    c3 += dy[ia.w] * values;
    c4 += dy[ja.x] * values;
    c5 += dy[ja.y] * values;
    c6 += dy[ja.z] * values;
    c7 += dy[ja.w] * values;
    ia += p.m;
    ja += p.m;
  }
  let first = expert * p.m * p.n;
  store(first, row, column, c0);
  store(first, row + 1u, column, c1);
  store(first, row + 2u, column, c2);
  store(first, row + 3u, column, c3);
  store(first, row + 4u, column, c4);
  store(first, row + 5u, column, c5);
  store(first, row + 6u, column, c6);
  store(first, row + 7u, column, c7);
}
