// pairs[b, chunk, g, l, s] = Σ_h exp(cs_l - cs_s) dt_s (dy_l · x_s) for s ≤ l: the gradient of C_l · B_s, over the heads of a group; and
// for each head and token l the sum over earlier tokens s of (C_l · B_s) times that: its share in the gradient of cs_l.
// With common.wgsl, BM = BN; `segment` is the head.
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec4f>;
@group(0) @binding(4) var<storage, read> scores: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> pairs: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn incoming(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), dy[((b * p.length + min(t, p.length - 1u)) * HP + column) / 4u], t < p.length);
}

fn a_along_inner(segment: u32) -> bool { return true; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let t = tile.t0 + line;
  let column = segment * P + k;
  return transpose(mat4x4f(
    incoming(tile.b, t, column), incoming(tile.b, t + 1u, column), incoming(tile.b, t + 2u, column), incoming(tile.b, t + 3u, column)));
}
fn b_along_inner(segment: u32) -> bool { return true; }
fn b_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  let t = tile.t0 + line;
  let column = segment * P + k;
  return transpose(mat4x4f(input(tile.b, t, column), input(tile.b, t + 1u, column), input(tile.b, t + 2u, column), input(tile.b, t + 3u, column)));
}

fn run(tile: Tile, own: vec2u) {
  let l = tile.row0 + own.y * 4u;
  let s = tile.column0 + own.x * 4u;
  let at = (((tile.index * G + tile.head) * Q + l) * Q + s) / 4u;
  let below = tile.column0 <= tile.row0;
  var total = mat4x4f();
  for (var h = tile.head * R; h < (tile.head + 1u) * R; h++) {
    let times = times_of(tile, h);
    var across = vec4f();
    if (below) {
      let sum = product(mat4x4f(), h, 0u, P, tile, own);
      let dt = decay[(times + s) / 4u];
      let before = decay[(p.count + times + s) / 4u];
      let cs = decay[(p.count + times + l) / 4u];
      for (var r = 0u; r < 4u; r++) {
        let value = select(vec4f(), sum[r] * decays(cs[r] - before) * dt, four(s) <= vec4u(l + r));
        total[r] += value;
        across[r] = dot(select(vec4f(), value * scores[at + r * (Q / 4u)], four(s) < vec4u(l + r)), vec4f(1.0));
      }
    }
    put_rows(across, p.base + tile.column0 / BN * p.count + times + tile.row0, own);
  }
  if (!below) { return; }
  for (var r = 0u; r < 4u; r++) { pairs[at + r * (Q / 4u)] = total[r]; }
}
