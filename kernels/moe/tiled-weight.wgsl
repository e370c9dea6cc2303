// The product Σ dy[i]ᵀ · x[source(i)] [M, N] over the rows i of list entry p.first + workgroup.z: a chunk of an expert's rows,
// whose sum moe/chunks adds to others (CHUNKED), or all of them, whose sum is dw[e]; zeros where there are none.
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = tiles[p.first + group.z];
  if (tile.x >= EXPERTS) { return; }
  let row0 = group.y * BM;
  let column0 = group.x * BN;
  let ty = local / 16u;
  let tx = local % 16u;
  var sums: array<vec4f, QUADS_M * 4u * QUADS_N>;
  for (var i0 = tile.y; i0 < tile.z; i0 += BK) {
    for (var piece = local; piece < BK * BM / 4u; piece += 256u) {
      let row = i0 + piece / (BM / 4u);
      var value = vec4f();
      if (row < tile.z) { value = load_a(row * p.m, row0 + piece % (BM / 4u) * 4u, p.m); }
      tile_a[piece] = value;
    }
    for (var piece = local; piece < BK * BN / 4u; piece += 256u) {
      let row = i0 + piece / (BN / 4u);
      var value = vec4f();
      if (row < tile.z) { value = load_b(source(row) * p.n, column0 + piece % (BN / 4u) * 4u, p.n); }
      tile_b[piece] = value;
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
  let c0 = select(tile.x, group.z, CHUNKED) * p.m * p.n;
  for (var i = 0u; i < QUADS_M; i++) {
    for (var r = 0u; r < 4u; r++) {
      if (row0 + i * 64u + ty * 4u + r < p.m) {
        let to = c0 + (row0 + i * 64u + ty * 4u + r) * p.n;
        for (var j = 0u; j < QUADS_N; j++) {
          store4(to, column0 + j * 64u + tx * 4u, p.n, sums[(i * 4u + r) * QUADS_N + j]);
        }
      }
    }
  }
}
