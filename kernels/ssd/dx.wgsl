// dx_s = dt_s u_s + D dy_s with u_s = Σ_{l ≥ s} (C_l · B_s) exp(cs_l - cs_s) dy_l + exp(cs_last - cs_s) (gradient of the state leaving) B_s,
// for a head of a chunk; and, of each token, the sums over this tile's part of the head dimension (see time.wgsl):
// the later tokens' part of x_s · u_s, that with the token's own part, and x_s · dy_s. With common.wgsl.
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec4f>;
@group(0) @binding(4) var<storage, read> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read> d_states: array<vec4f>;
@group(0) @binding(6) var<storage, read> d: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> rows: array<f32>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn incoming(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), dy[((b * p.length + min(t, p.length - 1u)) * HP + column) / 4u], t < p.length);
}

fn a_along_inner(segment: u32) -> bool { return segment == 1u; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let times = times_of(tile, tile.head);
  let cs = decay[(p.count + times + line) / 4u];
  let g = tile.head / R;
  if (segment == 0u) {
    // Lines are the earlier tokens s, without their dt; a token's own part is left to `run`.
    let at = (((tile.index * G + g) * Q + k) * Q + line) / 4u;
    let after = decay[(p.count + times + k) / 4u];
    let s = four(line);
    return mat4x4f(
      select(vec4f(), scores[at] * decays(after.x - cs), s < vec4u(k)),
      select(vec4f(), scores[at + Q / 4u] * decays(after.y - cs), s < vec4u(k + 1u)),
      select(vec4f(), scores[at + 2u * (Q / 4u)] * decays(after.z - cs), s < vec4u(k + 2u)),
      select(vec4f(), scores[at + 3u * (Q / 4u)] * decays(after.w - cs), s < vec4u(k + 3u)));
  }
  let t = tile.t0 + line;
  let column = B0 + g * N + k;
  let factor = decays(decay[(p.count + times + Q) / 4u - 1u].w - cs);
  return transpose(mat4x4f(
    factor.x * input(tile.b, t, column),
    factor.y * input(tile.b, t + 1u, column),
    factor.z * input(tile.b, t + 2u, column),
    factor.w * input(tile.b, t + 3u, column)));
}
fn b_along_inner(segment: u32) -> bool { return segment == 1u; }
fn b_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let column = tile.head * P + line;
  if (segment == 0u) {
    let t = tile.t0 + k;
    return mat4x4f(
      incoming(tile.b, t, column), incoming(tile.b, t + 1u, column), incoming(tile.b, t + 2u, column), incoming(tile.b, t + 3u, column));
  }
  let at = ((tile.index * HP + column) * N + k) / 4u;
  return transpose(mat4x4f(d_states[at], d_states[at + N / 4u], d_states[at + 2u * (N / 4u)], d_states[at + 3u * (N / 4u)]));
}

fn run(tile: Tile, own: vec2u) {
  let times = times_of(tile, tile.head);
  var sum = product(mat4x4f(), 0u, tile.row0, min(Q, p.length - tile.t0), tile, own);
  let column = tile.head * P + tile.column0 + own.x * 4u;
  let row = tile.row0 + own.y * 4u;
  let scored = (((tile.index * G + tile.head / R) * Q + row) * Q + row) / 4u;
  var later = vec4f();
  var all = vec4f();
  var through = vec4f();
  for (var r = 0u; r < 4u; r++) {
    let value = input(tile.b, tile.t0 + row + r, column);
    let above = incoming(tile.b, tile.t0 + row + r, column);
    let alone = scores[scored + r * (Q / 4u)][r];
    later[r] = dot(value, sum[r]);
    through[r] = dot(value, above);
    all[r] = later[r] + alone * through[r];
    sum[r] += alone * above;
  }
  let region = p.count * (P / BN);
  let to = tile.column0 / BN * p.count + times + tile.row0;
  put_rows(later, to, own);
  put_rows(all, region + to, own);
  put_rows(through, 2u * region + to, own);
  // The state that leaves the last chunk goes nowhere.
  if (tile.chunk + 1u < p.chunks) { sum = product(sum, 1u, 0u, N, tile, own); }
  let dt = decay[(times + row) / 4u];
  for (var r = 0u; r < 4u; r++) {
    let t = tile.t0 + row + r;
    if (t < p.length) { dx[((tile.b * p.length + t) * ROW + column) / 4u] = dt[r] * sum[r] + d[tile.head] * incoming(tile.b, t, column); }
  }
}
