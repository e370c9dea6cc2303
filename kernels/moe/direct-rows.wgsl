// y[target(i)] = x[source(i)] · op(w[e]) for every row i of expert e, on software adapters: an invocation takes 8 rows of a tile
// and 4 columns (see matmul/direct). w[e] is [N, K] where TRANSPOSED, else [K, N]. src/ops/moe-matmul.ts gives `source` and
// `target_row`. Constants: EXPERTS, TRANSPOSED, ACCUMULATE.
struct Params { tiles: u32, n: u32, k: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;

fn store(row: u32, end: u32, column: u32, value: vec4f) {
  if (row >= end) { return; }
  let at = target_row(row) * p.n + column;
  for (var j = 0u; j < 4u; j++) {
    if (column + j < p.n) {
      if (ACCUMULATE) { y[at + j] += value[j]; } else { y[at + j] = value[j]; }
    }
  }
}

fn row_of(i: u32, end: u32) -> u32 { return source(min(i, end - 1u)) * p.k; }

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let columns = (p.n + 3u) / 4u;
  let piece = (group.y * groups.x + group.x) * 32u + local;
  if (piece / columns >= p.tiles) { return; }
  let tile = tiles[piece / columns];
  if (tile.x >= EXPERTS) { return; }
  let row = tile.y;
  let end = tile.z;
  let column = piece % columns * 4u;
  let cols = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(p.n - 1u));
  let step = select(p.n, 1u, TRANSPOSED);
  var iw = vec4u(tile.x * p.n * p.k) + cols * select(1u, p.k, TRANSPOSED);
  var ia = vec4u(row_of(row, end), row_of(row + 1u, end), row_of(row + 2u, end), row_of(row + 3u, end));
  var ja = vec4u(row_of(row + 4u, end), row_of(row + 5u, end), row_of(row + 6u, end), row_of(row + 7u, end));
  var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
  var c4 = vec4f(); var c5 = vec4f(); var c6 = vec4f(); var c7 = vec4f();
  for (var k = p.k; k > 0u; k--) {
    let weights = vec4f(w[iw.x], w[iw.y], w[iw.z], w[iw.w]);
    c0 += x[ia.x] * weights;
    c1 += x[ia.y] * weights;
    c2 += x[ia.z] * weights;
    c3 += x[ia.w] * weights;
    c4 += x[ja.x] * weights;
    c5 += x[ja.y] * weights;
    c6 += x[ja.z] * weights;
    c7 += x[ja.w] * weights;
    ia += 1u;
    ja += 1u;
    iw += step;
  }
  store(row, end, column, c0);
  store(row + 1u, end, column, c1);
  store(row + 2u, end, column, c2);
  store(row + 3u, end, column, c3);
  store(row + 4u, end, column, c4);
  store(row + 5u, end, column, c5);
  store(row + 6u, end, column, c6);
  store(row + 7u, end, column, c7);
}
