// Gradients of C and (INTO_B) of B, of the tokens of a chunk, over the heads of a group:
//   dC_l = Σ_{s ≤ l} pairs[l, s] B_s + Σ_h exp(cs_l) dy_l · (state entering)
//   dB_s = Σ_{l ≥ s} pairs[l, s] C_l + Σ_h dt_s exp(cs_last - cs_s) x_s · (gradient of the state leaving)
// and for each head and token the second term (without dt_s) times C_l or B_s, over this tile's part of the state dimension: their share
// in the gradients of cs and dt. INTO_B also sums (gradient of the state leaving) ∘ (state entering), spread over the rows of a tile.
// With common.wgsl; `segment` is 0 for the pairs, and 1 + the head.
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
/** dy, or xBC, with rows of p.stride. */
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read> decay: array<vec4f>;
@group(0) @binding(4) var<storage, read> pairs: array<vec4f>;
/** The states that `values` meet, and the others. */
@group(0) @binding(5) var<storage, read> states: array<vec4f>;
@group(0) @binding(6) var<storage, read> others: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> rows: array<f32>;

/** This invocation's part of the states' product with the others. */
var<private> both: f32;

fn input(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), x[((b * p.length + min(t, p.length - 1u)) * ROW + column) / 4u], t < p.length);
}

fn value(b: u32, t: u32, column: u32) -> vec4f {
  return select(vec4f(), values[((b * p.length + min(t, p.length - 1u)) * p.stride + column) / 4u], t < p.length);
}

fn a_along_inner(segment: u32) -> bool { return !INTO_B || segment > 0u; }
fn a_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  if (segment == 0u) {
    let first = (tile.index * G + tile.head) * Q;
    if (INTO_B) {
      let at = ((first + k) * Q + line) / 4u;
      return mat4x4f(pairs[at], pairs[at + Q / 4u], pairs[at + 2u * (Q / 4u)], pairs[at + 3u * (Q / 4u)]);
    }
    let at = ((first + line) * Q + k) / 4u;
    return transpose(mat4x4f(pairs[at], pairs[at + Q / 4u], pairs[at + 2u * (Q / 4u)], pairs[at + 3u * (Q / 4u)]));
  }
  let t = tile.t0 + line;
  let column = (segment - 1u) * P + k;
  return transpose(mat4x4f(value(tile.b, t, column), value(tile.b, t + 1u, column), value(tile.b, t + 2u, column), value(tile.b, t + 3u, column)));
}
fn b_along_inner(segment: u32) -> bool { return false; }
fn b_block(segment: u32, k: u32, line: u32, tile: Tile) -> mat4x4f {
  if (segment == 0u) {
    let t = tile.t0 + k;
    var column = B0 + tile.head * N + line;
    if (INTO_B) { column = C0 + tile.head * N + line; }
    return mat4x4f(input(tile.b, t, column), input(tile.b, t + 1u, column), input(tile.b, t + 2u, column), input(tile.b, t + 3u, column));
  }
  let at = ((tile.index * HP + (segment - 1u) * P + k) * N + line) / 4u;
  let block = mat4x4f(states[at], states[at + N / 4u], states[at + 2u * (N / 4u)], states[at + 3u * (N / 4u)]);
  if (INTO_B && tile.row0 == 0u) {
    both += dot(block[0], others[at]) + dot(block[1], others[at + N / 4u])
      + dot(block[2], others[at + 2u * (N / 4u)]) + dot(block[3], others[at + 3u * (N / 4u)]);
  }
  return block;
}

fn run(tile: Tile, own: vec2u) {
  let tokens = min(Q, p.length - tile.t0);
  var begin = 0u;
  var end = min(tile.row0 + BM, tokens);
  // The first chunk has no state to begin with, the last one's goes nowhere.
  var meets = tile.chunk > 0u;
  var source = C0;
  if (INTO_B) {
    begin = tile.row0;
    end = tokens;
    meets = tile.chunk + 1u < p.chunks;
    source = B0;
  }
  var total = product(mat4x4f(), 0u, begin, end, tile, own);
  let row = tile.row0 + own.y * 4u;
  let column = source + tile.head * N + tile.column0 + own.x * 4u;
  for (var h = tile.head * R; h < (tile.head + 1u) * R; h++) {
    let times = times_of(tile, h);
    let to = p.base + tile.column0 / BN * p.count + times + tile.row0;
    var along = vec4f();
    both = 0.0;
    if (meets) {
      let sum = product(mat4x4f(), 1u + h, 0u, P, tile, own);
      let cs = decay[(p.count + times + row) / 4u];
      var factor: vec4f;
      var weight = vec4f(1.0);
      if (INTO_B) {
        factor = decays(decay[(p.count + times + Q) / 4u - 1u].w - cs);
        weight = decay[(times + row) / 4u];
      } else {
        factor = decays(cs);
      }
      for (var r = 0u; r < 4u; r++) {
        let term = factor[r] * sum[r];
        along[r] = dot(term, input(tile.b, tile.t0 + row + r, column));
        total[r] += weight[r] * term;
      }
    }
    put_rows(along, to, own);
    if (INTO_B) { put_rows(vec4f(both, 0.0, 0.0, 0.0), p.count * (N / BN) + to, own); }
  }
  for (var r = 0u; r < 4u; r++) {
    let t = tile.t0 + row + r;
    if (t < p.length) { dx[((tile.b * p.length + t) * ROW + column) / 4u] = total[r]; }
  }
}
