// What a chunk alone adds to the state, states[b, chunk, h, p, n]: Σ_s exp(cs_last - cs_s) dt_s x_s[h, p] B_s[n]; or, REVERSE, to the
// gradient of the state that enters it: Σ_l exp(cs_l) dy_l[h, p] C_l[n]. Rows of a tile are (h, p), of one group. With common.wgsl.
/** xBC, or dy, with rows of p.stride. */
@group(0) @binding(1) var<storage, read> values: array<vec4f>;
/** B or C, from p.column on. */
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> states: array<vec4f>;

fn value(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), values[((b * p.length + min(t, p.length - 1u)) * p.stride + column) / 4u], t < p.length);
}

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn a_along_inner(segment: u32) -> bool { return false; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let times = times_of(tile, line / P);
  let cs = decay[(p.count + times + k) / 4u];
  var factor: vec4f;
  if (REVERSE) { factor = decays(cs); } else {
    factor = decays(decay[(p.count + times + Q) / 4u - 1u].w - cs) * decay[(times + k) / 4u];
  }
  let t = tile.t0 + k;
  return mat4x4f(
    factor.x * value(tile.b, t, line),
    factor.y * value(tile.b, t + 1u, line),
    factor.z * value(tile.b, t + 2u, line),
    factor.w * value(tile.b, t + 3u, line));
}
fn b_along_inner(segment: u32) -> bool { return false; }
fn b_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let column = p.column + tile.row0 / (R * P) * N + line;
  let t = tile.t0 + k;
  return mat4x4f(input(tile.b, t, column), input(tile.b, t + 1u, column), input(tile.b, t + 2u, column), input(tile.b, t + 3u, column));
}

fn run(tile: Tile, own: vec2u) {
  let sum = product(mat4x4f(), 0u, 0u, min(Q, p.length - tile.t0), tile, own);
  let at = ((tile.index * HP + tile.row0 + own.y * 4u) * N + tile.column0) / 4u + own.x;
  for (var r = 0u; r < 4u; r++) { states[at + r * (N / 4u)] = sum[r]; }
}
