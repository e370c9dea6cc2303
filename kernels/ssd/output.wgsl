// y_l = Σ_{s ≤ l} (C_l · B_s) exp(cs_l - cs_s) dt_s x_s + exp(cs_l) (state entering the chunk) C_l + D x_l, for a head of a chunk.
// A tile has tokens as rows and the head's dimensions as columns.
// With common.wgsl; CONTINUED: a state enters the first chunk.
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> decay: array<vec4f>;
@group(0) @binding(3) var<storage, read> scores: array<vec4f>;
@group(0) @binding(4) var<storage, read> states: array<vec4f>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn a_along_inner(segment: u32) -> bool { return true; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let times = times_of(tile, tile.head);
  let cs = decay[(p.count + times + line) / 4u];
  let g = tile.head / R;
  if (segment == 0u) {
    let at = (((tile.index * G + g) * Q + line) * Q + k) / 4u;
    let block = transpose(mat4x4f(scores[at], scores[at + Q / 4u], scores[at + 2u * (Q / 4u)], scores[at + 3u * (Q / 4u)]));
    let before = decay[(p.count + times + k) / 4u];
    let dt = decay[(times + k) / 4u];
    let l = four(line);
    return mat4x4f(
      select(vec4f(), block[0] * decays(cs - before.x) * dt.x, l >= vec4u(k)),
      select(vec4f(), block[1] * decays(cs - before.y) * dt.y, l >= vec4u(k + 1u)),
      select(vec4f(), block[2] * decays(cs - before.z) * dt.z, l >= vec4u(k + 2u)),
      select(vec4f(), block[3] * decays(cs - before.w) * dt.w, l >= vec4u(k + 3u)));
  }
  let t = tile.t0 + line;
  let column = C0 + g * N + k;
  let factor = decays(cs);
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
    return mat4x4f(input(tile.b, t, column), input(tile.b, t + 1u, column), input(tile.b, t + 2u, column), input(tile.b, t + 3u, column));
  }
  let at = ((tile.index * HP + column) * N + k) / 4u;
  return transpose(mat4x4f(states[at], states[at + N / 4u], states[at + 2u * (N / 4u)], states[at + 3u * (N / 4u)]));
}

fn run(tile: Tile, own: vec2u) {
  var sum = product(mat4x4f(), 0u, 0u, tile.row0 + BM, tile, own);
  // Nothing enters the first chunk of a sequence.
  if (CONTINUED || tile.chunk > 0u) { sum = product(sum, 1u, 0u, N, tile, own); }
  let through = d[tile.head];
  let column = tile.head * P + tile.column0 + own.x * 4u;
  for (var r = 0u; r < 4u; r++) {
    let t = tile.t0 + tile.row0 + own.y * 4u + r;
    if (t < p.length) { y[((tile.b * p.length + t) * HP + column) / 4u] = sum[r] + through * input(tile.b, t, column); }
  }
}
