// y[target(i)] = x[source(i)] · op(w[e]) for the rows i of the tile in workgroup.y, of one expert e. w[e] is [N, K] where
// TRANSPOSED, else [K, N]. Rows past the tile's end repeat its last one and are not stored.
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = tiles[group.y];
  if (tile.x >= EXPERTS) { return; }
  let w0 = tile.x * p.n * p.k;
  let column0 = group.x * BN;
  let ty = local / 16u;
  let tx = local % 16u;
  // Four rows of x, and four of a transposed w, an invocation: the first BM invocations stage x, the last BN stage w.
  let at = local % 4u * 4u;
  let line = local / 4u * 4u;
  let last = tile.z - 1u;
  let rows = p.k * vec4u(
    source(min(tile.y + line, last)), source(min(tile.y + line + 1u, last)),
    source(min(tile.y + line + 2u, last)), source(min(tile.y + line + 3u, last)));
  let w_line = (local + BN - 256u) / 4u * 4u;
  let w_rows = w0 + p.k * min(
    vec4u(column0 + w_line) + vec4u(0u, 1u, 2u, 3u), vec4u(p.n - 1u));
  var sums: array<vec4f, QUADS_M * 4u * QUADS_N>;
  for (var k0 = 0u; k0 < p.k; k0 += BK) {
    if (local < BM) {
      let block = transpose(mat4x4f(
        load_a(rows.x, k0 + at, p.k), load_a(rows.y, k0 + at, p.k), load_a(rows.z, k0 + at, p.k), load_a(rows.w, k0 + at, p.k)));
      let to = at * (BM / 4u) + line / 4u;
      tile_a[to] = block[0];
      tile_a[to + BM / 4u] = block[1];
      tile_a[to + 2u * (BM / 4u)] = block[2];
      tile_a[to + 3u * (BM / 4u)] = block[3];
    }
    if (TRANSPOSED) {
      if (local >= 256u - BN) {
        let block = transpose(mat4x4f(
          load_b(w_rows.x, k0 + at, p.k), load_b(w_rows.y, k0 + at, p.k), load_b(w_rows.z, k0 + at, p.k), load_b(w_rows.w, k0 + at, p.k)));
        let to = at * (BN / 4u) + w_line / 4u;
        tile_b[to] = block[0];
        tile_b[to + BN / 4u] = block[1];
        tile_b[to + 2u * (BN / 4u)] = block[2];
        tile_b[to + 3u * (BN / 4u)] = block[3];
      }
    } else {
      for (var piece = local; piece < BK * BN / 4u; piece += 256u) {
        let inner = k0 + piece / (BN / 4u);
        var value = vec4f();
        if (inner < p.k) { value = load_b(w0 + inner * p.n, column0 + piece % (BN / 4u) * 4u, p.n); }
        tile_b[piece] = value;
      }
    }
    workgroupBarrier();
    for (var inner = 0u; inner < BK; inner++) {
      var right: array<vec4f, QUADS_N>;
      for (var j = 0u; j < QUADS_N; j++) { right[j] = tile_b[inner * (BN / 4u) + j * 16u + tx]; }
      for (var i = 0u; i < QUADS_M; i++) {
        {
          let left = tile_a[inner * (BM / 4u) + i * 16u + ty];
          for (var r = 0u; r < 4u; r++) {
            for (var j = 0u; j < QUADS_N; j++) {
              sums[(i * 4u + r) * QUADS_N + j] = fma(vec4f(left[r]), right[j], sums[(i * 4u + r) * QUADS_N + j]);
            }
          }
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < QUADS_M; i++) {
    for (var r = 0u; r < 4u; r++) {
      if (tile.y + i * 64u + ty * 4u + r < tile.z) {
        let to = target_row(tile.y + i * 64u + ty * 4u + r) * p.n;
        for (var j = 0u; j < QUADS_N; j++) {
          store4(to, column0 + j * 64u + tx * 4u, p.n, sums[(i * 4u + r) * QUADS_N + j]);
        }
      }
    }
  }
}
