// scores[b, chunk, g, l, s] = C_l · B_s, for the tiles on and below the diagonal. With common.wgsl, BM = BN.
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> scores: array<vec4f>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn turned(b: u32, t: u32, column: u32) -> mat4x4f {
  return transpose(mat4x4f(input(b, t, column), input(b, t + 1u, column), input(b, t + 2u, column), input(b, t + 3u, column)));
}

fn a_along_inner(segment: u32) -> bool { return true; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f { return turned(tile.b, tile.t0 + line, C0 + tile.head * N + k); }
fn b_along_inner(segment: u32) -> bool { return true; }
fn b_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f { return turned(tile.b, tile.t0 + line, B0 + tile.head * N + k); }

fn run(tile: Tile, own: vec2u) {
  if (tile.column0 > tile.row0) { return; }
  let sum = product(mat4x4f(), 0u, 0u, N, tile, own);
  let at = (((tile.index * G + tile.head) * Q + tile.row0 + own.y * 4u) * Q + tile.column0) / 4u + own.x;
  for (var r = 0u; r < 4u; r++) { scores[at + r * (Q / 4u)] = sum[r]; }
}
